"""A sum, mean or variance is computed per window from its first sample on, in Prometheus's order.

No running totals: one NaN or spike would stay in them, and a cut of the range would change bytes.
`LANES` windows are computed side by side instead; a window whose answer is not finite is computed
once more, alone, by the whole law.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004, SIM108, C901, PLR0912

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

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

SUM: Final = 0
MEAN: Final = 1
VARIANCE: Final = 0
DEVIATION: Final = 1


@compiled
def _whole_mean(row: Any, lo: int, hi: int) -> float:  # pragma: no cover - compiled
    """Sum over count, and from the sample on that overflows the sum, the mean step by step.

    Source: Prometheus 3, promql/functions.go, funcAvgOverTime.
    """
    total, rest, mean, stepwise = row[lo], 0.0, 0.0, False
    count = 1.0
    for i in range(lo + 1, hi):
        count = float(i - lo + 1)
        if not stepwise:
            new_total, new_rest = kahan(row[i], total, rest, 3)
            if not np.isinf(new_total):
                total, rest = new_total, new_rest
                continue
            stepwise = True
            mean = total / (count - 1)
            rest /= count - 1
        share = (count - 1) / count
        mean, rest = kahan(row[i] / count, share * mean, share * rest, 3)
    if stepwise:
        return float(mean + rest)
    return float(total / count + rest / count)


@compiled
def _stepwise_mean(row: Any, lo: int, hi: int) -> float:  # pragma: no cover - compiled
    """The mean step by step; an infinite one stays.

    Source: Prometheus 2.42, promql/functions.go, funcAvgOverTime.
    """
    mean, rest, count = 0.0, 0.0, 0.0
    for i in range(lo, hi):
        count += 1.0
        if np.isinf(mean):
            if np.isinf(row[i]) and (mean > 0) == (row[i] > 0):
                continue
            if not np.isinf(row[i]) and not np.isnan(row[i]):
                continue
        mean, rest = kahan(row[i] / count - mean / count, mean, rest, 2)
    if np.isinf(mean):
        return mean
    return mean + rest


@compiled
def _whole_sum(row: Any, lo: int, hi: int) -> float:  # pragma: no cover - compiled
    """Kahan's sum. Source: Prometheus, promql/functions.go, funcSumOverTime."""
    total, rest = 0.0, 0.0
    for i in range(lo, hi):
        total, rest = kahan(row[i], total, rest, 3)
    if np.isinf(total):
        return total
    return total + rest


@compiled
def _sum_lanes(
    lanes: Any, count: int, total: Any, rest: Any
) -> None:  # pragma: no cover - compiled
    for j in range(count):
        samples = lanes[j]
        for lane in range(LANES):
            value, old = samples[lane], total[lane]
            new = old + value
            if abs(old) >= abs(value):
                lost = (old - new) + value
            else:
                lost = (value - new) + old
            rest[lane] += lost
            total[lane] = new


@compiled
def _mean_lanes(  # pragma: no cover - compiled
    lanes: Any, done: int, count: int, mean: Any, rest: Any
) -> None:
    for j in range(count):
        samples, number = lanes[j], float(done + j + 1)
        for lane in range(LANES):
            old = mean[lane]
            value = samples[lane] / number - old / number
            new = old + value
            if abs(old) >= abs(value):
                lost = (old - new) + value
            else:
                lost = (value - new) + old
            rest[lane] += lost
            mean[lane] = new


@compiled
def _averages(  # pragma: no cover - compiled
    values: Any, lo: Any, hi: Any, kind: int, compat: int, out: Any
) -> None:
    stepwise = kind == MEAN and compat == 2
    lanes, total, rest = np.zeros((ROWS, LANES)), np.zeros(LANES), np.zeros(LANES)
    for series in range(values.shape[0]):
        row = values[series]
        for block in range(0, lo.shape[0], LANES):
            common = least(lo, hi, block)
            clear(total)
            clear(rest)
            for done in range(0, common, ROWS):
                rows = min(ROWS, common - done)
                side_by_side(row, lo, block, done, rows, lanes)
                if stepwise:
                    _mean_lanes(lanes, done, rows, total, rest)
                else:
                    _sum_lanes(lanes, rows, total, rest)
            for lane in range(min(LANES, lo.shape[0] - block)):
                window = block + lane
                first, end = lo[window], hi[window]
                if end <= first:
                    continue
                sum_, lost, count = total[lane], rest[lane], float(common)
                for i in range(first + common, end):
                    count += 1.0
                    if stepwise:
                        sum_, lost = kahan(row[i] / count - sum_ / count, sum_, lost, 2)
                    else:
                        sum_, lost = kahan(row[i], sum_, lost, 2)
                if stepwise or kind == SUM:
                    answer = sum_ + lost
                else:
                    answer = sum_ / count + lost / count
                if not np.isfinite(sum_) or not np.isfinite(answer):
                    if kind == SUM:
                        answer = _whole_sum(row, first, end)
                    elif stepwise:
                        answer = _stepwise_mean(row, first, end)
                    else:
                        answer = _whole_mean(row, first, end)
                out[series, window] = np.nan if np.isnan(answer) else answer


