"""A rate is the growth of a counter over a window, resets mended, carried to the window's edges.

Cost: a few operations per window, and one per reset inside it, however long the range.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004, PLR1730, C901, PLR0912

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from llm_research_lab.promql.edges import carried
from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.resets import FALLS, RESETS, after, positions
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags

NEAR = 1.1
"""An edge this many average distances away is taken for reached.
Source: Prometheus, promql/functions.go, extrapolatedRate, extrapolationThreshold."""


def seconds(range_ms: int) -> float:
    """Give a range in seconds as Go's Duration.Seconds does: whole ones, and the rest over 1e9."""
    whole, rest = divmod(range_ms, 1_000)
    return float(whole) + float(rest * 1_000_000) / 1e9


@dataclass(frozen=True, slots=True)
class Extrapolated:
    """rate, increase and delta: at least two samples, carried to the edges.

    Compat 3 puts the distance to the start under its threshold and then stops at the counter's
    zero; 2 stops at zero first.

    Source: Prometheus, promql/functions.go, extrapolatedRate (3.x and 2.42).
    """

    counter: bool
    per_second: bool

    def __call__(
        self,
        times: Times,
        values: Floats,
        w: Windows,
        params: tuple[Floats, ...],  # noqa: ARG002 - takes none
        options: Options,
        notes: Annotations | None = None,  # noqa: ARG002 - has nothing to say
    ) -> tuple[Floats, Flags]:
        """Give growth, per second or over the range; with `w.edges`, from edge to edge."""
        span = seconds(w.range_ms) if self.per_second else 0.0
        if w.edges:
            return carried(times, values, w, counter=self.counter, span=span)
        present = flags(w, len(values), at_least=2)
        out = np.zeros(present.shape)
        columns = (fixed(w.lo), fixed(w.hi), fixed(w.starts_ms), fixed(w.ends_ms))
        _extrapolate(
            fixed(times), fixed(values), *columns, int(self.counter), span, options.compat, out
        )
        return out, present


@dataclass(frozen=True, slots=True)
class Instantaneous:
    """irate and idelta: the last two samples of a window.

    Source: Prometheus, promql/functions.go, instantValue.
    """

    counter: bool

    def __call__(
        self,
        times: Times,
        values: Floats,
        w: Windows,
        params: tuple[Floats, ...],  # noqa: ARG002 - takes none
        options: Options,  # noqa: ARG002 - the same in all versions
        notes: Annotations | None = None,  # noqa: ARG002 - has nothing to say
    ) -> tuple[Floats, Flags]:
        """Give the growth between the two, for irate per second and from zero after a reset."""
        present = flags(w, len(values), at_least=2)
        out = np.zeros(present.shape)
        enough = np.flatnonzero(w.counts >= 2)
        last = w.hi[enough] - 1
        with np.errstate(invalid="ignore", over="ignore"):
            now, before = values[:, last], values[:, last - 1]
            growth = now - before
            if self.counter:
                growth = np.where(now < before, now, growth)
                growth /= (times[last] - times[last - 1]).astype(np.float64) / 1000
        out[:, enough] = growth
        return out, present


@compiled
def _extrapolate(  # pragma: no cover - compiled
    times: Any,
    values: Any,
    lo: Any,
    hi: Any,
    starts: Any,
    ends: Any,
    counter: int,
    span: float,
    compat: int,
    out: Any,
) -> None:
    count = lo.shape[0]
    sampled, near, half = np.empty(count), np.empty(count), np.empty(count)
    to_start, to_end = np.empty(count), np.empty(count)
    for window in range(count):
        first, last = lo[window], hi[window] - 1
        if last <= first:
            continue
        length = float(times[last] - times[first]) / 1000
        average = length / float(last - first)
        sampled[window], near[window], half[window] = length, average * NEAR, average / 2
        to_start[window] = float(times[first] - starts[window]) / 1000
        to_end[window] = float(ends[window] - times[last]) / 1000
        if to_end[window] >= near[window]:
            to_end[window] = half[window]
        if compat == 3 and to_start[window] >= near[window]:
            to_start[window] = half[window]
    found = np.empty(values.shape[1], np.int64)
    falls = 0
    for series in range(values.shape[0]):
        row = values[series]
        if counter == 1:
            falls = positions(row, FALLS, found)
        hint = 0
        for window in range(count):
            first, last = lo[window], hi[window] - 1
            if last <= first:
                continue
            growth = row[last] - row[first]
            start = to_start[window]
            if counter == 1:
                hint = after(found, falls, hint, first)
                i = hint
                while i < falls and found[i] <= last:
                    growth += row[found[i] - 1]
                    i += 1
                if growth > 0 and row[first] >= 0:
                    to_zero = sampled[window] * (row[first] / growth)
                    if to_zero < start:
                        start = to_zero
            if compat == 2 and start >= near[window]:
                start = half[window]
            factor = (sampled[window] + start + to_end[window]) / sampled[window]
            if span != 0.0:
                factor /= span
            out[series, window] = growth * factor


RATES: dict[str, RangeFunction] = {
    "rate": Extrapolated(counter=True, per_second=True),
    "increase": Extrapolated(counter=True, per_second=False),
    "delta": Extrapolated(counter=False, per_second=False),
    "irate": Instantaneous(counter=True),
    "idelta": Instantaneous(counter=False),
    **RESETS,
}
