"""The order of an instant query's rows; a range query's are always in the order of their labels.

Source: Prometheus, promql/functions.go, funcSort…; natural order as github.com/facette/natsort.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence

from llm_research_lab.promql.naming import rows
from llm_research_lab.promql.values import Block
from llm_research_lab.vocabulary.labels import Labels, label

_CHUNK = re.compile(r"[0-9]+|[^0-9]+")
_LARGEST, _DIGITS = (1 << 63) - 1, 19

RANGE_WARNING = (
    "PromQL warning: sort is ineffective for range queries "
    "since results are always ordered by labels"
)


def by_value(block: Block, *, falling: bool) -> Block:
    """Rows by value, NaN last either way, equal ones in the order they had."""
    values = block.values[:, 0].tolist()

    def key(row: int) -> tuple[bool, float]:
        value = values[row]
        return (True, 0.0) if math.isnan(value) else (False, -value if falling else value)

    return rows(block, sorted(range(len(values)), key=key))


def by_labels(block: Block, names: Sequence[str], *, falling: bool) -> Block:
    """Rows by the natural order of these labels' values, then by all labels."""

    def compare(left: Labels, right: Labels) -> int:
        for name in names:
            one, other = label(left, name), label(right, name)
            if one != other:
                return -1 if precedes(one, other) else 1
        return -1 if left < right else int(left > right)

    compare_rows = functools.cmp_to_key(compare)
    order = sorted(
        range(len(block.labels)), key=lambda row: compare_rows(block.labels[row]), reverse=falling
    )
    return rows(block, order)


def precedes(left: str, right: str) -> bool:
    """Whether `left` comes first: digits compared as numbers, the rest as text."""
    lefts, rights = _CHUNK.findall(left), _CHUNK.findall(right)
    for one, other in zip(lefts, rights, strict=False):
        a, b = _number(one), _number(other)
        if a is not None and b is not None:
            if a != b:
                return a < b
        elif one != other:
            return bool(one < other)
    return len(lefts) <= len(rights)


def _number(chunk: str) -> int | None:
    number = int(chunk) if chunk[0].isdigit() and len(chunk) <= _DIGITS else None
    return None if number is None or number > _LARGEST else number
