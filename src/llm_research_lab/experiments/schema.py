"""A schema says what every row of a dataset holds: columns, types, and which may be null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["string", "integer", "number", "boolean", "json"]
"""``json`` is an array or object, kept as it is (JSON Lines only)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `nullable` also says that a JSON Lines row may leave it out."""

    name: str
    type: ColumnType
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in the order of the file; names are unique and not empty."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)
