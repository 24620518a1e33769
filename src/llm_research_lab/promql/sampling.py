"""An instant vector holds each series' newest sample within the look-back; a stale marker is none.

Source: Prometheus, promql/engine.go, vectorSelectorSingle and smoothSeries; "Staleness".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llm_research_lab.promql.frames import Frame, left_open, selector_need
from llm_research_lab.promql.limiting import Run
from llm_research_lab.promql.naming import empty_block, kept
from llm_research_lab.promql.nodes import Selector
from llm_research_lab.promql.values import Block, Columns, Flags, Floats, Options, Times
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Series that all have a sample at each of the times: no markers, no gaps.

    Shapes: `times` int64 [N]; `values` float64 [S, N], C-contiguous; `starts` as in Columns.
    """

    labels: tuple[Labels, ...]
    times: Times
    values: Floats
    starts: Times | None = None


def dense(
    labels: Sequence[Labels],
    times: Times,
    values: Floats,
    gaps: Flags | None,
    starts: Times | None = None,
) -> list[Dense]:
    """Split by where the gaps are: rows of the same gaps share one compacted time column.

    What ends one target's series ends all of them, so there are few patterns.
    """
    if gaps is None or not gaps.any():
        return [Dense(tuple(labels), times, np.ascontiguousarray(values), starts)]
    packed = np.packbits(gaps, axis=1)
    patterns: dict[bytes, list[int]] = {}
    for row in range(len(labels)):
        patterns.setdefault(packed[row].tobytes(), []).append(row)
    result = []
    for members in patterns.values():
        here = np.flatnonzero(~gaps[members[0]])
        if len(here):
            rows = values if len(members) == len(labels) else values[members]
            whole = len(here) == len(times)
            compacted = np.ascontiguousarray(rows if whole else np.take(rows, here, axis=1))
            began = None if starts is None else np.take(starts[members], here, axis=1)
            named = tuple(labels[row] for row in members)
            result.append(Dense(named, times[here], compacted, began))
    return result


def dense_of(columns: Columns) -> Sequence[Dense]:
    """Split columns, or those that they were cut from; once for all that ask."""
    whole = columns.cut_from or columns
    found: Sequence[Dense] | None = whole.derived.get("dense")
    if found is None:
        found = dense(whole.labels, whole.times, whole.values, whole.stale, whole.starts)
        whole.derived["dense"] = found
    return found


Shown = Literal["values", "times", "starts"]
"""What of a sample is looked at: its value; in seconds its time, or when its counter began."""


def select(expr: Selector, frame: Frame, run: Run, *, shown: Shown = "values") -> Block:
    """The selector's instant vector at every instant of the frame.

    Where a start is not known it is 0.
    """
    columns = run.read(selector_need(expr, frame))
    ends = frame.ends(expr)
    run.make_room(sum(len(one.labels) for one in columns), frame.count)
    parts: list[Block] = []
    for one in columns:
        run.options.check()
        parts += (kept(block) for block in _looked_up(one, ends, expr, run.options, shown))
    block = joined(parts, frame.count)
    run.samples += int(np.count_nonzero(block.present))
    return block


def joined(parts: Iterable[Block], steps: int) -> Block:
    """All rows, in the order of their labels: sums and ties do not hang on how they were stored."""
    blocks = [part for part in parts if part.labels]
    if not blocks:
        return empty_block(steps)
    labels = [one for block in blocks for one in block.labels]
    order = sorted(range(len(labels)), key=labels.__getitem__)
    if len(blocks) == 1 and order == list(range(len(labels))):
        return blocks[0]
    places = np.empty(len(labels), dtype=np.int64)
    places[order] = np.arange(len(labels))
    values = np.empty((len(labels), steps))
    present = np.empty((len(labels), steps), dtype=np.bool_)
    start = 0
    for block in blocks:
        rows = places[start : start + len(block.labels)]
        values[rows], present[rows] = block.values, block.present
        start += len(block.labels)
    return Block(tuple(labels[row] for row in order), values, present)


def _looked_up(
    columns: Columns, ends: Times, expr: Selector, options: Options, shown: Shown
) -> list[Block]:
    if expr.edges == "smoothed" and shown == "values":
        parts = dense_of(columns)
        return [_smoothed(part, ends, options) for part in parts]
    if not len(columns.times):
        return []
    found = np.searchsorted(columns.times, ends, side="right") - 1
    held = np.maximum(found, 0)
    times = columns.times[held]
    oldest = ends - options.lookback_ms + (1 if left_open(options) else 0)
    present = np.repeat(((found >= 0) & (times >= oldest))[np.newaxis], len(columns.labels), axis=0)
    if columns.stale is not None:
        present &= ~np.take(columns.stale, held, axis=1)
    if shown == "times":
        values = np.repeat((times / 1000.0)[np.newaxis], len(columns.labels), axis=0)
    elif shown == "starts":
        values = np.zeros((len(columns.labels), len(ends)))
        if columns.starts is not None:
            values = np.take(columns.starts.astype(np.float64), held, axis=1) / 1000.0
    else:
        values = np.take(columns.values, held, axis=1)
    return [Block(columns.labels, values, present)]


def _smoothed(part: Dense, ends: Times, options: Options) -> Block:
    """On a line between the neighbours; the earlier one's value where there is no later."""
    times, lookback = part.times, options.lookback_ms
    before = np.searchsorted(times, ends, side="right") - 1
    after = np.minimum(before + 1, len(times) - 1)
    left = np.maximum(before, 0)
    present = (before >= 0) & (times[left] > ends - lookback)
    has_next = (before + 1 < len(times)) & (times[after] <= ends + lookback) & (times[left] != ends)
    width = np.where(has_next, times[after] - times[left], 1)
    first, second = np.take(part.values, left, axis=1), np.take(part.values, after, axis=1)
    with np.errstate(all="ignore"):
        between = first + (second - first) * (ends - times[left]).astype(np.float64) / width
    values = np.where(has_next, between, first)
    return Block(part.labels, values, np.repeat(present[np.newaxis], len(part.labels), axis=0))
