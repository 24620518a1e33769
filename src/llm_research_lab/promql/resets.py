"""A counter resets where its value falls; a series changes where its value differs from the last.

Both are found once per series, as a short list of positions; a window then looks at those inside.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags

FALLS: Final = 0
DIFFERS: Final = 1


@compiled
def positions(row: Any, kind: int, found: Any) -> int:  # pragma: no cover - compiled
    """Write the places where the row falls or differs into `found`; give their number.

    NaN neither falls nor rises, and NaN after NaN is no difference.
    """
    count = 0
    if kind == FALLS:
        for i in range(1, row.shape[0]):
            if row[i] < row[i - 1]:
                found[count] = i
                count += 1
    else:
        for i in range(1, row.shape[0]):
            if row[i] != row[i - 1] and not (np.isnan(row[i]) and np.isnan(row[i - 1])):
                found[count] = i
                count += 1
    return count


@compiled
def after(found: Any, count: int, hint: int, place: int) -> int:  # pragma: no cover - compiled
    """Give the index of the first position behind `place`, searched from a hint."""
    while hint < count and found[hint] <= place:
        hint += 1
    while hint > 0 and found[hint - 1] > place:
        hint -= 1
    return hint


@compiled
def anchor(times: Any, lo: int, hi: int, start: int) -> int:  # pragma: no cover - compiled
    """Give the last sample at or before the start, or the run's first where there is none.

    Only the run's samples but its last are looked at. Source: Prometheus, promql/functions.go,
    pickFirstSampleIndex.
    """
    left, right = lo, hi - 1
    while left < right:
        middle = (left + right) // 2
        if times[middle] > start:
            right = middle
        else:
            left = middle + 1
    return max(lo, left - 1)


@compiled
def _counts(  # pragma: no cover - compiled
    times: Any, values: Any, lo: Any, hi: Any, starts: Any, anchored: int, kind: int, out: Any
) -> None:
    found = np.empty(values.shape[1], np.int64)
    for series in range(values.shape[0]):
        count = positions(values[series], kind, found)
        begin, end = 0, 0
        for window in range(lo.shape[0]):
            first = lo[window]
            if hi[window] <= first:
                continue
            if anchored == 1:
                first = anchor(times, first, hi[window], starts[window])
            begin = after(found, count, begin, first)
            end = after(found, count, end, hi[window] - 1)
            out[series, window] = float(end - begin)


def _count(
    kind: int,
    times: Times,
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],  # noqa: ARG001 - takes none
    options: Options,  # noqa: ARG001 - the same in all versions
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    """Count places inside each window.

    Source: Prometheus, promql/functions.go, funcResets, funcChanges.
    """
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    anchored = 1 if w.edges == "anchored" else 0
    _counts(
        fixed(times),
        fixed(values),
        fixed(w.lo),
        fixed(w.hi),
        fixed(w.starts_ms),
        anchored,
        kind,
        out,
    )
    if anchored:
        inside = _reach_into(times, w)
        present &= inside
        out[:, ~inside] = 0.0
    return out, present


def _reach_into(times: Times, w: Windows) -> Flags:
    """Flag the windows whose last sample lies behind the start, bool [T]."""
    if not len(times):
        return np.zeros(len(w.hi), np.bool_)
    return np.asarray(times[np.maximum(w.hi - 1, 0)] > w.starts_ms, dtype=np.bool_)


RESETS: dict[str, RangeFunction] = {
    "changes": partial(_count, DIFFERS),
    "resets": partial(_count, FALLS),
}
