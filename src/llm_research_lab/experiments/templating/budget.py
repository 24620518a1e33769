"""One rendering has one budget of work and of text; what would exceed it is never begun.

There is no clock on this floor, and a thread cannot be stopped from outside, so time is bounded by
counting: every value that an expression reads or makes is charged by its size, every round of a
loop by the size of its body, before the work is done.
"""

from __future__ import annotations

import math
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import SecurityError, TemplateRuntimeError

WORK = 1_000_000
"""Units of work in one rendering; a unit is below 2 µs, so this is below about two seconds."""

TEXT_CHARACTERS = 1 << 20
"""Characters that one rendering writes, and the longest text that it makes on the way."""

ITERATIONS = 100_000
"""The longest ``range``."""

VALUE_CHARACTERS = 4 << 20
"""Characters that a list or an object holds in all; a row has at most half of that, names and
cells of one mebibyte each."""

BITS = 1024
"""Bits of the longest whole number: as long as the largest float's."""

_CHARACTERS_PER_UNIT = 64


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

    def measure(self, value: Any) -> int:
        """Spend what reading the whole value costs, however it is nested or shared.

        Gives the characters that it holds, which are bounded, and so is its JSON. Raises for NaN,
        an infinity and whatever is not plain data.
        """
        kind = type(value)
        if kind is str:
            self.spend(1 + len(value) // _CHARACTERS_PER_UNIT)
            return _bounded(len(value))
        if kind is list or kind is tuple:
            return self._nested(value)
        if kind is dict:
            return _bounded(self._nested(value) + self._nested(value.values()), VALUE_CHARACTERS)
        self.spend(1 + len(value) if kind is range else 1)
        _check_scalar(value)
        return 0

    def _nested(self, values: Any) -> int:
        self.spend(1 + len(values))
        return _bounded(sum(map(self.measure, values)), VALUE_CHARACTERS)

    def write(self, text: str) -> str:
        """Return the text, counted as output."""
        self.text -= len(text)
        if self.text < 0:
            raise LimitError(f"more than {TEXT_CHARACTERS:,} characters of text")
        self.spend(1 + len(text) // _CHARACTERS_PER_UNIT)
        return text

    def room(self, characters: int) -> None:
        """Spend what making a text of this length costs, before it is made."""
        self.spend(1 + _bounded(characters) // _CHARACTERS_PER_UNIT)


def _bounded(characters: int, most: int = TEXT_CHARACTERS) -> int:
    if characters > most:
        raise LimitError(f"a text or value of more than {most:,} characters")
    return characters


def _check_scalar(value: Any) -> None:
    kind = type(value)
    if kind is int:
        if value.bit_length() > BITS:
            raise LimitError(f"a number of more than {BITS:,} bits")
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a JSON number")
    elif not (kind in {bool, type(None), range} or isinstance(value, Undefined)):
        raise SecurityError(f"a template reads plain values, not {kind.__name__}")
