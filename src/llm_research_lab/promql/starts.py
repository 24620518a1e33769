"""Where samples say when their counter began, a reset is known though the value did not fall.

And a counter that began inside the window is carried from there, where it was zero, and not beyond.
Ranges that are anchored or smoothed do not look at it.

Source: Prometheus, promql/functions.go (isStartTimestampReset, extrapolatedRate, instantValue,
funcResets), behind its flag use-start-timestamps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from llm_research_lab.promql.rates import NEAR, seconds
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags

PAIR = 2
"""Samples that have a growth between them."""


def resets_of(times: Times, values: Floats, starts: Times) -> Flags:
    """Flag the samples before which the counter began anew, bool [S, N].

    `starts` int64 [S, N]: when the sample's counter began, 0 where that is not known. One that is
    not before its sample says nothing. One at the sample before is a reset of a delta, whose own
    start lies before it too; a counter whose start is not known begins at its first sample.
    """
    found = np.zeros(values.shape, dtype=np.bool_)
    before, began, now = starts[:, :-1], starts[:, 1:], times[1:]
    last = times[:-1]
    known = (began != 0) & (began < now)
    follows = (began == last) & (before != 0) & (before < last)
    with np.errstate(invalid="ignore"):
        fell = values[:, 1:] < values[:, :-1]
    found[:, 1:] = fell | (known & ((began > last) | follows))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Counter:
    """One series: its samples, when they began, and where it was reset."""

    times: Times
    values: Floats
    starts: Times
    resets: Flags


def _grown(one: _Counter, lo: int, hi: int, edges: tuple[int, int]) -> tuple[float, float] | None:
    """The growth over samples `lo` to `hi`, and the factor that carries it to the edges."""
    first, last, count = int(one.times[lo]), int(one.times[hi - 1]), hi - lo - 1
    growth = float(one.values[hi - 1] - one.values[lo])
    for place in np.flatnonzero(one.resets[lo + 1 : hi]) + lo:
        growth += float(one.values[place])
    to_start, to_end = float(first - edges[0]) / 1000, float(edges[1] - last) / 1000
    sampled = float(last - first) / 1000
    average = sampled / count if count else 0.0
    began = int(one.starts[lo])
    if began != 0 and edges[0] < began < first:
        to_start, sampled = 0.0, float(last - began) / 1000
        growth += float(one.values[lo])
    elif not count:
        return None
    else:
        to_start = average / 2 if to_start >= average * NEAR else to_start
        if growth > 0 and one.values[lo] >= 0:
            to_start = min(to_start, sampled * (float(one.values[lo]) / growth))
    to_end = average / 2 if to_end >= average * NEAR else to_end
    return growth, (sampled + to_start + to_end) / sampled


def _extrapolated(
    counters: list[_Counter], w: Windows, *, per_second: bool
) -> tuple[Floats, Flags]:
    shape = (len(counters), len(w.lo))
    out, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    for row, one in enumerate(counters):
        for window in np.flatnonzero(w.counts):
            edges = int(w.starts_ms[window]), int(w.ends_ms[window])
            grown = _grown(one, int(w.lo[window]), int(w.hi[window]), edges)
            if grown is not None:
                growth, factor = grown
                factor = factor / seconds(w.range_ms) if per_second else factor
                out[row, window], present[row, window] = growth * factor, True
    return out, present


def _instantaneous(counters: list[_Counter], w: Windows) -> tuple[Floats, Flags]:
    present = flags(w, len(counters), at_least=PAIR)
    out = np.zeros(present.shape)
    enough = np.flatnonzero(w.counts >= PAIR)
    last = w.hi[enough] - 1
    for row, one in enumerate(counters):
        with np.errstate(invalid="ignore", over="ignore"):
            from_zero, growth = one.values[last], one.values[last] - one.values[last - 1]
        apart = (one.times[last] - one.times[last - 1]).astype(np.float64) / 1000
        out[row, enough] = np.where(one.resets[last], from_zero, growth) / apart
    return out, present


def _counted(counters: list[_Counter], w: Windows) -> tuple[Floats, Flags]:
    present = flags(w, len(counters))
    out = np.zeros(present.shape)
    some = np.flatnonzero(w.counts)
    for row, one in enumerate(counters):
        so_far = np.cumsum(one.resets)
        out[row, some] = so_far[w.hi[some] - 1] - so_far[w.lo[some]]
    return out, present


_STARTED: dict[str, Callable[[list[_Counter], Windows], tuple[Floats, Flags]]] = {
    "rate": partial(_extrapolated, per_second=True),
    "increase": partial(_extrapolated, per_second=False),
    "irate": _instantaneous,
    "resets": _counted,
}


def started(name: str, function: RangeFunction, starts: Times) -> RangeFunction:
    """The function, looking at when counters began, where it is one of counters."""
    own = _STARTED.get(name)
    if own is None:
        return function

    def looking(  # noqa: PLR0917 - a RangeFunction
        times: Times,
        values: Floats,
        w: Windows,
        params: tuple[Floats, ...],
        options: Options,
        notes: Annotations | None = None,
    ) -> tuple[Floats, Flags]:
        if w.edges:
            return function(times, values, w, params, options, notes)
        resets = resets_of(times, values, starts)
        rows = zip(values, starts, resets, strict=True)
        return own([_Counter(times, *row) for row in rows], w)

    return looking
