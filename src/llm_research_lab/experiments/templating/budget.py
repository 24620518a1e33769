"""One rendering has one budget of work and of text; what would exceed it is never begun.

There is no clock on this floor, and a thread cannot be stopped from outside, so time is bounded by
counting: every value that an expression reads or makes is charged by its size, every round of a
loop by the size of its body, before the work is done.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import SecurityError, TemplateRuntimeError

WORK = 1_000_000
"""Units of work in one rendering; a unit is below 2 µs, so this is below about two seconds."""

TEXT_CHARACTERS = 1 << 20
"""Characters that one rendering writes, and the longest text that it makes on the way."""

ITERATIONS = 100_000
"""The longest ``range``."""

_CHARACTERS_PER_UNIT = 64
_SCALARS = frozenset({int, float, bool, type(None)})


class LimitError(TemplateRuntimeError):
    """The template asks for more than one rendering may take."""


class Budget:
    """What is left to one rendering; not shared between threads."""

    __slots__ = ("text", "work")

    def __init__(self) -> None:
        self.work = WORK
        self.text = TEXT_CHARACTERS

    def spend(self, units: int) -> None:
        """Take `units` of work, or raise LimitError."""
        self.work -= units
        if self.work < 0:
            raise LimitError(f"more than {WORK:,} steps of work")

    def measure(self, value: Any) -> None:
        """Spend what reading the whole value costs, however it is nested or shared."""
        kind = type(value)
        if kind is str:
            self.spend(1 + len(value) // _CHARACTERS_PER_UNIT)
        elif kind is list or kind is tuple:
            self._nested(value)
        elif kind is dict:
            self._nested(value)
            self._nested(value.values())
        elif kind is range:
            self.spend(1 + len(value))
        elif kind in _SCALARS or isinstance(value, Undefined):
            self.spend(1)
        else:
            raise SecurityError(f"a template reads plain values, not {kind.__name__}")

    def _nested(self, values: Any) -> None:
        self.spend(1 + len(values))
        for value in values:
            self.measure(value)

    def write(self, text: str) -> str:
        """Return the text, counted as output."""
        self.text -= len(text)
        if self.text < 0:
            raise LimitError(f"more than {TEXT_CHARACTERS:,} characters of text")
        self.spend(1 + len(text) // _CHARACTERS_PER_UNIT)
        return text

    def room(self, characters: int) -> None:
        """Spend what making a text of this length costs, before it is made."""
        if characters > TEXT_CHARACTERS:
            raise LimitError(f"a text of more than {TEXT_CHARACTERS:,} characters")
        self.spend(1 + characters // _CHARACTERS_PER_UNIT)
