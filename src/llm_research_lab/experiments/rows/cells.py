"""A CSV cell has a type when it is written as that type's values are; else it is text.

Numbers are written as JSON's: no leading zeros, no plus, no space, so ``007`` stays text. Many
cells are told by one match over all of them, joined by NUL, which no cell holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from llm_research_lab.experiments.rows.json_laws import INTEGER_LIMIT
from llm_research_lab.experiments.schema import ColumnType

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
"""JSON's words, and those that Python, R and spreadsheets write."""

WRONG = object()
"""What a cell becomes that is not of the type."""


@dataclass(frozen=True, slots=True)
class CellType:
    """How cells of one type are told and converted; an empty cell is always let pass.

    `quick` matches only what `convert` converts, not all of it: the long ones are told one by one.
    What it matched, `matched` converts without another look.
    """

    name: ColumnType
    expected: str
    quick: re.Pattern[str]
    convert: Callable[[str], Any]
    matched: Callable[[str], Any]

    def fits(self, cells: Sequence[str]) -> bool:
        """Tell whether every cell is of this type, or empty."""
        if self.quick.fullmatch("\0".join(cells)):
            return True
        return all(self.convert(cell) is not WRONG for cell in cells if cell)

    def values(self, cells: Sequence[str]) -> list[Any]:
        """Convert all; an empty cell is None, and one of another type is WRONG."""
        quick = self.quick.fullmatch("\0".join(cells))
        convert = self.matched if quick else self.convert
        if "" in cells:
            return [convert(cell) if cell else None for cell in cells]
        return list(map(convert, cells))


def _integer(cell: str) -> Any:
    """Convert what fits 64 bits."""
    if not _INTEGER.fullmatch(cell) or cell == "-0":
        return WRONG
    value = int(cell)
    return value if -INTEGER_LIMIT <= value < INTEGER_LIMIT else WRONG


def _number(cell: str) -> Any:
    """Convert a finite number; one that is written whole stays whole."""
    if not _NUMBER.fullmatch(cell):
        return WRONG
    if cell.lstrip("-").isdigit() and cell != "-0":
        return _integer(cell)
    value = float(cell)
    return value if isfinite(value) else WRONG


def _matched_number(cell: str) -> Any:
    """Convert what was matched: it has neither too many digits nor too large an exponent."""
    return float(cell) if "." in cell or "e" in cell or "E" in cell or cell == "-0" else int(cell)


def _boolean(cell: str) -> Any:
    return _BOOLEANS.get(cell, WRONG)


def _all(one: str) -> re.Pattern[str]:
    """Match cells of this form, or empty, joined by NUL."""
    return re.compile(rf"(?:{one})?+(?:\x00(?:{one})?+)*+")


_WHOLE = r"0|-?[1-9][0-9]{0,17}"
CELL_TYPES = (
    CellType("boolean", "true or false", _all("|".join(_BOOLEANS)), _boolean, _boolean),
    CellType("integer", "an integer of 64 bits, as 42", _all(_WHOLE), _integer, int),
    CellType(
        "number",
        "a finite number, as 42 or -1.5e3",
        _all(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,2})?"),
        _number,
        _matched_number,
    ),
)
"""From the narrowest to the widest: what fits integer fits number."""
