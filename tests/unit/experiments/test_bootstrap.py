"""The interval of a mean is what resampling the very scores gives."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.bootstrap import (
    LEAST_RESAMPLES,
    MOST_RESAMPLES,
    Interval,
    mean_interval,
    resamples,
)

scores = st.lists(st.floats(-1000, 1000).map(lambda x: round(x, 3)), min_size=1, max_size=40)


def column(values):
    return np.asarray(values, np.float64)


def slow_interval(values, seed, rounds=20_000):
    """The obvious model: draw, average, sort, cut 2.5 % off each end."""
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(rounds))
    return means[round(rounds * 0.025)], means[round(rounds * 0.975)]


def test_of_nothing_there_is_no_mean():
    assert mean_interval(column([]), 1) == Interval(None, None, None, 0)
    assert mean_interval(column([]), 1).to_json() == {
        "mean": None,
        "low": None,
        "high": None,
        "n": 0,
    }


@given(st.floats(-1e6, 1e6), st.integers(1, 50))
def test_equal_scores_leave_no_doubt(value, n):
    assert mean_interval(column([value] * n), 1) == Interval(value, value, value, n)


def test_two_scores_resample_to_a_quarter_a_half_and_a_quarter():
    # 0 and 1: a mean of 0 in a quarter of the resamples, and of 1 in another.
    assert mean_interval(column([1.0, 0.0]), 1) == Interval(0.5, 0.0, 1.0, 2)


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 30 + [0.0] * 70,  # counts of two distinct values
        [k * k / 100 for k in range(30)],  # thirty different values
    ],
)
def test_it_agrees_with_the_slow_model(values):
    found = mean_interval(column(values), 1)
    low, high = slow_interval(values, 2)
    wide = high - low
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.low == pytest.approx(low, abs=wide / 30)
    assert found.high == pytest.approx(high, abs=wide / 30)


def test_drawing_counts_and_drawing_scores_give_the_same_spread():
    values = [k % 12 / 11 for k in range(192)]  # twelve values: the last that are counted
    nudged = [value + k * 1e-9 for k, value in enumerate(values)]  # the same, all different
    counted, drawn = mean_interval(column(values), 3), mean_interval(column(nudged), 3)
    wide = counted.high - counted.low
    assert counted.low == pytest.approx(drawn.low, abs=wide / 30)
    assert counted.high == pytest.approx(drawn.high, abs=wide / 30)
    assert counted != drawn


@given(scores, st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_same_scores_and_seed_give_the_same_interval_in_any_order(values, seed, shuffled):
    other = list(values)
    shuffled.shuffle(other)
    assert mean_interval(column(values), seed) == mean_interval(column(other), seed)


@given(scores, st.integers(0, 2**32))
def test_the_interval_lies_within_the_scores_and_is_in_order(values, seed):
    found = mean_interval(column(values), seed)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert found.n == len(values)


def test_another_seed_gives_another_interval():
    values = column(np.arange(50) ** 2)
    assert mean_interval(values, 1) != mean_interval(values, 2)


@pytest.mark.parametrize("coarse", [False, True])
def test_about_95_intervals_of_100_hold_the_true_mean(coarse):
    draw = np.random.default_rng(20)
    held, trials = 0, 300
    for trial in range(trials):
        sample = draw.random(80)
        found = mean_interval((sample < 0.4).astype(float) if coarse else sample, trial)
        held += found.low <= (0.4 if coarse else 0.5) <= found.high
    assert 0.91 <= held / trials <= 0.98


@given(st.integers(2, 2_000_000), st.data())
def test_resamples_are_never_fewer_than_the_least_nor_more_than_the_most(n, data):
    distinct = data.draw(st.integers(2, n))
    assert LEAST_RESAMPLES <= resamples(distinct, n) <= MOST_RESAMPLES


def test_small_experiments_get_all_resamples_and_a_million_scores_the_least():
    assert resamples(246, 246) == resamples(2, 1_000_000) == MOST_RESAMPLES
    assert resamples(1_000_000, 1_000_000) == LEAST_RESAMPLES


def test_memory_does_not_grow_with_the_resamples():
    values = np.random.default_rng(1).random(20_000)  # 2,500 resamples: 400 MB at once
    tracemalloc.start()
    mean_interval(values, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_million_marks_are_summed_up_at_once():
    marks = np.zeros(1_000_000)
    marks[:250_000] = 1.0
    found = mean_interval(marks, 1)
    spread = (0.25 * 0.75 / 1_000_000) ** 0.5
    assert found.mean == 0.25
    assert found.low == pytest.approx(0.25 - 1.96 * spread, abs=spread / 10)
    assert found.high == pytest.approx(0.25 + 1.96 * spread, abs=spread / 10)
