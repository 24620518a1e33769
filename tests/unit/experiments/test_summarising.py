"""The same samples and seed give the same numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.api.schemas.answers import Summary
from llm_research_lab.experiments.summarising import latency_seconds, summarise

WHOLE = {
    "scores": {"contains": [1.0, 0.0, 1.0, 1.0], "f1": [0.5]},
    "latencies_ms": [100.0, 200.0],
    "usage": (120, 30),
    "cost_usd": Decimal("0.00450"),
    "cache_hits": 2,
    "failures": {"timeout": 1, "poison": 0, "garbage": 2},
    "duration_ms": 61_500,
    "seed": 7,
}


def slow_percentile(values, percent):
    """The obvious model: sort, and go along the line between the two nearest ranks."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def test_everything_is_said_in_the_words_of_the_api():
    found = summarise(**WHOLE)
    Summary.model_validate(found)
    scores = found.pop("scores")
    assert scores["contains"]["mean"] == 0.75
    assert scores["contains"]["n"] == 4
    assert scores["contains"]["low"] < 0.75 < scores["contains"]["high"]
    assert scores["f1"] == {"mean": 0.5, "low": 0.5, "high": 0.5, "n": 1}
    assert found == {
        "latency_seconds": {"p50": 0.15, "p95": 0.195, "p99": 0.199},
        "tokens": {"input": 120, "output": 30},
        "cost_usd": "0.0045",
        "cache_hits": 2,
        "failures": {"garbage": 2, "timeout": 1},
        "duration_seconds": 61.5,
    }


def test_nothing_is_summed_up_as_null_and_an_unknown_cost_is_not_free():
    found = summarise({"exact": []}, [], (0, 0), None, 0, {}, 0, 1)
    Summary.model_validate(found)
    assert found["scores"] == {"exact": {"mean": None, "low": None, "high": None, "n": 0}}
    assert found["latency_seconds"] == {"p50": None, "p95": None, "p99": None}
    assert found["cost_usd"] is None
    assert found["failures"] == {}


def test_a_metric_keeps_its_interval_when_another_stands_beside_it():
    alone = summarise(**{**WHOLE, "scores": {"contains": WHOLE["scores"]["contains"]}})
    assert alone["scores"]["contains"] == summarise(**WHOLE)["scores"]["contains"]


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_the_order_of_the_samples_does_not_matter(shuffled, seed):
    scores = [k % 7 / 6 for k in range(30)]
    latencies = [k * 1.5 for k in range(30)]
    one = summarise({"m": scores}, latencies, (1, 1), None, 0, {}, 1, seed)
    shuffled.shuffle(scores)
    shuffled.shuffle(latencies)
    assert summarise({"m": scores}, latencies, (1, 1), None, 0, {}, 1, seed) == one


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_percentiles_lie_on_the_line_between_the_nearest_ranks(latencies):
    found = latency_seconds(latencies)
    for name, percent in (("p50", 50), ("p95", 95), ("p99", 99)):
        assert found[name] == pytest.approx(slow_percentile(latencies, percent) / 1000)
    assert found["p50"] <= found["p95"] <= found["p99"]
