"""A format is carried out as Go's fmt.Sprintf does; what is wrong with it shows in the text.

Source: Go, package fmt, "Printing" and "Format errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_research_lab.templates.printing import (
    POINTER,
    Style,
    show,
    write_string,
    write_value,
    wrong_verb,
)
from llm_research_lab.templates.values import Function, Record, bounded, is_sequence, type_of

WIDEST = 1_000_000
"""Source: Go, fmt/print.go, tooLarge."""

_DIRECTIVE = re.compile(r"%([#0+\- ]*)", re.DOTALL)
_INDEX = re.compile(r"\[([^\]]*)(\]?)")
_DIGITS = re.compile(r"[0-9]+")


def sprintf(template: str, values: Sequence[Any]) -> str:
    """Write the values as the format says; its mistakes show in the text."""
    return _Formatting(template, values).text()


@dataclass(slots=True)
class _Formatting:
    """Where the reading of the format is, and which value comes next."""

    template: str
    values: Sequence[Any]
    at: int = 0
    next: int = 0
    reordered: bool = False
    good_index: bool = True

    def text(self) -> str:
        """Read the format to its end."""
        return "".join(bounded(self.parts()))

    def parts(self) -> Iterator[str]:
        """Give what the format says, piece by piece."""
        while (start := self.template.find("%", self.at)) >= 0:
            yield self.template[self.at : start]
            self.at = start
            yield self.directive()
        yield self.template[self.at :]
        if not self.reordered and self.next < len(self.values):
            extra = (
                "<nil>" if one is None else f"{type_of(one)}={show(one)}"
                for one in self.values[self.next :]
            )
            yield f"%!(EXTRA {', '.join(bounded(extra))})"

    def directive(self) -> str:
        """Read one percent sign and what belongs to it."""
        found = _DIRECTIVE.match(self.template, self.at)
        flags = found.group(1) if found else ""
        self.at += 1 + len(flags)
        style = Style(
            "#" in flags,
            "0" in flags and "-" not in flags,
            "+" in flags,
            "-" in flags,
            " " in flags,
        )
        self.good_index = True
        indexed = self.index()
        said, style, indexed = self.width(style, indexed)
        more, style, indexed = self.precision(style, indexed)
        if not indexed:
            self.index()
        if self.at >= len(self.template):
            return f"{said}{more}%!(NOVERB)"
        verb = self.template[self.at]
        self.at += 1
        return said + more + self.written(verb, style)

    def written(self, verb: str, style: Style) -> str:
        """Write the next value by the verb."""
        if verb == "%":
            return "%"
        if not self.good_index:
            return f"%!{verb}(BADINDEX)"
        if self.next >= len(self.values):
            return f"%!{verb}(MISSING)"
        value = self.values[self.next]
        self.next += 1
        if verb == "T":
            style = replace(style, precision=None) if value is None else style
            return write_string(type_of(value), "s", style)
        if verb == "p":
            return _pointer(value, style)
        return (
            write_value(value, verb, style, 0)
            if value is not None or verb == "v"
            else wrong_verb(value, verb, style)
        )

    def index(self) -> bool:
        """Read ``[2]``: which value is next."""
        found = _INDEX.match(self.template, self.at)
        if found is None:
            return False
        self.reordered = True
        number, closing = found.groups()
        if not closing:
            self.good_index = False
            self.at += 1
            return False
        self.at = found.end()
        if not _DIGITS.fullmatch(number) or not 1 <= int(number) <= len(self.values):
            self.good_index = False
            return True
        self.next = int(number) - 1
        return True

    def width(self, style: Style, indexed: bool) -> tuple[str, Style, bool]:
        """Read a width, digits or a star."""
        if self.template.startswith("*", self.at):
            self.at += 1
            width = self.star()
            if width is None:
                return "%!(BADWIDTH)", style, False
            if width < 0:
                style = replace(style, minus=True, zero=False)
            return "", replace(style, width=abs(width)), False
        found = _DIGITS.match(self.template, self.at)
        if found is None:
            return "", style, indexed
        self.at = found.end()
        if indexed:
            self.good_index = False
        width = int(found.group()[:8])
        return "", replace(style, width=width if width <= WIDEST else None), indexed

    def precision(self, style: Style, indexed: bool) -> tuple[str, Style, bool]:
        """Read a precision, digits or a star after a point."""
        if not self.template.startswith(".", self.at):
            return "", style, indexed
        self.at += 1
        if indexed:
            self.good_index = False
        indexed = self.index()
        if self.template.startswith("*", self.at):
            self.at += 1
            precision = self.star()
            if precision is None or precision < 0:
                return "%!(BADPREC)", style, False
            return "", replace(style, precision=precision), False
        found = _DIGITS.match(self.template, self.at)
        if found is None:
            return "", replace(style, precision=0), indexed
        self.at = found.end()
        precision = int(found.group()[:8])
        return "", replace(style, precision=precision if precision <= WIDEST else 0), indexed

    def star(self) -> int | None:
        """Take a value as width or precision."""
        if self.next >= len(self.values):
            return None
        value = self.values[self.next]
        self.next += 1
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= WIDEST
        return value if fits else None


def _pointer(value: Any, style: Style) -> str:
    if isinstance(value, Record | Mapping | Function) or is_sequence(value):
        return style.pad(POINTER)
    return wrong_verb(value, "p", style)
