"""The interval of a mean is what resampling the very scores gives; same scores and seed, same it.

Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 and 13 (percentile
interval).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 95
"""Percent of intervals that hold the true mean, when there are enough samples."""

MOST_RESAMPLES = 10_000
LEAST_RESAMPLES = 1_000
"""Source: Efron & Tibshirani, 19.3: a percentile interval wants a thousand or more."""

DRAWS = 50_000_000
"""Draws for one interval while the least resamples fit: about half a second."""

BLOCK = 1 << 19
"""Draws held at once, so that memory does not grow with the resamples."""

COUNT_COST = 16
"""A binomial draw takes about as long as so many draws of an index."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval, of `n` scores; all None when there is none."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """As the API has it."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n}


def mean_interval(values: Floats, seed: int) -> Interval:
    """The mean and its percentile bootstrap interval; the order of the values does not matter.

    Values are finite. None without values; low = high = mean when all are the same, so for one.
    `seed` is at least 0. A million different values take some ten seconds and below 50 MB.
    """
    if len(values) == 0:
        return Interval(None, None, None, 0)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        only = float(distinct[0])
        return Interval(only, only, only, len(values))
    mean = float(np.sum(distinct * counts) / len(values))
    means = np.concatenate(list(_resampled_means(distinct, counts, np.random.default_rng(seed))))
    edge = (100 - LEVEL) / 2
    low, high = np.percentile(np.clip(means, distinct[0], distinct[-1]), (edge, 100 - edge))
    return Interval(mean, float(low), float(high), len(values))


def _resampled_means(
    distinct: Floats, counts: NDArray[np.int64], random: np.random.Generator
) -> Iterator[Floats]:
    """Draw resamples in blocks, by counts of the distinct values where these are few.

    How often each distinct value stands in a resample of n draws with replacement is multinomial
    (n; counts / n): drawing those numbers is drawing the resample, its order apart, and a mean has
    no order. Source: Efron & Tibshirani, 20.2 (resampling vectors).
    """
    n = int(counts.sum())
    by_count = len(distinct) * COUNT_COST <= n
    width = len(distinct) if by_count else n
    values = distinct if by_count else np.repeat(distinct, counts)
    left = resamples(len(distinct), n)
    while left > 0:
        rows = min(left, max(1, BLOCK // width))
        left -= rows
        if by_count:
            yield random.multinomial(n, counts / n, size=rows) @ values / n
        else:
            yield values[random.integers(0, n, size=(rows, n))].mean(axis=1)


def resamples(distinct: int, n: int) -> int:
    """How many resamples an interval is made of: fewer when each of them costs more."""
    cost = min(n, distinct * COUNT_COST)
    return min(MOST_RESAMPLES, max(LEAST_RESAMPLES, DRAWS // cost))
