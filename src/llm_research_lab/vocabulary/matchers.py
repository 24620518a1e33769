"""A matcher accepts a label's value: equal, unequal, or by an anchored RE2 expression.

A label that is absent has the value ``""``. Source: Prometheus, "Querying basics", "Instant vector
selectors"; RE2's syntax.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import re2

from llm_research_lab.vocabulary.errors import InvalidError
from llm_research_lab.vocabulary.labels import Labels

Op = Literal["=", "!=", "=~", "!~"]

PATTERN_CHARACTERS = 10_000
"""Longest expression; RE2 itself bounds what it compiles to."""


@lru_cache(maxsize=2_000)
def compiled(pattern: str) -> Any:
    """Compile an expression for whole values, ``.`` newlines too; raises InvalidError."""
    if len(pattern) > PATTERN_CHARACTERS:
        raise InvalidError(
            "regular expression",
            f"at most {PATTERN_CHARACTERS} characters",
            str(len(pattern)),
            "shorten it",
        )
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"^(?s:{pattern})$", options)
    except re2.error as error:
        told = error.args[0] if error.args else error
        text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
        raise InvalidError(
            "regular expression",
            "an RE2 expression",
            f"{pattern[:100]!r}: {text}",
            "see RE2's syntax",
        ) from None


@dataclass(frozen=True, slots=True)
class Matcher:
    """`matches` says whether a value is accepted. Making one of a bad expression raises."""

    name: str
    op: Op
    value: str

    def __post_init__(self) -> None:
        """Refuse an expression that RE2 does not take."""
        if self.op in {"=~", "!~"}:
            compiled(self.value)

    def matches(self, value: str) -> bool:
        """Whether the value is accepted; absent is ``""``."""
        if self.op == "=":
            return value == self.value
        if self.op == "!=":
            return value != self.value
        found = compiled(self.value).match(value) is not None
        return found if self.op == "=~" else not found


def accepts(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    """Whether all matchers accept the labels."""
    values = dict(labels)
    return all(matcher.matches(values.get(matcher.name, "")) for matcher in matchers)
