"""Anchored and smoothed ranges reach from edge to edge: no extrapolation, samples beyond count.

Anchored takes the last sample at or before the start; smoothed draws a line to each edge.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, C901, PLR0912

from __future__ import annotations

from typing import Any

import numpy as np

from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.resets import FALLS, after, anchor, positions
from llm_research_lab.promql.values import Flags, Floats, Times
from llm_research_lab.promql.windows import Windows


def carried(
    times: Times, values: Floats, w: Windows, *, counter: bool, span: float
) -> tuple[Floats, Flags]:
    """Give the growth from edge to edge; `span` seconds divide it where not 0. One sample will do.

    Source: Prometheus, promql/functions.go, extendedRate, pickOrInterpolateLeft,
    pickOrInterpolateRight, correctForCounterResets.
    """
    out = np.zeros((len(values), len(w.lo)))
    present = np.zeros(out.shape, np.bool_)
    columns = (fixed(w.lo), fixed(w.hi), fixed(w.starts_ms), fixed(w.ends_ms))
    smoothed = 1 if w.edges == "smoothed" else 0
    _carry(fixed(times), fixed(values), *columns, int(counter), smoothed, span, out, present)
    return out, present


@compiled
def _between(  # pragma: no cover - compiled
    times: Any, row: Any, i: int, at: int, counter: int
) -> float:
    """Draw the line from sample i to the next; after a reset the counter rose from 0."""
    low, high = row[i], row[i + 1]
    if counter == 1 and high < low:
        low = 0.0
    return float(low + (high - low) * float(at - times[i]) / float(times[i + 1] - times[i]))


@compiled
def _carry(  # pragma: no cover - compiled
    times: Any,
    values: Any,
    lo: Any,
    hi: Any,
    starts: Any,
    ends: Any,
    counter: int,
    smoothed: int,
    span: float,
    out: Any,
    present: Any,
) -> None:
    found = np.empty(values.shape[1], np.int64)
    falls = 0
    for series in range(values.shape[0]):
        row = values[series]
        if counter == 1:
            falls = positions(row, FALLS, found)
        hint = 0
        for window in range(lo.shape[0]):
            if hi[window] <= lo[window]:
                continue
            start, end = starts[window], ends[window]
            first = anchor(times, lo[window], hi[window], start)
            last = hi[window] - 1
            if smoothed == 1:
                while last > lo[window] and times[last - 1] >= end:
                    last -= 1
            if times[last] <= start:
                continue
            left, right = row[first], row[last]
            if smoothed == 1 and times[first] < start:
                left = _between(times, row, first, start, counter)
            if smoothed == 1 and last > lo[window] and times[last] > end:
                right = _between(times, row, last - 1, end, counter)
            growth = right - left
            if counter == 1:
                if times[first] <= start:
                    first += 1
                if times[last] >= end:
                    last -= 1
                mended, previous = 0.0, left
                if first <= last:
                    if row[first] < left:
                        mended += left
                    hint = after(found, falls, hint, first)
                    i = hint
                    while i < falls and found[i] <= last:
                        mended += row[found[i] - 1]
                        i += 1
                    previous = row[last]
                if right < previous:
                    mended += previous
                growth += mended
            if span != 0.0:
                growth /= span
            out[series, window] = growth
            present[series, window] = True
