"""A script is commands by line: ``load``, ``clear``, ``eval``; an empty line ends a block.

A line that begins with ``#`` counts as empty.

Source: prometheus/prometheus, promql/promqltest/README.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, cast

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.nodes import String
from llm_research_lab.promql.parsing import parse
from llm_research_lab.vocabulary import LabError
from llm_research_lab.vocabulary.durations import parse_duration

_LOAD = re.compile(r"load(?P<nhcb>_with_nhcb)?\s+(?P<step>\S+)")
_EVAL = r"eval(?:_(?P<mode>fail|warn|ordered|info))?"
_INSTANT = re.compile(_EVAL + r"\s+instant\s+(?:at\s+(?P<at>\S+)\s+)?(?P<expr>.+)")
_RANGE = re.compile(
    _EVAL + r"\s+range\s+from\s+(?P<start>\S+)\s+to\s+(?P<end>\S+)"
    r"\s+step\s+(?P<step>\S+)\s+(?P<expr>.+)"
)
_EXPECT = re.compile(
    r"expect\s+(?P<what>fail|warn|no_warn|info|no_info|ordered|string|range vector)"
    r"(?:\s+(?:(?P<match>msg|regex)\s*:\s*)?(?P<text>.*))?"
)
_VECTOR = re.compile(r"from\s+(?P<start>\S+)\s+to\s+(?P<end>\S+)\s+step\s+(?P<step>\S+)")

_QUOTES = ('"', "'", "`")

Outcome = Literal["fail", "warn", "no_warn", "info", "no_info"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected beside values. `text` None: whatever it says; `regex`: as an expression."""

    what: Outcome
    text: str | None = None
    regex: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """Samples of series, `step_ms` apart, from instant 0 on."""

    line: int
    step_ms: int
    series: tuple[tuple[int, str], ...]
    histograms: bool = False


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all samples."""

    line: int


@dataclass(frozen=True, slots=True)
class Eval:
    """An expression, its instants, and what is expected of it.

    `step_ms` None is an instant query. `vector` is the grid of an expected range vector.
    """

    line: int
    text: str
    start_ms: int
    end_ms: int
    step_ms: int | None
    expectations: tuple[Expectation, ...] = ()
    ordered: bool = False
    string: str | None = None
    vector: tuple[int, int, int] | None = None
    series: tuple[tuple[int, str], ...] = ()

    @property
    def fails(self) -> bool:
        """Whether an error is expected."""
        return any(one.what == "fail" for one in self.expectations)


Command = Load | Clear | Eval


@dataclass(slots=True)
class _Lines:
    """The lines, with the place of the reader."""

    lines: list[str]
    at: int = 0

    def block(self) -> list[tuple[int, str]]:
        """Take the lines up to an empty one, with their numbers."""
        found = []
        while self.at < len(self.lines) and self.lines[self.at]:
            found.append((self.at + 1, self.lines[self.at]))
            self.at += 1
        return found


@dataclass(slots=True)
class _Expected:
    """What the lines below an ``eval`` say."""

    expectations: list[Expectation] = field(default_factory=list)
    ordered: bool = False
    string: str | None = None
    vector: tuple[int, int, int] | None = None
    series: list[tuple[int, str]] = field(default_factory=list)


def read_script(text: str) -> list[Command]:
    """Read the commands. Raises ExpressionError at the first line that is none."""
    lines = _Lines(["" if one.strip().startswith("#") else one.strip() for one in text.split("\n")])
    commands: list[Command] = []
    while lines.at < len(lines.lines):
        line = lines.lines[lines.at]
        lines.at += 1
        if line:
            commands.append(_command(line, lines.at, lines))
    return commands


def _command(line: str, number: int, lines: _Lines) -> Command:
    word = line.split(None, 1)[0]
    if word == "clear":
        return Clear(number)
    if found := _LOAD.fullmatch(line):
        step = _duration(found["step"], number)
        return Load(number, step, tuple(lines.block()), bool(found["nhcb"]))
    if found := _INSTANT.fullmatch(line):
        at = _duration(found["at"] or "0", number)
        return _eval(found, number, (at, at, None), lines)
    if found := _RANGE.fullmatch(line):
        span = tuple(_duration(found[name], number) for name in ("start", "end", "step"))
        return _eval(found, number, (span[0], span[1], span[2]), lines)
    raise _broken(number, "load, clear, eval instant or eval range", line)


def _eval(
    found: re.Match[str], number: int, span: tuple[int, int, int | None], lines: _Lines
) -> Eval:
    expected = _Expected()
    mode = found["mode"]
    if mode == "ordered":
        expected.ordered = True
    for line, text in lines.block():
        _expect(expected, line, text)
    failing = [one for one in expected.expectations if one.what == "fail"]
    if mode in {"fail", "warn", "info"} and not (mode == "fail" and failing):
        expected.expectations.append(Expectation(cast("Outcome", mode)))
    return Eval(
        number,
        found["expr"],
        *span,
        tuple(expected.expectations),
        expected.ordered,
        expected.string,
        expected.vector,
        tuple(expected.series),
    )


def _expect(expected: _Expected, line: int, text: str) -> None:
    """Take one line below an ``eval`` in."""
    word, _, rest = text.partition(" ")
    if word in {"expected_fail_message", "expected_fail_regexp"}:
        regex = word.endswith("regexp")
        expected.expectations.append(Expectation("fail", rest.strip(), regex))
        return
    if word != "expect":
        expected.series.append((line, text))
        return
    found = _EXPECT.fullmatch(text)
    if found is None:
        raise _broken(line, "expect fail, warn, no_warn, info, no_info, ordered or string", text)
    what, said = found["what"], found["text"]
    if what == "ordered":
        expected.ordered = True
    elif what == "string":
        expected.string = _unquoted(text[len("expect string ") :])
    elif what == "range vector":
        expected.vector = _vector(said or "", line)
    else:
        told = said.strip() if found["match"] and said else None
        outcome = cast("Outcome", what)
        expected.expectations.append(Expectation(outcome, told, found["match"] == "regex"))


def _vector(text: str, line: int) -> tuple[int, int, int]:
    found = _VECTOR.fullmatch(text)
    if found is None:
        raise _broken(line, "expect range vector from START to END step STEP", text)
    start, end, step = (_duration(found[name], line) for name in ("start", "end", "step"))
    return start, end, step


def _unquoted(text: str) -> str:
    """Read the string as the language reads one, or as it stands where it is not in quotes."""
    if not text.strip().startswith(_QUOTES):
        return text
    expr = parse(text)
    return expr.value if isinstance(expr, String) else text


def _duration(text: str, line: int) -> int:
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        return sign * parse_duration(rest)
    except LabError as error:
        raise _broken(line, "a duration such as 5m", text) from error


def _broken(line: int, expected: str, got: str) -> ExpressionError:
    fix = "see promql/promqltest/README.md of Prometheus for the language"
    return ExpressionError(f"line {line}", expected, repr(got[:80]), fix)
