"""A sparkline is as high as its values, and empty where there were none."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.cli.metrics.charts import BARS, GAP, ODD, WIDTH, bounds, sparkline

VALUES = st.lists(st.none() | st.floats())


def test_the_bars_rise_with_the_values():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 0, 7) == BARS


def test_a_gap_is_empty_and_what_is_not_finite_is_a_point():
    assert sparkline([0, None, math.nan, math.inf, 1], 0, 1) == f"▁{GAP}{ODD}{ODD}█"


def test_a_column_of_more_values_shows_the_largest():
    assert sparkline([0, 7, None, 0, math.nan, 7, None, None], 0, 7, 4) == f"█▁█{GAP}"


def test_a_flat_line_is_in_the_middle():
    assert sparkline([5, 5, 5], 5, 5) == BARS[3] * 3


def test_nothing_is_drawn_of_nothing():
    assert sparkline([], 0, 0) == ""
    assert bounds([]) == (0.0, 0.0)
    assert bounds([[None, math.nan], [math.inf]]) == (0.0, 0.0)


def test_bounds_are_the_least_and_greatest_of_all_rows():
    assert bounds([[1, None, -2.5], [math.inf, 7]]) == (-2.5, 7)


@given(VALUES, st.integers(1, 100))
def test_a_line_is_never_wider_than_asked(values, width):
    low, high = bounds([values])
    drawn = sparkline(values, low, high, width)
    assert len(drawn) == min(width, len(values))
    assert set(drawn) <= {*BARS, GAP, ODD}


@given(VALUES)
def test_any_values_have_the_full_height_somewhere(values):
    low, high = bounds([values])
    if low < high:
        assert BARS[-1] in sparkline(values, low, high, max(WIDTH, len(values)))
