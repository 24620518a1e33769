"""A p-value is the share of sign flips that go as far as the differences do."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_research_lab.experiments.permutation import MOST_FLIPS, sign_flip_p

few = st.lists(st.integers(-8, 8).map(lambda k: k / 4), max_size=10)
many = st.lists(st.integers(1, 10**6).map(lambda k: k / 7), min_size=40, max_size=45, unique=True)


def p_of(values, seed=1):
    return sign_flip_p(np.asarray(values, np.float64), seed)


def slow_p(values):
    """The obvious model: every flip of every sign, in exact arithmetic."""
    exact = [Fraction(value) for value in values]
    reach = abs(sum(exact))
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, exact, strict=True)))
        for signs in product((1, -1), repeat=len(exact))
    ]
    return sum(one >= reach for one in sums) / len(sums)


@given(few)
def test_it_is_the_share_of_all_flips_that_reach_as_far(values):
    assert p_of(values) == pytest.approx(slow_p(values), rel=1e-9)


@pytest.mark.parametrize(
    ("values", "p"),
    [
        ([], 1),
        ([0.0, 0.0], 1),
        ([0.3], 1),
        ([1.0, 1.0, 1.0, 1.0, 1.0], 2 / 32),
        ([1.0, 2.0, 3.0], 2 / 8),
        ([3.0, -1.0], 1.0),  # sums of 2, 4, -2, -4: all reach 2
        ([0.1, 0.2, -0.3], 1.0),  # a sum of nothing but rounding
    ],
)
def test_it_is_right_by_hand(values, p):
    assert p_of(values) == pytest.approx(p)


def test_of_marks_it_is_mcnemars_exact_test_however_many():
    won, lost = 60, 30
    tail = sum(comb(won + lost, k) for k in range(won, won + lost + 1))
    values = [1.0] * won + [-1.0] * lost + [0.0] * 1000
    assert p_of(values, 1) == p_of(values, 2)
    assert p_of(values) == pytest.approx(2 * tail / 2 ** (won + lost), rel=1e-9)


def test_it_is_never_zero():
    assert 0 < p_of([1.0] * 5_000) < 1e-300
    assert p_of([k + 0.5 for k in range(100)]) == 1 / (MOST_FLIPS + 1)


@settings(max_examples=20)
@given(many, st.integers(0, 2**32), st.data())
def test_by_random_flips_it_is_the_same_for_a_seed_in_any_order(sizes, seed, data):
    values = [-size for size in sizes[:5]] + sizes[5:]
    found = p_of(values, seed)
    assert 0 < found <= 1
    assert p_of(data.draw(st.permutations(values)), seed) == found
    assert p_of([-value for value in values], seed) == found


def test_random_flips_agree_with_all_flips():
    draw = np.random.default_rng(4)
    for _ in range(5):
        few_sizes = draw.normal(0.3, 1, 14)
        # Twice as many differences of half the size and a hair, so that they are not enumerated.
        spread = np.concatenate([few_sizes, draw.normal(0, 1e-6, 20)])
        assert p_of(spread) == pytest.approx(p_of(few_sizes), abs=0.02)


def test_another_seed_moves_it_little():
    values = np.random.default_rng(5).normal(0.2, 1, 60)
    found = {p_of(values, seed) for seed in range(5)}
    assert len(found) > 1
    assert max(found) - min(found) < 0.02


@pytest.mark.parametrize("coarse", [False, True])
def test_when_nothing_differs_a_p_of_5_percent_comes_5_times_in_100(coarse):
    draw = np.random.default_rng(6)
    found = []
    for trial in range(300):
        values = draw.normal(0, 1, 30)
        found.append(p_of(np.sign(values) if coarse else values, trial))
    shares = [np.mean(np.asarray(found) <= level) for level in (0.05, 0.25, 0.5, 0.75)]
    if coarse:  # steps: never more often than it says
        assert shares[0] <= 0.07
        assert shares[1] <= 0.30
    else:
        assert shares == pytest.approx([0.05, 0.25, 0.5, 0.75], abs=0.07)


def test_a_true_difference_is_found():
    assert p_of(np.random.default_rng(7).normal(0.8, 1, 50)) < 0.001
