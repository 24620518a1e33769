"""Every row is checked against the schema; what passes comes out typed, column by column."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from llm_research_lab.experiments.rows.cells import CELL_TYPES, WRONG
from llm_research_lab.experiments.rows.findings import KEPT, Findings
from llm_research_lab.experiments.rows.json_laws import INTEGER_LIMIT, TOO_BIG, Trouble, kind_of
from llm_research_lab.experiments.rows.row import Row, at_column, at_line, quoted
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.vocabulary import Finding

Columns = list[Sequence[Any]]
"""The values of some rows, by column in the schema's order; the sequences are equally long."""

_CELL_TYPES = {kind.name: kind for kind in CELL_TYPES}
_ABSENT = object()
_JSON_KINDS: dict[str, tuple[set[type], str]] = {
    "string": ({str}, "text"),
    "integer": ({int}, "an integer"),
    "number": ({int, float}, "a number"),
    "boolean": ({bool}, "true or false"),
    "json": ({dict, list}, "an array or object"),
}
_NULLABLE_FIX = "fill it, or make the column nullable"


class _Found:
    """What some rows have wrong, told in the order of lines and columns."""

    def __init__(self) -> None:
        self._all: list[tuple[int, int, Finding]] = []

    def apart(self, rows: Sequence[Row]) -> list[Row]:
        """Keep the findings that rows carry, and give the other rows."""
        broken = [(row.line, 0, row.finding) for row in rows if row.finding is not None]
        self._all += broken
        return [row for row in rows if row.finding is None] if broken else list(rows)

    def add(self, line: int, ordinal: int, name: str, trouble: Trouble) -> None:
        """Keep one about a cell."""
        finding = Finding(at_column(line, name, ordinal), *trouble)
        self._all.append((line, ordinal, finding))

    def tell(self, findings: Findings) -> None:
        """Add them to those of the rows before."""
        self._all.sort(key=lambda one: one[:2])
        for _, _, finding in self._all:
            findings.add(finding)


class CsvCheck:
    """Checks text cells. The header's names are the schema's, in any order.

    An empty cell is null where the column is nullable, the empty text in a column of text that is
    not, and a finding elsewhere.
    """

    def __init__(self, schema: Schema, names: Sequence[str], findings: Findings) -> None:
        self._findings = findings
        self._columns: list[tuple[Column, int]] = []
        for finding in _header(schema, names):
            findings.add(finding)
        if not findings.total:
            self._columns = [(column, names.index(column.name)) for column in schema.columns]

    def take(self, rows: Sequence[Row]) -> Columns | None:
        """Type some rows; None when there is a finding, here or before."""
        found = _Found()
        whole = found.apart(rows)
        typed: Columns = []
        if whole and self._columns:
            cells = list(zip(*(cast("Sequence[str]", row.values) for row in whole), strict=True))
            typed = [self._typed(one, at, cells[at], whole, found) for one, at in self._columns]
        found.tell(self._findings)
        return None if self._findings.total or not typed else typed

    @staticmethod
    def _typed(
        column: Column, at: int, cells: Sequence[str], rows: Sequence[Row], found: _Found
    ) -> Sequence[Any]:
        kind = _CELL_TYPES.get(column.type)
        if kind is None:
            return [cell or None for cell in cells] if column.nullable and "" in cells else cells
        values = kind.values(cells)
        if WRONG in values or (not column.nullable and None in values):
            for row, cell, value in zip(rows, cells, values, strict=True):
                if value is WRONG or (value is None and not column.nullable):
                    got, fix = f"got {quoted(cell)}", f"write {kind.expected}"
                    if value is None:
                        got, fix = "got an empty cell", _NULLABLE_FIX
                    message = f"expected {kind.expected}, {got}"
                    found.add(row.line, at + 1, column.name, ("type", message, fix))
        return values


class JsonCheck:
    """Checks JSON values. A nullable column may be null or left out; nothing else may stand there.

    A column's ordinal is the schema's.
    """

    def __init__(self, schema: Schema, findings: Findings) -> None:
        self._schema = schema
        self._names = frozenset(schema.names)
        self._findings = findings

    def take(self, rows: Sequence[Row]) -> Columns | None:
        """Type some rows; None when there is a finding, here or before."""
        found = _Found()
        whole = [(row.line, cast("Mapping[str, Any]", row.values)) for row in found.apart(rows)]
        for line, values in whole:
            if not values.keys() <= self._names:
                self._unknown(line, values, found)
        typed: Columns = [
            self._typed(column, ordinal, whole, found)
            for ordinal, column in enumerate(self._schema.columns, 1)
        ]
        found.tell(self._findings)
        return None if self._findings.total or not whole else typed

    @staticmethod
    def _typed(
        column: Column, ordinal: int, rows: Sequence[tuple[int, Mapping[str, Any]]], found: _Found
    ) -> Sequence[Any]:
        name = column.name
        values = [row.get(name) for _, row in rows]
        kinds = set(map(type, values))
        if column.nullable:
            kinds.discard(type(None))
        if not kinds <= _JSON_KINDS[column.type][0] or (int in kinds and _over_64_bits(values)):
            for line, row in rows:
                trouble = _json_trouble(column, row.get(name, _ABSENT))
                if trouble is not None:
                    found.add(line, ordinal, name, trouble)
        return values

    def _unknown(self, line: int, values: Mapping[str, Any], found: _Found) -> None:
        for ordinal, name in enumerate(values, 1):
            if name not in self._names:
                message = f"expected only the schema's columns, got {quoted(name)}"
                near = self._schema.names if self._findings.total < KEPT else ()
                fix = _nearest(name, near)
                found.add(line, ordinal, name, ("extra-cell", message, fix))


def _over_64_bits(values: Sequence[Any]) -> bool:
    numbers = [value for value in values if type(value) is int]
    return max(numbers) >= INTEGER_LIMIT or min(numbers) < -INTEGER_LIMIT


def _json_trouble(column: Column, value: Any) -> Trouble | None:
    """Law, message and fix of a value that the column may not hold."""
    if value is None or value is _ABSENT:
        if column.nullable:
            return None
        got = "null" if value is None else "nothing"
        expected = _JSON_KINDS[column.type][1]
        return "missing-cell", f"expected {expected}, got {got}", _NULLABLE_FIX
    allowed, expected = _JSON_KINDS[column.type]
    if type(value) not in allowed:
        got = kind_of(value)
        if isinstance(value, str | int | float):
            got += f" {quoted(value) if isinstance(value, str) else str(value).lower()}"
        return "type", f"expected {expected}, got {got}", f"write {expected}"
    return TOO_BIG if type(value) is int and _over_64_bits([value]) else None


def _header(schema: Schema, names: Sequence[str]) -> Iterator[Finding]:
    """Compare a header with the schema."""
    known = set(schema.names)
    for ordinal, name in enumerate(names, 1):
        if name not in known:
            message = f"expected only the schema's columns, got {quoted(name)}"
            where = at_column(1, name, ordinal)
            yield Finding(where, "extra-label", message, _nearest(name, schema.names))
    present = set(names)
    for ordinal, column in enumerate(schema.columns, 1):
        if column.name not in present:
            message = f"expected the column {quoted(column.name)}, got none"
            yield Finding(at_line(1), "missing-label", message, "add the column")
        elif column.type == "json":
            message = "expected a type that a cell can have, got json"
            where = at_column(1, column.name, ordinal)
            yield Finding(where, "type", message, "send JSON Lines, or make it a string")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name[:100], names, 1)
    return f"did you mean {near[0]}?" if near else "remove it, or add it to the schema"
