"""A schema is inferred in one pass and constant memory; it fits every row that could be read.

CSV: the narrowest of boolean, integer and number that all cells of a column have, else text; a
column with an empty cell is nullable. JSON Lines: the type of a column's first value, whole numbers
widening to number; what differs from it is found when the rows are checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from llm_research_lab.experiments.rows.cells import CELL_TYPES, CellType
from llm_research_lab.experiments.rows.row import TOO_MANY_COLUMNS, Row, at_line
from llm_research_lab.experiments.schema import COLUMNS, Column, ColumnType, Schema
from llm_research_lab.vocabulary import Finding

_JSON_TYPES: dict[type, ColumnType] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "json",
    list: "json",
}


@dataclass(slots=True)
class _TextColumn:
    """The types that all cells so far have, and whether any was empty or not."""

    possible: list[CellType] = field(default_factory=lambda: list(CELL_TYPES))
    nullable: bool = False
    filled: bool = False

    def take(self, cells: Sequence[str]) -> None:
        """Fold cells in. What was boolean so far is no number: the types are not all nested."""
        self.nullable = self.nullable or "" in cells
        while self.possible and not self.possible[0].fits(cells):
            dropped = self.possible.pop(0)
            if self.filled and dropped.name == "boolean":
                self.possible.clear()
        self.filled = self.filled or any(cells)

    def column(self, name: str) -> Column:
        kind = self.possible[0].name if self.possible and self.filled else "string"
        return Column(name, kind, self.nullable)


@dataclass(slots=True)
class _JsonColumn:
    """The first value's type, and whether any row has null or nothing here."""

    kind: ColumnType | None = None
    nullable: bool = False

    def take(self, values: Sequence[Any]) -> None:
        kinds = set(map(type, values))
        if type(None) in kinds:
            self.nullable = True
            kinds.discard(type(None))
        if self.kind is None and kinds:
            self.kind = _JSON_TYPES[next(type(value) for value in values if value is not None)]
        if self.kind == "integer" and float in kinds:
            self.kind = "number"

    def column(self, name: str) -> Column:
        return Column(name, self.kind or "string", self.nullable)


class Inference:
    """Takes rows in any portions; rows with a finding are passed over.

    `finding` is set when the rows together name more columns than may be: then no schema fits.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self.finding: Finding | None = None
        self._text = {name: _TextColumn() for name in names or ()}
        self._json: dict[str, _JsonColumn] = {}
        self._rows = 0

    def take(self, rows: Sequence[Row]) -> None:
        """Fold some rows in."""
        if self._text:
            cells = [cast("Sequence[str]", row.values) for row in rows if row.values is not None]
            for column, of_column in zip(
                self._text.values(), zip(*cells, strict=True), strict=False
            ):
                column.take(of_column)
            return
        self._take_json([row for row in rows if row.values is not None])

    def schema(self) -> Schema:
        """Give the schema that the rows so far have."""
        columns = self._text or self._json
        return Schema(tuple(column.column(name) for name, column in columns.items()))

    def _take_json(self, rows: Sequence[Row]) -> None:
        for row in rows:
            values = cast("Mapping[str, Any]", row.values)
            if not values.keys() <= self._json.keys():
                self._add(values, row.line)
        dicts = [cast("Mapping[str, Any]", row.values) for row in rows]
        for name, column in self._json.items():
            column.take([values.get(name) for values in dicts])
        self._rows += len(rows)

    def _add(self, values: Mapping[str, Any], line: int) -> None:
        """Add the names that stand here first; rows before had nothing there."""
        for name in values:
            if name not in self._json and len(self._json) < COLUMNS:
                self._json[name] = _JsonColumn(nullable=self._rows > 0)
            elif name not in self._json and self.finding is None:
                message = f"{TOO_MANY_COLUMNS} in all rows together, got more"
                fix = "keep fewer names, or put them in one object"
                self.finding = Finding(at_line(line), "columns", message, fix)
