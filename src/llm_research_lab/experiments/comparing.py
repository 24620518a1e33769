"""Two experiments are compared sample by sample, on the same rows, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from llm_research_lab.experiments.bootstrap import Floats, mean_interval
from llm_research_lab.experiments.permutation import sign_flip_p

SIGNIFICANT = 0.05
"""Below it a difference is called more than chance: the counterpart of a 95 % interval."""

_SMALLEST_SHOWN = 0.001
_ALL_NONE = dict.fromkeys(("mean_a", "mean_b", "difference", "low", "high", "p_value"))

Scores = Mapping[int, float]
"""Sample to score; a sample without a score is not there."""


def comparable(dataset_digest_a: str, dataset_digest_b: str) -> str | None:
    """The reason why two experiments cannot be compared; None when they can.

    The digest is of the content, so the same rows under two names are the same dataset.
    """
    if dataset_digest_a == dataset_digest_b:
        return None
    return (
        f"the datasets differ ({dataset_digest_a[:12]} and {dataset_digest_b[:12]}): "
        "samples are compared in pairs, on the same row"
    )


def compare(
    scores_a: Mapping[str, Scores], scores_b: Mapping[str, Scores], seed: int
) -> dict[str, dict[str, Any]]:
    """By metric that both have, in the order of a: b less a over the samples that both scored.

    The 95 % interval is bootstrapped over the pairs, the two-sided p-value is by flipping signs;
    all numbers are None when no sample has both scores. `won` counts samples where b is higher.
    The same scores and seed give the same numbers. `seed` is at least 0.

    Source: Koehn, "Statistical Significance Tests for Machine Translation Evaluation", 2004
    (paired bootstrap); `permutation` has the test's.
    """
    return {
        metric: _difference(scores, scores_b[metric], seed)
        for metric, scores in scores_a.items()
        if metric in scores_b
    }


def _difference(scores_a: Scores, scores_b: Scores, seed: int) -> dict[str, Any]:
    common = sorted(scores_a.keys() & scores_b.keys())
    if not common:
        return {**_ALL_NONE, "won": 0, "lost": 0, "tied": 0, "n": 0}
    a, b = _column(scores_a, common), _column(scores_b, common)
    interval = mean_interval(b - a, seed)
    return {
        "mean_a": float(a.mean()),
        "mean_b": float(b.mean()),
        "difference": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "p_value": sign_flip_p(b - a, seed),
        "won": int((b > a).sum()),
        "lost": int((b < a).sum()),
        "tied": int((b == a).sum()),
        "n": len(common),
    }


def _column(scores: Scores, samples: list[int]) -> Floats:
    return np.fromiter((scores[sample] for sample in samples), np.float64, len(samples))


def words(name_a: str, name_b: str, metric: str, difference: Mapping[str, Any]) -> str:
    """One metric of `compare` as a sentence for a person, with all that it rests on."""
    n = difference["n"]
    if n == 0:
        return f"{metric}: no sample was scored in both {name_a} and {name_b}."
    samples = "sample" if n == 1 else "samples"
    if difference["tied"] == n:
        return f"{metric}: {name_a} and {name_b} score alike on each of {n} {samples}."
    return (
        f"{metric}: {name_b} scores {_direction(name_a, difference['difference'])} "
        f"(95 % interval {difference['low']:+.3f} to {difference['high']:+.3f}); over {n} {samples}"
        f" it won {difference['won']}, lost {difference['lost']} and tied {difference['tied']}. "
        f"{_judged(difference['p_value'])}."
    )


def _direction(name_a: str, by: float) -> str:
    shown = f"{abs(by):.3f}"
    if by == 0:
        return f"as high as {name_a} on average"
    return f"{shown} {'higher' if by > 0 else 'lower'} than {name_a}"


def _judged(p_value: float) -> str:
    shown = f"p = {p_value:.3f}" if p_value >= _SMALLEST_SHOWN else f"p < {_SMALLEST_SHOWN}"
    if p_value < SIGNIFICANT:
        return f"Chance alone would rarely do that ({shown})"
    return f"Chance alone could do that ({shown})"
