"""A window is a run of samples: those of a time column that lie in an instant's range."""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times

Edges = Literal["", "anchored", "smoothed"]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Samples `lo[i]` to `hi[i]` (exclusive) of a time column lie in window i.

    Shapes: int64 [T] each. `starts_ms` and `ends_ms` bound the range as asked; with `edges` the
    runs reach a lookback beyond it. `instants_ms` are the instants of evaluation: the ends, without
    offset and ``@``.
    """

    lo: Times
    hi: Times
    starts_ms: Times
    ends_ms: Times
    range_ms: int
    instants_ms: Times
    edges: Edges = ""

    @property
    def counts(self) -> Times:
        """How many samples each window holds, int64 [T]."""
        return self.hi - self.lo


class RangeFunction(Protocol):
    """A function of a range vector: series that share times in, a sample per series and window out.

    Shapes: `times` int64 [N]; `values` float64 [S, N] without stale markers; each of `params`
    float64 [T]; the answer's values float64 [S, T] and flags bool [S, T]. Where a flag is False the
    value is 0. The answer at a window depends on its samples alone, so any cut of the
    windows gives the same bytes.
    """

    def __call__(
        self,
        times: Times,
        values: Floats,
        w: Windows,
        params: tuple[Floats, ...],
        options: Options,
        notes: Annotations | None = None,
    ) -> tuple[Floats, Flags]:
        """Answer."""
        ...


def windows(
    times: Times,
    ends_ms: Times,
    range_ms: int,
    compat: Literal[2, 3] = 3,
    *,
    instants_ms: Times | None = None,
    edges: Edges = "",
    lookback_ms: int = 0,
) -> Windows:
    """Find each window's samples.

    Compat 3: ``(end - range, end]``; 2: ``[end - range, end]``. With `edges` the run begins
    `lookback_ms` earlier, and for smoothed it also ends that much later.

    Source: Prometheus, promql/engine.go, matrixIterSlice and the call of a matrix function (3.x;
    2.42 for the closed start).
    """
    ends = fixed(ends_ms)
    lo, hi = np.empty(len(ends), np.int64), np.empty(len(ends), np.int64)
    before = range_ms + (lookback_ms if edges else 0)
    after = lookback_ms if edges == "smoothed" else 0
    closed = 1 if compat == 2 else 0
    _find(fixed(times), ends, before + closed, after, lo, hi)
    return Windows(
        lo, hi, ends - range_ms, ends, range_ms, ends if instants_ms is None else instants_ms, edges
    )


def flags(w: Windows, series: int, at_least: int = 1) -> Flags:
    """Flag the windows that hold so many samples, for each of the series."""
    return np.repeat((w.counts >= at_least)[None, :], series, axis=0)


@compiled
def _find(  # pragma: no cover - compiled
    times: Any, ends: Any, before: int, after: int, lo: Any, hi: Any
) -> None:
    """Move two pointers along, in whatever order the ends come."""
    first, beyond = 0, 0
    for window in range(ends.shape[0]):
        start, end = ends[window] - before, ends[window] + after
        while first < times.shape[0] and times[first] <= start:
            first += 1
        while first > 0 and times[first - 1] > start:
            first -= 1
        while beyond < times.shape[0] and times[beyond] <= end:
            beyond += 1
        while beyond > 0 and times[beyond - 1] > end:
            beyond -= 1
        lo[window], hi[window] = min(first, beyond), beyond