@compiled
def _whole_variance(
    row: Any, lo: int, hi: int, compat: int
) -> float:  # pragma: no cover - compiled
    """Welford's variance with Kahan's sums.

    Source: Prometheus, promql/functions.go, varianceOverTime.
    """
    count, mean, mean_rest, squares, squares_rest = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(lo, hi):
        count += 1.0
        apart = row[i] - (mean + mean_rest)
        mean, mean_rest = kahan(apart / count, mean, mean_rest, compat)
        square = apart * (row[i] - (mean + mean_rest))
        squares, squares_rest = kahan(square, squares, squares_rest, compat)
    return (squares + squares_rest) / count


@compiled
def _variance_lanes(  # pragma: no cover - compiled
    lanes: Any, done: int, count: int, mean: Any, mean_rest: Any, squares: Any, squares_rest: Any
) -> None:
    for j in range(count):
        samples, number = lanes[j], float(done + j + 1)
        for lane in range(LANES):
            value, old = samples[lane], mean[lane]
            apart = value - (old + mean_rest[lane])
            step = apart / number
            new = old + step
            if abs(old) >= abs(step):
                lost = (old - new) + step
            else:
                lost = (step - new) + old
            new_rest = mean_rest[lane] + lost
            square = apart * (value - (new + new_rest))
            sum_ = squares[lane]
            total = sum_ + square
            if abs(sum_) >= abs(square):
                lost = (sum_ - total) + square
            else:
                lost = (square - total) + sum_
            squares_rest[lane] += lost
            squares[lane] = total
            mean[lane] = new
            mean_rest[lane] = new_rest


@compiled
def _variances(  # pragma: no cover - compiled
    values: Any, lo: Any, hi: Any, kind: int, compat: int, out: Any
) -> None:
    lanes = np.zeros((ROWS, LANES))
    mean, mean_rest = np.zeros(LANES), np.zeros(LANES)
    squares, squares_rest = np.zeros(LANES), np.zeros(LANES)
    for series in range(values.shape[0]):
        row = values[series]
        for block in range(0, lo.shape[0], LANES):
            common = least(lo, hi, block)
            clear(mean)
            clear(mean_rest)
            clear(squares)
            clear(squares_rest)
            for done in range(0, common, ROWS):
                rows = min(ROWS, common - done)
                side_by_side(row, lo, block, done, rows, lanes)
                _variance_lanes(lanes, done, rows, mean, mean_rest, squares, squares_rest)
            for lane in range(min(LANES, lo.shape[0] - block)):
                window = block + lane
                first, end = lo[window], hi[window]
                if end <= first:
                    continue
                m, m_rest, s, s_rest = (
                    mean[lane],
                    mean_rest[lane],
                    squares[lane],
                    squares_rest[lane],
                )
                count = float(common)
                for i in range(first + common, end):
                    count += 1.0
                    apart = row[i] - (m + m_rest)
                    m, m_rest = kahan(apart / count, m, m_rest, 2)
                    s, s_rest = kahan(apart * (row[i] - (m + m_rest)), s, s_rest, 2)
                answer = (s + s_rest) / count
                if not np.isfinite(answer):
                    answer = _whole_variance(row, first, end, compat)
                if kind == DEVIATION:
                    answer = np.sqrt(answer)
                out[series, window] = np.nan if np.isnan(answer) else answer


def _average(
    kind: int,
    times: Times,  # noqa: ARG001 - order is enough
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],  # noqa: ARG001 - takes none
    options: Options,
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    _averages(fixed(values), fixed(w.lo), fixed(w.hi), kind, options.compat, out)
    return out, present


def _spread(
    kind: int,
    times: Times,  # noqa: ARG001 - order is enough
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],  # noqa: ARG001 - takes none
    options: Options,
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    _variances(fixed(values), fixed(w.lo), fixed(w.hi), kind, options.compat, out)
    return out, present


AVERAGES: dict[str, RangeFunction] = {
    "sum_over_time": partial(_average, SUM),
    "avg_over_time": partial(_average, MEAN),
    "stddev_over_time": partial(_spread, DEVIATION),
    "stdvar_over_time": partial(_spread, VARIANCE),
}
