"""The least and greatest of a window are kept in a queue: each sample enters and leaves it once."""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, C901

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags


@compiled
def _extremes(  # pragma: no cover - compiled
    times: Any, values: Any, lo: Any, hi: Any, sign: float, instant: int, out: Any
) -> None:
    """Keep candidates in order, the best first; NaN is never one.

    Among equals the value is the first's (0 and -0 are equal), the instant the last's.
    """
    queue = np.empty(values.shape[1] + 1, np.int64)
    for series in range(values.shape[0]):
        row = values[series]
        head, tail, begin, seen = 0, 0, 0, 0
        for window in range(lo.shape[0]):
            first, end = lo[window], hi[window]
            if end <= first:
                continue
            if first < begin or first >= seen or end < seen:
                head, tail, seen = 0, 0, first
            begin = first
            for i in range(seen, end):
                if np.isnan(row[i]):
                    continue
                value = row[i] * sign
                while tail > head and (
                    row[queue[tail - 1]] * sign < value
                    or (instant == 1 and row[queue[tail - 1]] * sign == value)
                ):
                    tail -= 1
                queue[tail] = i
                tail += 1
            seen = end
            while head < tail and queue[head] < first:
                head += 1
            if instant == 1:
                out[series, window] = float(times[queue[head] if head < tail else end - 1]) / 1000
            elif head < tail:
                out[series, window] = row[queue[head]]
            else:
                out[series, window] = np.nan


def _extreme(
    sign: float,
    instant: int,
    times: Times,
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],  # noqa: ARG001 - takes none
    options: Options,  # noqa: ARG001 - the same in all versions
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    """Source: Prometheus, promql/functions.go, compareOverTime: NaN gives way to any number."""
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    _extremes(fixed(times), fixed(values), fixed(w.lo), fixed(w.hi), sign, instant, out)
    return out, present


EXTREMES: dict[str, RangeFunction] = {
    "max_over_time": partial(_extreme, 1.0, 0),
    "min_over_time": partial(_extreme, -1.0, 0),
    "ts_of_max_over_time": partial(_extreme, 1.0, 1),
    "ts_of_min_over_time": partial(_extreme, -1.0, 1),
}
