"""When counters began is looked at where it is known, and changes nothing where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql.asking import columns, labelled

from llm_research_lab.promql import Columns, Grid, Options, parse
from llm_research_lab.promql.evaluate import evaluate
from llm_research_lab.promql.plan import needs
from llm_research_lab.promql.starts import resets_of

STEP = 15_000
COUNTERS = ["rate", "increase", "irate", "resets"]
OPTIONS = Options(experimental=True)


def answered(text, store):
    """Over eight minutes, every twenty seconds."""
    expr, grid = parse(text, experimental=True), Grid(0, 480_000, 20_000)
    value = evaluate(expr, grid, {need: [store] for need in needs(expr, grid, OPTIONS)}).value
    return value.labels, np.where(value.present, value.values, -1.0)


def same(one, other):
    """Equal labels, values to the last digits."""
    assert one[0] == other[0]
    np.testing.assert_allclose(one[1], other[1], rtol=1e-12)


rows = st.lists(st.floats(0, 1e6) | st.integers(0, 9).map(float), min_size=2, max_size=20)


@pytest.mark.parametrize("function", COUNTERS)
@given(row=rows)
def test_unknown_starts_change_nothing(function, row):
    plain = columns(STEP, {"x a=1": row, "x a=2": row[::-1]}, start_ms=STEP)
    unknown = replace(plain, starts=np.zeros(plain.values.shape, np.int64), derived={})
    same(answered(f"{function}(x[1m])", unknown), answered(f"{function}(x[1m])", plain))


@pytest.mark.parametrize("function", COUNTERS)
@given(row=rows, later=st.integers(0, 60_000))
def test_a_start_at_its_own_sample_or_later_says_nothing(function, row, later):
    plain = columns(STEP, {"x": row}, start_ms=STEP)
    late = replace(plain, starts=plain.times[np.newaxis] + later, derived={})
    same(answered(f"{function}(x[1m])", late), answered(f"{function}(x[1m])", plain))


@pytest.mark.parametrize("function", ["delta", "idelta", "sum_over_time", "changes"])
@given(row=rows)
def test_what_is_not_of_counters_does_not_look(function, row):
    plain = columns(STEP, {"x": row}, start_ms=STEP)
    begun = replace(plain, starts=plain.times[np.newaxis] - 1, derived={})
    same(answered(f"{function}(x[1m])", begun), answered(f"{function}(x[1m])", plain))


@given(row=rows, kind=st.sampled_from(["anchored", "smoothed"]))
def test_ranges_with_edges_do_not_look(row, kind):
    plain = columns(STEP, {"x": row}, start_ms=STEP)
    begun = replace(plain, starts=plain.times[np.newaxis] - 1, derived={})
    same(answered(f"rate(x[1m] {kind})", begun), answered(f"rate(x[1m] {kind})", plain))


@given(row=rows)
def test_a_counter_that_always_begins_anew_grows_by_all_that_it_shows(row):
    plain = columns(STEP, {"x": row}, start_ms=STEP)
    begun = replace(plain, starts=plain.times[np.newaxis] - 1, derived={})
    (_, got), ends = answered("resets(x[8m])", begun), range(0, 480_001, 20_000)
    seen = [sum(STEP * (n + 1) <= end for n in range(len(row))) for end in ends]
    assert got[0].tolist() == [max(count - 1, 0) if count else -1 for count in seen]


def test_series_of_other_gaps_keep_their_own_starts():
    times = np.array([60_000, 120_000, 180_000])
    values = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]])
    stale = np.array([[False, False, False], [False, True, False]])
    starts = np.array([[0, 0, 170_000], [0, 110_000, 130_000]])
    store = Columns((labelled("x a=1"), labelled("x a=2")), times, values, stale, starts=starts)
    labels, got = answered("resets(x[8m])", store)
    assert labels == (labelled("- a=1"), labelled("- a=2"))
    assert got[:, -1].tolist() == [1.0, 1.0]


def test_a_start_at_the_sample_before_is_a_reset_of_a_delta_alone():
    times, values = np.array([10, 20, 30]), np.ones((4, 3))
    starts = np.array([[5, 10, 20], [0, 10, 20], [10, 10, 20], [15, 10, 20]])
    assert resets_of(times, values, starts).tolist() == [
        [False, True, True],
        [False, False, True],
        [False, False, True],
        [False, False, True],
    ]
