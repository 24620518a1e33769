"""A function of a range is computed for all series that share times, at all windows at once."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from llm_research_lab.promql.absence import absent_labels
from llm_research_lab.promql.frames import Frame, left_open, range_need
from llm_research_lab.promql.limiting import Run
from llm_research_lab.promql.naming import kept, nameless, one_row
from llm_research_lab.promql.nodes import Call, Range
from llm_research_lab.promql.over_time import KEEPS_NAME, RANGE_FUNCTIONS
from llm_research_lab.promql.places import place
from llm_research_lab.promql.sampling import Dense, dense_of, joined
from llm_research_lab.promql.starts import started
from llm_research_lab.promql.values import (
    Annotations,
    Block,
    Floats,
    RangeSeries,
    RangeValue,
    Times,
)
from llm_research_lab.promql.windows import Edges, Windows, windows
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label

COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
NOT_A_COUNTER = (
    "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket:"
)


@dataclass(frozen=True, slots=True, eq=False)
class RangeVector:
    """Samples, and the windows on them: one for each of `ends`, which belong to `instants`."""

    parts: tuple[Dense, ...]
    ends: Times
    range_ms: int
    instants: Times
    edges: Edges = ""

    def windows(self, part: Dense, run: Run) -> Windows:
        """The windows on one part's times."""
        options = run.options
        return windows(
            part.times,
            self.ends,
            self.range_ms,
            options.compat,
            instants_ms=self.instants,
            edges=self.edges,
            lookback_ms=options.lookback_ms,
        )


def select_range(expr: Range, frame: Frame, run: Run) -> RangeVector:
    """Read a range selector; stale markers are left out."""
    selector = expr.selector
    parts: list[Dense] = []
    for one in run.read(range_need(expr, frame)):
        run.options.check()
        parts += dense_of(one)
    return RangeVector(
        tuple(parts),
        frame.ends(selector),
        frame.length(expr.range, positive=True),
        frame.times,
        selector.edges,
    )


def call_range(call: Call, vector: RangeVector, params: tuple[Floats, ...], run: Run) -> Block:
    """Apply the call's function to each series and window."""
    steps = len(vector.instants)
    run.make_room(sum(len(part.labels) for part in vector.parts), steps)
    if call.function == "absent_over_time":
        return _absence(call, vector, run)
    function = RANGE_FUNCTIONS[call.function]
    told = Annotations()
    blocks = []
    for part in vector.parts:
        run.options.check()
        w = vector.windows(part, run)
        run.samples += int(w.counts.sum()) * len(part.labels)
        own = function if part.starts is None else started(call.function, function, part.starts)
        values, present = own(part.times, part.values, w, params, run.options, told)
        blocks.append(kept(Block(part.labels, values, present)))
    block = joined(blocks, steps)
    _pass_on(call, told, run)
    if call.function in {"rate", "increase"} and left_open(run.options):
        _doubt_counters(call, block.labels, run)
    if call.function in KEEPS_NAME:
        return block
    return nameless(block, run.options, call.span, "refuse")


def range_value(vector: RangeVector, run: Run) -> RangeValue:
    """The samples themselves, at the first instant; in the order of the labels."""
    series = []
    for part in vector.parts:
        w = vector.windows(part, run)
        inside = slice(int(w.lo[0]), int(w.hi[0]))
        run.samples += int(w.counts[0]) * len(part.labels)
        times, values = part.times[inside], part.values[:, inside]
        if vector.edges:
            times, values = _carried(times, values, w)
        if len(times):
            series += [
                RangeSeries(labels, times, row)
                for labels, row in zip(part.labels, values, strict=True)
            ]
    return RangeValue(tuple(sorted(series, key=lambda one: one.labels)))


def _carried(times: Times, values: Floats, w: Windows) -> tuple[Times, Floats]:
    """The samples between the edges, and one on each: a neighbour's value, or on the line there.

    Source: Prometheus, promql/engine.go, extendFloats.
    """
    start, end, smoothed = int(w.starts_ms[0]), int(w.ends_ms[0]), w.edges == "smoothed"
    if not len(times) or times[-1] <= start:
        return times[:0], values[:, :0]
    first = max(0, int(np.searchsorted(times[:-1], start, side="right")) - 1)
    last = int(np.searchsorted(times[:-1], end)) if smoothed else len(times) - 1
    left, right = values[:, first], values[:, last]
    if smoothed and times[first] < start:
        left = _between(times, values, first, start)
    if smoothed and last > 0 and times[last] > end:
        right = _between(times, values, last - 1, end)
    inner = (times > start) & (times < end)
    columns = (left[:, np.newaxis], values[:, inner], right[:, np.newaxis])
    return np.concatenate([[start], times[inner], [end]]), np.concatenate(columns, axis=1)


def _between(times: Times, values: Floats, before: int, at: int) -> Floats:
    low, high = values[:, before], values[:, before + 1]
    return low + (high - low) * float(at - times[before]) / float(times[before + 1] - times[before])


def _absence(call: Call, vector: RangeVector, run: Run) -> Block:
    missing = np.ones(len(vector.instants), dtype=np.bool_)
    for part in vector.parts:
        w = vector.windows(part, run)
        run.samples += int(w.counts.sum()) * len(part.labels)
        missing &= w.counts == 0
    return one_row(absent_labels(call.args[0]), np.ones(len(missing)), missing)


def _pass_on(call: Call, told: Annotations, run: Run) -> None:
    """Give the function's warnings their place: the first argument's."""
    where = f" ({place(run.options.text, call.args[0].span.start)})"
    for text in told.warnings:
        run.notes.warn(f"PromQL warning: {text}{where}")


def _doubt_counters(call: Call, all_labels: tuple[Labels, ...], run: Run) -> None:
    where = place(run.options.text, call.args[0].span.start)
    for name in dict.fromkeys(label(labels, METRIC_NAME) for labels in all_labels):
        if name and not name.endswith(COUNTER_SUFFIXES):
            run.notes.inform(f"{NOT_A_COUNTER} {json.dumps(name, ensure_ascii=False)} ({where})")
