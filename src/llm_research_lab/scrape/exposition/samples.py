"""What both formats share: the result, the error with its place, and how a value is written."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Generic, NoReturn, TypeVar

from llm_research_lab.vocabulary import InvalidError

Series = tuple[tuple[str, str], ...]
"""Labels as they are written: `__name__` among them, in the order written, empty ones too."""

Made = TypeVar("Made")

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
QUOTED = re.compile(r'"((?:\\.|[^\\"])*)"')

_ESCAPE = re.compile(r'\\([\\n"])')
_PLAIN = {"\\": "\\", "n": "\n", '"': '"'}
_SPECIAL = re.compile(r"nan|[-+]?inf(?:inity)?", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")


class ExpositionError(InvalidError):
    """The exposition breaks its format; `where` is ``line:column``, both from 1."""

    slug = "bad-exposition"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is told of a family: type, help, unit; "" where nothing is."""

    type: str = ""
    help: str = ""
    unit: str = ""


@dataclass(slots=True)
class Parsed(Generic[Made]):
    """Samples in the order exposed.

    `series` holds what the cache holds for each, `values` the numbers, `times` milliseconds by the
    sample's place for those that give their own.
    """

    series: list[Made] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)


Cache = MutableMapping[str, Made]
"""By a series' text as it is exposed, what was made of it: a scrape is a look-up per line."""

Make = Callable[[Series], Made]


class LineError(Exception):
    """One line is wrong at a column, counted from 0; whoever knows the line's number tells it."""

    def __init__(self, column: int, expected: str, got: str) -> None:
        super().__init__(expected)
        self.column = column
        self.expected = expected
        self.got = got

    def at(self, number: int) -> ExpositionError:
        """Give the error of the whole exposition."""
        return ExpositionError(
            f"{number}:{self.column + 1}",
            self.expected,
            self.got,
            "mend the target's exposition; promtool check metrics shows more",
        )


def broken(line: str, column: int, expected: str) -> NoReturn:
    """Refuse the line at the column."""
    rest = line[column : column + 40]
    raise LineError(column, expected, repr(rest) if rest else "the end of the line")


def read_value(line: str, token: str, column: int) -> float:
    """Read a float as Prometheus's parser does: Go's syntax, no underscores, no hexadecimals.

    A number beyond float64 is refused; Inf and NaN are words. Source: Prometheus,
    model/textparse/interface.go, parseFloat.
    """
    try:
        value = float(token)
    except ValueError:
        broken(line, column, "a number")
    if (
        "_" in token
        or not token.isascii()
        or not token.isprintable()
        or (not isfinite(value) and not _SPECIAL.fullmatch(token))
    ):
        broken(line, column, "a number that float64 holds")
    return value


def unescaped(text: str) -> str:
    r"""Undo ``\\``, ``\n`` and ``\"``; any other backslash stays."""
    return _ESCAPE.sub(lambda found: _PLAIN[found[1]], text) if "\\" in text else text


def decoded(body: bytes) -> str:
    """Decode UTF-8; bytes that are none become lone surrogates, refused in labels alone."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("utf-8", "surrogateescape")


def check_unicode(line: str, text: str, column: int) -> None:
    """Refuse text that was not UTF-8."""
    if not text.isascii() and _SURROGATE.search(text):
        broken(line, column, "UTF-8")


def repaired(text: str) -> str:
    """Replace what was not UTF-8."""
    return _SURROGATE.sub("�", text)


def add_metadata(into: dict[str, Metadata], name: str, kind: str, text: str) -> None:
    """Note one line of a family's metadata; a later one of its kind wins."""
    old = into.get(name, Metadata())
    told = {"type": old.type, "help": old.help, "unit": old.unit} | {kind: text}
    into[name] = Metadata(**told)
