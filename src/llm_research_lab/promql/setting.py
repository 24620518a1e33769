"""Sets of series: ``and`` keeps what has a partner, ``unless`` what has none, ``or`` joins.

Values are never looked at. Source: Prometheus, promql/engine.go (VectorAnd, VectorOr, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from llm_research_lab.promql.joining import by_signature
from llm_research_lab.promql.naming import distinct, kept
from llm_research_lab.promql.nodes import Binary, Matching
from llm_research_lab.promql.values import Block, Flags, Options


def _anywhere(block: Block, of: Block, matching: Matching, options: Options) -> Flags:
    """Where any series of `of` has the signature of each row of `block`: bool [S, T]."""
    groups = by_signature(of, matching, options.compat)
    found = np.zeros(block.present.shape, dtype=np.bool_)
    for key, rows in by_signature(block, matching, options.compat).items():
        partners = groups.get(key)
        if partners:
            found[rows] = of.present[partners].any(axis=0)
    return found


def _matching(expr: Binary) -> Matching:
    return expr.matching or Matching("many-to-many")


def intersected(expr: Binary, left: Block, right: Block, options: Options) -> Block:
    """``and``: the left's samples where the right has a series of the same labels."""
    there = _anywhere(left, right, _matching(expr), options)
    return kept(replace(left, present=left.present & there))


def excluded(expr: Binary, left: Block, right: Block, options: Options) -> Block:
    """``unless``: the left's samples where the right has none."""
    there = _anywhere(left, right, _matching(expr), options)
    return kept(replace(left, present=left.present & ~there))


def united(expr: Binary, left: Block, right: Block, options: Options) -> Block:
    """``or``: all of the left, and the right's samples where the left has none."""
    there = _anywhere(right, left, _matching(expr), options)
    rest = replace(right, present=right.present & ~there)
    block = Block(
        left.labels + rest.labels,
        np.concatenate([left.values, rest.values]),
        np.concatenate([left.present, rest.present]),
        _marks(left, rest),
    )
    block = kept(block)
    return distinct(block, options, expr.span) if block.drop_name is None else _together(block)


def _marks(left: Block, right: Block) -> tuple[bool, ...] | None:
    if left.drop_name is None and right.drop_name is None:
        return None
    return (left.drop_name or (False,) * len(left.labels)) + (
        right.drop_name or (False,) * len(right.labels)
    )


def _together(block: Block) -> Block:
    """Join rows of equal labels and mark; they are never present at once."""
    marks = block.drop_name or ()
    groups: dict[tuple[object, bool], int] = {}
    values, present, order = block.values.copy(), block.present.copy(), []
    for row, key in enumerate(zip(block.labels, marks, strict=True)):
        first = groups.setdefault(key, row)
        if first == row:
            order.append(row)
        else:
            values[first] = np.where(present[row], values[row], values[first])
            present[first] |= present[row]
    return Block(
        tuple(block.labels[row] for row in order),
        values[order],
        present[order],
        tuple(marks[row] for row in order),
    )


SETS: Mapping[str, Callable[[Binary, Block, Block, Options], Block]] = {
    "and": intersected,
    "or": united,
    "unless": excluded,
}
