"""A column is described in one pass and constant memory.

All are exact but the mean, which is rounded to twelve digits so that it does not depend on how the
rows were portioned. Values are counted until there are more than the bound, or one is too long to
hold; then `distinct` is null, as nobody knows, and `top` empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Any

from llm_research_lab.experiments.schema import Column, Schema

DISTINCT = 1_000
"""Different values that are counted in a column…"""

DISTINCT_IN_ALL = 20_000
"""…and in all columns together, so that a wide dataset needs no more memory than a narrow one."""

VALUE_CHARACTERS = 200
"""A longer text is no label that anyone counts."""

TOP = 5
MEAN_DIGITS = 12


class Statistics:
    """Takes typed columns in any portions."""

    def __init__(self, schema: Schema) -> None:
        self.rows = 0
        bound = min(DISTINCT, DISTINCT_IN_ALL // len(schema.columns))
        self._columns = [_OfColumn(column, bound) for column in schema.columns]

    def take(self, columns: Sequence[Sequence[Any]]) -> None:
        """Fold some rows in."""
        self.rows += len(columns[0])
        for of_column, values in zip(self._columns, columns, strict=True):
            of_column.take(values)

    def result(self) -> dict[str, Any]:
        """Give ``{"rows", "columns": [{"name", "nulls", "distinct", "top", …}]}``."""
        return {"rows": self.rows, "columns": [one.result() for one in self._columns]}


class _OfColumn:
    def __init__(self, column: Column, bound: int) -> None:
        self.column = column
        self.nulls = 0
        self._bound = bound
        self._counts: Counter[Any] | None = None if column.type == "json" else Counter()
        self._measure: _Numbers | _Lengths | None = None
        if column.type in ("integer", "number"):
            self._measure = _Numbers()
        elif column.type == "string":
            self._measure = _Lengths()

    def take(self, values: Sequence[Any]) -> None:
        nulls = values.count(None)
        self.nulls += nulls
        if nulls:
            values = [value for value in values if value is not None]
        if values and self._measure is not None:
            self._measure.take(values)
        if self._counts is not None:
            self._count(values)

    def _count(self, values: Sequence[Any]) -> None:
        """Count, or give up for good."""
        long = isinstance(self._measure, _Lengths) and (self._measure.longest > VALUE_CHARACTERS)
        if long or self._counts is None:
            self._counts = None
            return
        self._counts.update(values)
        if len(self._counts) > self._bound:
            self._counts = None

    def result(self) -> dict[str, Any]:
        counts = self._counts
        ranked = [] if counts is None else sorted(counts.items(), key=_rank)[:TOP]
        return {
            "name": self.column.name,
            "nulls": self.nulls,
            "distinct": None if counts is None else len(counts),
            **({} if self._measure is None else self._measure.result()),
            "top": [{"value": value, "count": count} for value, count in ranked],
        }


def _rank(item: tuple[Any, int]) -> tuple[int, Any]:
    """The most frequent first; equally frequent ones by value."""
    return -item[1], item[0]


class _Numbers:
    """Least, most and mean; a sum beyond what a float holds has no mean."""

    def __init__(self) -> None:
        self.least: float | None = None
        self.most: float | None = None
        self._sum: float = 0
        self._count = 0

    def take(self, values: Sequence[Any]) -> None:
        least, most = min(values), max(values)
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
        self._sum += sum(values)
        self._count += len(values)

    def result(self) -> dict[str, Any]:
        mean = self._sum / self._count if self._count else None
        if mean is not None:
            mean = float(f"{mean:.{MEAN_DIGITS}g}") if isfinite(mean) else None
        return {"min": self.least, "max": self.most, "mean": mean}


class _Lengths:
    """Characters of the shortest and the longest text."""

    def __init__(self) -> None:
        self.shortest: int | None = None
        self.longest = 0

    def take(self, values: Sequence[str]) -> None:
        least, most = min(map(len, values)), max(map(len, values))
        self.shortest = least if self.shortest is None else min(self.shortest, least)
        self.longest = max(self.longest, most)

    def result(self) -> dict[str, Any]:
        return {
            "shortest": self.shortest,
            "longest": None if self.shortest is None else self.longest,
        }
