"""Aggregations of a group at every instant, in the order of its rows: compiled loops.

Each kernel takes values [S, T], present [S, T] and the group of each row [S], and fills [G, T].

Source: Prometheus 3, promql/engine.go (aggregation), with Kahan's sums; 2.42 for `plain` ones.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: C901, PLR0912

from __future__ import annotations

import math

import numpy as np

from llm_research_lab.promql.kernels import compiled
from llm_research_lab.promql.values import Flags, Floats, Times


@compiled
def sums(
    values: Floats, present: Flags, groups: Times, out: Floats, kahan: bool
) -> None:  # pragma: no cover - compiled
    """Sum, with Kahan's correction or without."""
    rows, steps = values.shape
    rests = np.zeros(out.shape)
    seen = np.zeros(out.shape, dtype=np.bool_)
    for s in range(rows):
        g = groups[s]
        for t in range(steps):
            if not present[s, t]:
                continue
            f = values[s, t]
            if not seen[g, t]:
                seen[g, t] = True
                out[g, t] = f
            elif not kahan:
                out[g, t] += f
            else:
                total = out[g, t] + f
                if math.isinf(total):
                    rests[g, t] = 0.0
                elif abs(out[g, t]) >= abs(f):
                    rests[g, t] += (out[g, t] - total) + f
                else:
                    rests[g, t] += (f - total) + out[g, t]
                out[g, t] = total
    if kahan:
        out += rests


@compiled
def means(
    values: Floats, present: Flags, groups: Times, out: Floats
) -> None:  # pragma: no cover - compiled
    """Average: Kahan's sum over the count; from an overflow on an incremental mean."""
    rows, steps = values.shape
    rests = np.zeros(out.shape)
    counts = np.zeros(out.shape)
    stepping = np.zeros(out.shape, dtype=np.bool_)
    for s in range(rows):
        g = groups[s]
        for t in range(steps):
            if not present[s, t]:
                continue
            f = values[s, t]
            counts[g, t] += 1.0
            n = counts[g, t]
            if n == 1.0:
                out[g, t] = f
                continue
            mean = out[g, t]
            rest = rests[g, t]
            if not stepping[g, t]:
                total = mean + f
                if not math.isinf(total):
                    if abs(mean) >= abs(f):
                        rests[g, t] = rest + ((mean - total) + f)
                    else:
                        rests[g, t] = rest + ((f - total) + mean)
                    out[g, t] = total
                    continue
                stepping[g, t] = True
                mean /= n - 1.0
                rest /= n - 1.0
            q = (n - 1.0) / n
            old = q * mean
            new = f / n
            total = old + new
            if math.isinf(total):
                rests[g, t] = 0.0
            elif abs(old) >= abs(new):
                rests[g, t] = q * rest + ((old - total) + new)
            else:
                rests[g, t] = q * rest + ((new - total) + old)
            out[g, t] = total
    for g in range(out.shape[0]):
        for t in range(steps):
            if stepping[g, t]:
                out[g, t] += rests[g, t]
            elif counts[g, t] > 0.0:
                out[g, t] = out[g, t] / counts[g, t] + rests[g, t] / counts[g, t]


@compiled
def plain_means(
    values: Floats, present: Flags, groups: Times, out: Floats
) -> None:  # pragma: no cover - compiled
    """2.42's average: an incremental mean that an infinity stops."""
    rows, steps = values.shape
    counts = np.zeros(out.shape)
    for s in range(rows):
        g = groups[s]
        for t in range(steps):
            if not present[s, t]:
                continue
            f = values[s, t]
            counts[g, t] += 1.0
            n = counts[g, t]
            mean = out[g, t]
            if n == 1.0:
                out[g, t] = f
                continue
            if math.isinf(mean):
                if math.isinf(f) and (mean > 0) == (f > 0):
                    continue
                if not math.isinf(f) and not math.isnan(f):
                    continue
            out[g, t] = mean + (f / n - mean / n)


@compiled
def variances(
    values: Floats, present: Flags, groups: Times, out: Floats, strict: bool
) -> None:  # pragma: no cover - compiled
    """Population variance by Welford; `strict`: a first value that is not finite makes it NaN."""
    rows, steps = values.shape
    counts = np.zeros(out.shape)
    means_ = np.zeros(out.shape)
    for s in range(rows):
        g = groups[s]
        for t in range(steps):
            if not present[s, t]:
                continue
            f = values[s, t]
            counts[g, t] += 1.0
            if counts[g, t] == 1.0:
                means_[g, t] = f
                out[g, t] = 0.0
                if strict and (math.isnan(f) or math.isinf(f)):
                    out[g, t] = math.nan
                continue
            delta = f - means_[g, t]
            means_[g, t] += delta / counts[g, t]
            out[g, t] += delta * (f - means_[g, t])
    for g in range(out.shape[0]):
        for t in range(steps):
            if counts[g, t] > 0.0:
                out[g, t] /= counts[g, t]


@compiled
def extremes(
    values: Floats, present: Flags, groups: Times, out: Floats, sign: float
) -> None:  # pragma: no cover - compiled
    """Greatest (`sign` 1) or least (-1); NaN only where all are."""
    rows, steps = values.shape
    seen = np.zeros(out.shape, dtype=np.bool_)
    for s in range(rows):
        g = groups[s]
        for t in range(steps):
            if not present[s, t]:
                continue
            f = values[s, t]
            if not seen[g, t]:
                seen[g, t] = True
                out[g, t] = f
            elif sign * out[g, t] < sign * f or math.isnan(out[g, t]):
                out[g, t] = f


@compiled
def quantile_rows(
    values: Floats, present: Flags, phis: Floats, out: Floats
) -> None:  # pragma: no cover - compiled
    """Quantile of one group's rows at every instant: [T]. NaN counts as the least."""
    rows, steps = values.shape
    held = np.empty(rows)
    for t in range(steps):
        n = 0
        odd = 0
        for s in range(rows):
            if present[s, t]:
                if math.isnan(values[s, t]):
                    odd += 1
                else:
                    held[n] = values[s, t]
                    n += 1
        total = n + odd
        phi = phis[t]
        if total == 0 or math.isnan(phi):
            out[t] = math.nan
        elif phi < 0:
            out[t] = -math.inf
        elif phi > 1:
            out[t] = math.inf
        else:
            ordered = np.sort(held[:n])
            rank = phi * (total - 1)
            low = max(0, int(math.floor(rank)))  # noqa: RUF046 - numba's floor is a float
            high = min(total - 1, low + 1)
            weight = rank - math.floor(rank)
            a = math.nan if low < odd else ordered[low - odd]
            b = math.nan if high < odd else ordered[high - odd]
            out[t] = a * (1 - weight) + b * weight
