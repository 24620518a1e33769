"""A p-value is the share of sign flips of the paired differences that go as far as they do.

Under "a and b are alike" each difference could as well have had the other sign.
Source: Fisher, "The Design of Experiments", 1935, section 21; Phipson & Smyth, "Permutation
P-values Should Never Be Zero", 2010.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import fsum, lgamma, log

import numpy as np

from llm_research_lab.experiments.bootstrap import BLOCK, Floats

OUTCOMES_LOG2 = 20
"""Up to 2^20 sums are looked at one by one: of twenty differences of different size, or a million
of one size (scores of 0 and 1, where this is McNemar's exact test)."""

MOST_FLIPS = 9_999
LEAST_FLIPS = 999
"""Random flips beyond that. Source: Davison & Hinkley, "Bootstrap Methods and their Application",
1997, section 4.2.5: 999 lose little power."""

DRAWS = 200_000_000
"""Random signs for one p-value while the least flips fit: about a second."""

CLOSE = 1e-9
"""Sums this near to each other, in parts of the largest, differ by rounding alone."""


def sign_flip_p(differences: Floats, seed: int) -> float:
    """The two-sided p-value of a mean difference of 0; in (0, 1], their order does not matter.

    Exact where the possible sums are few; else by random flips as (k + 1) / (m + 1), which never
    says less than the truth does on average. 1 when no pair differs. `seed` is at least 0.
    """
    differing = differences[differences != 0]
    sizes, counts = np.unique(np.abs(differing), return_counts=True)
    reach = abs(fsum(differing)) - CLOSE * float(sizes @ counts)
    if np.log2(counts + 1.0).sum() <= OUTCOMES_LOG2:
        return _exact(sizes, counts.tolist(), reach)
    return _sampled(np.repeat(sizes, counts), reach, seed)


def _exact(sizes: Floats, counts: list[int], reach: float) -> float:
    """Every sum that flips can give, weighted by how many flips give it."""
    sums, weights = np.zeros(1), np.ones(1)
    for size, count in zip(sizes, counts, strict=True):
        steps = (2 * np.arange(count + 1) - count) * size
        sums = np.add.outer(sums, steps).ravel()
        weights = np.multiply.outer(weights, _binomial(count)).ravel()
    share = float(weights[np.abs(sums) >= reach].sum())
    return min(1.0, max(share, sys.float_info.min))


def _binomial(count: int) -> Floats:
    """How probable 0 to `count` heads are of as many fair coins."""
    logs = np.fromiter((lgamma(k + 1) for k in range(count + 1)), np.float64, count + 1)
    shares = np.exp(logs[-1] - logs - logs[::-1] - count * log(2))
    scaled: Floats = shares / shares.sum()
    return scaled


def _sampled(sizes: Floats, reach: float, seed: int) -> float:
    flips = min(MOST_FLIPS, max(LEAST_FLIPS, DRAWS // len(sizes)))
    found = sum(
        int((np.abs(sums) >= reach).sum())
        for sums in _flipped_sums(sizes, flips, np.random.default_rng(seed))
    )
    return (found + 1) / (flips + 1)


def _flipped_sums(sizes: Floats, flips: int, random: np.random.Generator) -> Iterator[Floats]:
    total = sizes.sum()
    while flips > 0:
        rows = min(flips, max(1, BLOCK // len(sizes)))
        flips -= rows
        heads = random.integers(0, 2, size=(rows, len(sizes)), dtype=np.uint8)
        yield 2 * (heads @ sizes) - total
