"""An experiment in total: scores with intervals, latency, tokens, cost, cache, failures by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from llm_research_lab.experiments.bootstrap import mean_interval
from llm_research_lab.vocabulary import usd_text

PERCENTILES = (50, 95, 99)


def summarise(  # noqa: PLR0917 - what an experiment gave is eight things
    scores: Mapping[str, Sequence[float]],
    latencies_ms: Sequence[float],
    usage: tuple[int, int],
    cost_usd: Decimal | None,
    cache_hits: int,
    failures: Mapping[str, int],
    duration_ms: int,
    seed: int,
) -> dict[str, Any]:
    """The same samples and seed, in whatever order, give the same numbers.

    `scores` holds finite numbers by metric; each metric's interval is drawn from the seed anew, so
    that another metric beside it changes nothing. `usage` is tokens read and written. `cost_usd`
    None is unknown, never free. Kinds of failure that did not occur are left out.
    """
    return {
        "scores": {
            metric: mean_interval(np.asarray(values, np.float64), seed).to_json()
            for metric, values in scores.items()
        },
        "latency_seconds": latency_seconds(latencies_ms),
        "tokens": {"input": usage[0], "output": usage[1]},
        "cost_usd": None if cost_usd is None else usd_text(cost_usd),
        "cache_hits": cache_hits,
        "failures": {kind: count for kind, count in sorted(failures.items()) if count},
        "duration_seconds": duration_ms / 1000,
    }


def latency_seconds(latencies_ms: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and p99 in seconds, between the two nearest ranks in a straight line; None of none.

    Source: Hyndman & Fan, "Sample Quantiles in Statistical Packages", 1996, definition 7, which is
    NumPy's; NIST/SEMATECH e-Handbook, 7.2.6.2, has it as 1 + p(N - 1).
    """
    names = [f"p{percent}" for percent in PERCENTILES]
    if len(latencies_ms) == 0:
        return dict.fromkeys(names)
    found = np.percentile(np.asarray(latencies_ms, np.float64), PERCENTILES) / 1000
    return dict(zip(names, found.tolist(), strict=True))
