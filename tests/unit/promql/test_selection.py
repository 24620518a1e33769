"""An instant vector holds the newest sample within the look-back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql.asking import ask, columns, labelled, table

from llm_research_lab.promql import Columns

STORE = [columns(60_000, {"x a=1": [1, 2, 3, 4, 5], "x a=2": [10, 20, 30, 40, 50]})]


@pytest.mark.parametrize(
    ("expression", "at", "expected"),
    [
        ("x", 0, [1.0]),
        ("x", 59.999, [1.0]),
        ("x", 60, [2.0]),
        ("x", 539.999, [5.0]),
        ("x offset 1m", 120, [2.0]),
        ("x offset -1m", 120, [4.0]),
        ("x @ 60", 1000, [2.0]),
        ("x @ 60 offset 1m", 1000, [1.0]),
        ("x @ start()", 180, [4.0]),
        ("x @ end()", 180, [4.0]),
        ("timestamp(x)", 90, [60.0]),
        ("timestamp((x))", 90, [60.0]),
        ("timestamp(x @ 70)", 90, [60.0]),
        ("timestamp(x smoothed)", 90, [60.0]),
        ("timestamp(-x)", 90, [90.0]),
        ("x smoothed", 90, [2.5]),
        ("x smoothed", 120, [3.0]),
        ("x smoothed", 250, [5.0]),
    ],
)
def test_a_selector_looks_back_from_where_it_is_told(expression, at, expected):
    answer = ask(expression, STORE, at=at)
    assert next(iter(table(answer).values())) == expected
    assert len(answer.value.labels) == 2


def test_a_sample_exactly_as_old_as_the_lookback_is_out_in_3_and_in_in_2():
    assert table(ask("x", STORE, at=540)) == {}
    assert table(ask("x", STORE, at=540, compat=2)) == {"x a=1": [5.0], "x a=2": [50.0]}


def test_smoothed_needs_a_sample_before():
    late = [columns(60_000, {"x": [1, 2]}, start_ms=60_000)]
    assert table(ask("x smoothed", late, at=30)) == {}
    assert ask("x smoothed", late, at=30).value.values.shape == (0, 1)


def test_a_stale_marker_ends_its_series_until_the_next_sample():
    store = [
        columns(60_000, {"x a=1": [1, 2, 3, 4], "x a=2": [1, 2, 3, 4]}, stale=[(1, 1), (1, 2)])
    ]
    assert table(ask("x", store, over=(0, 180, 30))) == {
        "x a=1": [1, 1, 2, 2, 3, 3, 4],
        "x a=2": [1, 1, None, None, None, None, 4],
    }


def test_a_range_leaves_stale_markers_out():
    store = [
        columns(
            60_000,
            {"x a=1": [1, 2, 3], "x a=2": [1, 2, 3], "x a=3": [0, 0, 0]},
            stale=[(1, 1), *((2, i) for i in range(3))],
        )
    ]
    assert table(ask("count_over_time(x[5m])", store, at=120)) == {"- a=1": [3], "- a=2": [2]}


def test_rows_are_in_the_order_of_their_labels_however_they_are_stored():
    parts = [
        columns(60_000, {"x a=3": [3, 3], "x a=1": [1, 1]}),
        columns(45_000, {"x a=2": [2, 2]}),
    ]
    assert list(table(ask("x", parts, at=60))) == ["x a=1", "x a=2", "x a=3"]
    assert list(table(ask("x", parts[:1], at=60))) == ["x a=1", "x a=3"]


def test_columns_without_samples_answer_nothing():
    assert table(ask("x", [columns(60_000, {"x": [1]}, start_ms=10**9)], at=60)) == {}


@pytest.mark.parametrize(
    "expression",
    [
        "x",
        "x offset 30s",
        "rate(x[2m])",
        "stddev_over_time(x[3m])",
        "max_over_time(rate(x[2m])[5m:45s])",
        "max_over_time(rate(x[2m])[5m::45s])",
        "x align 1m",
        "rate(x[2m] align 45s)",
        "sin(x)",
        "exp(x)",
        "ln(x @ 100)",
        "round(sqrt(x), 0.01)",
        "absent(x)",
        "label_replace(x, 'b', '$1', 'a', '(.*)')",
    ],
)
def test_any_cut_of_the_grid_gives_the_same_bytes(expression):
    rng = np.random.default_rng(7)
    rows = {f"x a={row}": rng.normal(1, 3, 100).cumsum() for row in range(3)}
    store = [
        columns(15_000, rows, stale=[(2, 40), (2, 41)]),
        columns(17_000, {"x a=9": rng.random(80)}),
    ]
    whole = ask(expression, store, over=(0, 2000, 7)).value
    for cut in (1, 13, 150):
        parts = [
            ask(expression, store, over=(i * 7, min(i + cut - 1, 285) * 7, 7)).value
            for i in range(0, 286, cut)
        ]
        for row, labels in enumerate(whole.labels):
            pieces = [
                (p.values[p.labels.index(labels)], p.present[p.labels.index(labels)])
                if labels in p.labels
                else (np.zeros(p.values.shape[1]), np.zeros(p.values.shape[1], bool))
                for p in parts
            ]
            present = np.concatenate([here for _, here in pieces])
            values = np.concatenate([values for values, _ in pieces])
            assert present.tobytes() == whole.present[row].tobytes()
            assert values[present].tobytes() == whole.values[row][present].tobytes()


def newest(series, at, lookback, compat):
    """One instant of one series, as the law says."""
    times, values, stale = series
    before = [index for index, time in enumerate(times) if time <= at]
    if not before or stale[before[-1]]:
        return None
    age = at - times[before[-1]]
    return values[before[-1]] if age < lookback or (age == lookback and compat == 2) else None


@given(
    times=st.sets(st.integers(0, 60), min_size=1, max_size=20).map(sorted),
    marks=st.sets(st.integers(0, 19)),
    lookback=st.integers(1, 20),
    offset=st.integers(-5, 5),
    compat=st.sampled_from([2, 3]),
)
def test_selection_is_the_newest_sample_within_the_lookback(times, marks, lookback, offset, compat):
    stale = np.array([[index in marks for index in range(len(times))]])
    values = np.arange(len(times), dtype=np.float64)[np.newaxis]
    at_s = np.array(times, dtype=np.int64) * 1000
    store = [Columns((labelled("x"),), at_s, values, stale)]
    options = {"lookback_ms": lookback * 1000, "compat": compat}
    rows = table(ask(f"x offset {offset}s", store, over=(-10, 80, 1), **options))
    expected = [
        newest((times, values[0], stale[0]), at - offset, lookback, compat) for at in range(-10, 81)
    ]
    assert rows.get("x", [None] * 91) == expected
