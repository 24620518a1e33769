"""Statistics are those of all rows, however they were portioned, in constant memory."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows import Statistics
from llm_research_lab.experiments.rows.statistics import DISTINCT, DISTINCT_IN_ALL
from llm_research_lab.experiments.schema import Column, Schema


def of(type_, *portions):
    statistics = Statistics(Schema((Column("a", type_, nullable=True),)))
    for portion in portions:
        statistics.take([portion])
    result = statistics.result()
    assert result["rows"] == sum(map(len, portions))
    return result["columns"][0]


def test_numbers_have_least_most_and_mean():
    assert of("integer", [3, None, 1], [1]) == {
        "name": "a",
        "nulls": 1,
        "distinct": 2,
        "min": 1,
        "max": 3,
        "mean": 1.66666666667,
        "top": [{"value": 1, "count": 2}, {"value": 3, "count": 1}],
    }


def test_texts_have_shortest_and_longest():
    assert of("string", ["", "abc"], ["b", None, "b"]) == {
        "name": "a",
        "nulls": 1,
        "distinct": 3,
        "shortest": 0,
        "longest": 3,
        "top": [
            {"value": "b", "count": 2},
            {"value": "", "count": 1},
            {"value": "abc", "count": 1},
        ],
    }


def test_booleans_are_counted():
    assert of("boolean", [True, False, True])["top"][0] == {"value": True, "count": 2}


def test_json_has_only_its_nulls():
    assert of("json", [{}, None, []]) == {"name": "a", "nulls": 1, "distinct": None, "top": []}


def test_only_nulls_have_no_measures():
    assert of("number", [None]) == {
        "name": "a",
        "nulls": 1,
        "distinct": 0,
        "min": None,
        "max": None,
        "mean": None,
        "top": [],
    }
    assert of("string", [None])["longest"] is None


def test_more_values_than_the_bound_are_not_counted():
    assert of("integer", list(range(DISTINCT)))["distinct"] == DISTINCT
    assert of("integer", list(range(DISTINCT)), [DISTINCT], [1])["distinct"] is None


def test_a_text_too_long_to_hold_ends_the_counting():
    assert of("string", ["a"], ["x" * 201], ["a"])["distinct"] is None
    assert of("string", ["a"], ["x" * 200])["distinct"] == 2


def test_many_columns_together_hold_no_more():
    names = [f"a{place}" for place in range(1000)]
    statistics = Statistics(Schema(tuple(Column(name, "integer") for name in names)))
    statistics.take([range_of(DISTINCT_IN_ALL // 1000 + 1) for _ in names])
    assert {one["distinct"] for one in statistics.result()["columns"]} == {None}


def range_of(count):
    return list(range(count))


def test_a_sum_that_no_float_holds_has_no_mean():
    one = of("number", [1.7e308, 1.7e308])
    assert one["mean"] is None
    assert math.isfinite(one["max"])


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=20), st.integers(1, 20))
def test_portions_do_not_matter(values, size):
    portions = [values[start : start + size] for start in range(0, len(values), size)]
    one, other = of("number", values), of("number", *portions)
    assert math.isclose(one.pop("mean") or 0, other.pop("mean") or 0, rel_tol=1e-9, abs_tol=1e-6)
    assert one == other
