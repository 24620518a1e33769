"""A regression fits a line to a window; smoothing weighs the newer samples more.

Computed per window from its first sample on, as `averages` does.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004, SIM108, C901, PLR0912, PLR0915

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.kernels import (
    LANES,
    ROWS,
    clear,
    compiled,
    fixed,
    kahan,
    least,
    side_by_side,
)
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags


@compiled
def _whole_sums(  # pragma: no cover - compiled
    x: Any, row: Any, lo: int, hi: int, origin: float, compat: int
) -> tuple[float, float, float, float]:
    """Sum x, y, x·y and x² by Kahan. Source: Prometheus, promql/functions.go, linearRegression."""
    sx, cx, sy, cy, sxy, cxy, sxx, cxx = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(lo, hi):
        at = (x[i] - origin) / 1e3
        sx, cx = kahan(at, sx, cx, compat)
        sy, cy = kahan(row[i], sy, cy, compat)
        sxy, cxy = kahan(at * row[i], sxy, cxy, compat)
        sxx, cxx = kahan(at * at, sxx, cxx, compat)
    return sx + cx, sy + cy, sxy + cxy, sxx + cxx


@compiled
def _time_sums(  # pragma: no cover - compiled
    x: Any, lo: Any, hi: Any, origins: Any, paces: Any, all_x: Any, all_xx: Any
) -> None:
    """Sum x and x², which all series of the times share; find each window's pace, -1 if uneven.

    Evenly spaced windows that begin as far from their origins have the same x: the chain of sums of
    the shorter one is the beginning of the longer one's, and is computed once.
    """
    even = np.zeros(x.shape[0], np.int64)
    for i in range(2, x.shape[0]):
        even[i] = even[i - 1] if x[i] - x[i - 1] == x[i - 1] - x[i - 2] else i - 1
    most = 0
    for window in range(lo.shape[0]):
        most = max(most, hi[window] - lo[window])
    sums_x, sums_xx = np.zeros(most + 1), np.zeros(most + 1)
    known, begin, pace = 0, 0.0, -1.0
    sx, cx, sxx, cxx = 0.0, 0.0, 0.0, 0.0
    for window in range(lo.shape[0]):
        first, count = lo[window], hi[window] - lo[window]
        paces[window] = -1.0
        if count < 2:
            continue
        if even[first + count - 1] <= first:
            paces[window] = x[first + 1] - x[first]
        if paces[window] < 0 or paces[window] != pace or x[first] - origins[window] != begin:
            known, begin, pace = 0, x[first] - origins[window], paces[window]
            sx, cx, sxx, cxx = 0.0, 0.0, 0.0, 0.0
        while known < count:
            at = (x[first + known] - origins[window]) / 1e3
            sx, cx = kahan(at, sx, cx, 2)
            sxx, cxx = kahan(at * at, sxx, cxx, 2)
            known += 1
            sums_x[known], sums_xx[known] = sx + cx, sxx + cxx
        all_x[window], all_xx[window] = sums_x[count], sums_xx[count]


@compiled
def _in_step(  # pragma: no cover - compiled
    x: Any, lo: Any, origins: Any, paces: Any, first: int
) -> bool:
    """Whether the lanes from `first` have the same x."""
    begin = x[lo[first]] - origins[first]
    for lane in range(1, LANES):
        window = first + lane
        if paces[window] != paces[first] or x[lo[window]] - origins[window] != begin:
            return False
    return bool(paces[first] >= 0)


@compiled
def _line_lanes(  # pragma: no cover - compiled
    lanes: Any, places: Any, count: int, sy: Any, cy: Any, sxy: Any, cxy: Any
) -> None:
    for j in range(count):
        samples, at = lanes[j], places[j]
        for lane in range(LANES):
            value, old = samples[lane], sy[lane]
            new = old + value
            if abs(old) >= abs(value):
                lost = (old - new) + value
            else:
                lost = (value - new) + old
            cy[lane] += lost
            sy[lane] = new
            value = at[lane] * value
            old = sxy[lane]
            new = old + value
            if abs(old) >= abs(value):
                lost = (old - new) + value
            else:
                lost = (value - new) + old
            cxy[lane] += lost
            sxy[lane] = new


@compiled
def _lines(  # pragma: no cover - compiled
    x: Any,
    values: Any,
    lo: Any,
    hi: Any,
    origins: Any,
    ahead: Any,
    predict: int,
    compat: int,
    out: Any,
) -> None:
    """Fit a line to each window; give its slope, or its height `ahead` seconds after the origin."""
    count = lo.shape[0]
    lanes, places = np.zeros((ROWS, LANES)), np.zeros((ROWS, LANES))
    sy, cy, sxy, cxy = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    all_x, all_xx = np.zeros(count), np.zeros(count)
    paces = np.zeros(count)
    _time_sums(x, lo, hi, origins, paces, all_x, all_xx)
    held, held_begin, held_pace, held_done = 0, 0.0, -1.0, -1
    runs = np.empty(values.shape[1], np.int64)
    for series in range(values.shape[0]):
        row = values[series]
        for i in range(row.shape[0]):
            runs[i] = runs[i - 1] if i > 0 and row[i] == row[i - 1] else i
        for block in range(0, count, LANES):
            common = least(lo, hi, block)
            clear(sy)
            clear(cy)
            clear(sxy)
            clear(cxy)
            for done in range(0, common, ROWS):
                rows = min(ROWS, common - done)
                side_by_side(row, lo, block, done, rows, lanes)
                if _in_step(x, lo, origins, paces, block):
                    begin, pace = x[lo[block]] - origins[block], paces[block]
                    if begin != held_begin or pace != held_pace or done != held_done:
                        held, held_begin, held_pace, held_done = 0, begin, pace, done
                    for j in range(held, rows):
                        at = (begin + float(done + j) * pace) / 1e3
                        for lane in range(LANES):
                            places[j, lane] = at
                    held = max(held, rows)
                else:
                    held_done = -1
                    side_by_side(x, lo, block, done, rows, places)
                    for j in range(rows):
                        for lane in range(LANES):
                            places[j, lane] = (places[j, lane] - origins[block + lane]) / 1e3
                _line_lanes(lanes, places, rows, sy, cy, sxy, cxy)
            for lane in range(min(LANES, count - block)):
                window = block + lane
                first, end = lo[window], hi[window]
                if end - first < 2:
                    continue
                slope, intercept = 0.0, row[first]
                if runs[end - 1] <= first:
                    if np.isinf(intercept):
                        slope, intercept = np.nan, np.nan
                else:
                    y, cy_, xy, cxy_ = sy[lane], cy[lane], sxy[lane], cxy[lane]
                    for i in range(first + common, end):
                        at = (x[i] - origins[window]) / 1e3
                        y, cy_ = kahan(row[i], y, cy_, 2)
                        xy, cxy_ = kahan(at * row[i], xy, cxy_, 2)
                    y, xy, sum_x, sum_xx = y + cy_, xy + cxy_, all_x[window], all_xx[window]
                    if not np.isfinite(y) or not np.isfinite(xy):
                        sum_x, y, xy, sum_xx = _whole_sums(
                            x, row, first, end, origins[window], compat
                        )
                    n = float(end - first)
                    slope = (xy - sum_x * y / n) / (sum_xx - sum_x * sum_x / n)
                    intercept = y / n - slope * sum_x / n
                answer = slope * ahead[window] + intercept if predict == 1 else slope
                out[series, window] = np.nan if np.isnan(answer) else answer


def _fit(
    predict: int,
    times: Times,
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],
    options: Options,
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    """Measure times from the window's first sample for deriv, from the instant for predict_linear.

    At least two samples. Source: Prometheus, promql/functions.go, funcDeriv, funcPredictLinear.
    """
    present = flags(w, len(values), at_least=2)
    out = np.zeros(present.shape)
    if not len(times):
        return out, present
    # Milliseconds since the first sample: whole numbers, so floats hold them and differences too.
    base = times[0]
    origins = (w.instants_ms if predict else times[np.minimum(w.lo, len(times) - 1)]) - base
    ahead = params[0] if predict else np.zeros(len(w.lo))
    x, starts = (times - base).astype(np.float64), origins.astype(np.float64)
    columns = (fixed(w.lo), fixed(w.hi), fixed(starts), fixed(ahead))
    _lines(fixed(x), fixed(values), *columns, predict, options.compat, out)
    return out, present


@compiled
def _smooth(  # pragma: no cover - compiled
    values: Any, lo: Any, hi: Any, level: Any, trend: Any, out: Any
) -> None:
    for series in range(values.shape[0]):
        row = values[series]
        for window in range(lo.shape[0]):
            first, end, sf, tf = lo[window], hi[window], level[window], trend[window]
            if end - first < 2:
                continue
            before, now, slope = 0.0, row[first], row[first + 1] - row[first]
            for i in range(first + 1, end):
                if i > first + 1:
                    slope = tf * (now - before) + (1 - tf) * slope
                before, now = now, sf * row[i] + (1 - sf) * (now + slope)
            out[series, window] = np.nan if np.isnan(now) else now


def double_exponential_smoothing(
    times: Times,  # noqa: ARG001 - order is enough
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],
    options: Options,  # noqa: ARG001 - the same in all versions
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    """Smooth by level and trend, both factors between 0 and 1, over at least two samples.

    Raises ExpressionError where a factor of a window with samples is not between.
    Source: Prometheus, promql/functions.go, funcDoubleExponentialSmoothing (2.42: funcHoltWinters).
    """
    level, trend = params
    if len(values):
        for name, factor in (("smoothing", level), ("trend", trend)):
            wrong = factor[(w.counts > 0) & ((factor <= 0) | (factor >= 1))]
            if len(wrong):
                raise ExpressionError(
                    f"{name} factor",
                    f"0 < {name[0]}f < 1",
                    f"{wrong[0]:f}",
                    f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {wrong[0]:f}",
                )
    present = flags(w, len(values), at_least=2)
    out = np.zeros(present.shape)
    _smooth(fixed(values), fixed(w.lo), fixed(w.hi), fixed(level), fixed(trend), out)
    return out, present


REGRESSIONS: dict[str, RangeFunction] = {
    "deriv": partial(_fit, 0),
    "predict_linear": partial(_fit, 1),
    "double_exponential_smoothing": double_exponential_smoothing,
    "holt_winters": double_exponential_smoothing,
}
