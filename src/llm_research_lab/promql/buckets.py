"""Quantiles and shares of classic histograms at every instant: compiled loops over buckets.

Each kernel takes one histogram: bounds [B] ascending, counts [B, T], present [B, T].

Source: Prometheus 3, promql/quantile.go (BucketQuantile, BucketFraction, coalesceBuckets,
ensureMonotonicAndIgnoreSmallDeltas); 2.42's ensureMonotonic.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004

from __future__ import annotations

import math

import numpy as np

from llm_research_lab.promql.kernels import compiled
from llm_research_lab.promql.values import Flags, Floats

TOLERANCE = 1e-12
"""Counts that differ by less are the same count: the noise of rates summed in another order."""

_SMALLEST = float(np.finfo(np.float64).tiny)
_GREATEST = float(np.finfo(np.float64).max)


@compiled
def _almost(a: float, b: float) -> bool:  # pragma: no cover - compiled
    if a == b:
        return True
    total = abs(a) + abs(b)
    if a == 0 or b == 0 or total < _SMALLEST:
        return abs(a - b) < TOLERANCE * _SMALLEST
    return abs(a - b) / min(total, _GREATEST) < TOLERANCE


@compiled
def _gathered(
    bounds: Floats, counts: Floats, present: Flags, t: int, at: Floats, held: Floats
) -> int:  # pragma: no cover - compiled
    """Gather the buckets of an instant, those of equal bounds added; how many there are."""
    n = 0
    for b in range(len(bounds)):
        if not present[b, t]:
            continue
        if n > 0 and at[n - 1] == bounds[b]:
            held[n - 1] += counts[b, t]
        else:
            at[n] = bounds[b]
            held[n] = counts[b, t]
            n += 1
    return n


@compiled
def _mended(held: Floats, n: int, modern: bool) -> bool:  # pragma: no cover - compiled
    """Make counts rise; whether one had to be lifted."""
    forced = False
    before = held[0]
    for i in range(1, n):
        now = held[i]
        if modern and _almost(before, now):
            held[i] = before
        elif now < before:
            held[i] = before
            forced = True
        elif modern or now > before:
            before = now
    return forced


@compiled
def _quantile(at: Floats, held: Floats, n: int, phi: float) -> float:  # pragma: no cover - compiled
    total = held[n - 1]
    if n < 2 or total == 0:
        return math.nan
    rank = phi * total
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if held[middle] >= rank:
            high = middle
        else:
            low = middle + 1
    if low == n - 1:
        return float(at[n - 2])
    if low == 0 and at[0] <= 0:
        return float(at[0])
    start, count = 0.0, held[low]
    if low > 0:
        start = at[low - 1]
        count -= held[low - 1]
        rank -= held[low - 1]
    return float(start + (at[low] - start) * (rank / count))


@compiled
def quantiles(
    bounds: Floats, counts: Floats, present: Flags, phis: Floats, modern: bool, out: Floats
) -> bool:  # pragma: no cover - compiled
    """Fill the quantile of each instant, [T]; whether any histogram had to be mended."""
    at = np.empty(len(bounds))
    held = np.empty(len(bounds))
    forced = False
    for t in range(counts.shape[1]):
        phi = phis[t]
        n = _gathered(bounds, counts, present, t, at, held)
        if n == 0 or math.isnan(phi):
            out[t] = math.nan
        elif phi < 0:
            out[t] = -math.inf
        elif phi > 1:
            out[t] = math.inf
        elif at[n - 1] != math.inf:
            out[t] = math.nan
        else:
            mended = _mended(held, n, modern)
            out[t] = _quantile(at, held, n, phi)
            forced = forced or (mended and held[n - 1] != 0)
    return forced


@compiled
def _rank(at: Floats, held: Floats, n: int, bound: float) -> float:  # pragma: no cover - compiled
    """How many observations lie at or below the bound, by interpolation."""
    rank = 0.0
    for i in range(n):
        low = at[i - 1] if i > 0 else (0.0 if at[i] > 0 else -math.inf)
        if low >= bound:
            return rank
        if at[i] > bound:
            if low == -math.inf:  # nothing to interpolate from; so since 3.9
                return float(held[i])
            return float(rank + (held[i] - rank) * (bound - low) / (at[i] - low))
        rank = held[i]
    return float(held[n - 1])


@compiled
def fractions(
    bounds: Floats, counts: Floats, present: Flags, lows: Floats, highs: Floats, out: Floats
) -> None:  # pragma: no cover - compiled
    """Fill the share of observations between two bounds at each instant, [T]."""
    at = np.empty(len(bounds))
    held = np.empty(len(bounds))
    for t in range(counts.shape[1]):
        n = _gathered(bounds, counts, present, t, at, held)
        low, high = lows[t], highs[t]
        if (
            n == 0
            or at[n - 1] != math.inf
            or held[n - 1] == 0
            or math.isnan(low)
            or math.isnan(high)
        ):
            out[t] = math.nan
        elif low >= high:
            out[t] = 0.0
        else:
            total = held[n - 1]
            below = min(_rank(at, held, n, low), total)
            out[t] = (min(_rank(at, held, n, high), total) - below) / total
