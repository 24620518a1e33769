"""Range vectors: windows open on the left in 3, subqueries on absolute multiples of their step."""

from __future__ import annotations

import math

import pytest
from tests.unit.promql.asking import ask, columns, table

from llm_research_lab.promql import RangeValue

STORE = [columns(10_000, {"x_total a=1": range(0, 101, 10), "y a=1": [3] * 11})]


def samples(answer):
    assert isinstance(answer.value, RangeValue)
    return [
        (
            dict(one.labels).get("a"),
            [(int(at), float(value)) for at, value in zip(one.times, one.values, strict=True)],
        )
        for one in answer.value.series
    ]


@pytest.mark.parametrize(
    ("expression", "compat", "expected"),
    [
        ("x_total[20s]", 3, [(40_000, 40), (50_000, 50)]),
        ("x_total[20s]", 2, [(30_000, 30), (40_000, 40), (50_000, 50)]),
        ("x_total[20s] offset 10s", 3, [(30_000, 30), (40_000, 40)]),
        ("x_total[20s] @ 20", 3, [(10_000, 10), (20_000, 20)]),
        ("(x_total[20s])", 3, [(40_000, 40), (50_000, 50)]),
        ("x_total[20s:10s]", 3, [(40_000, 40), (50_000, 50)]),
        ("x_total[20s:10s]", 2, [(30_000, 30), (40_000, 40), (50_000, 50)]),
        ("x_total[20s:15s] offset 1s", 3, [(30_000, 30), (45_000, 40)]),
        ("x_total[1m:]", 3, [(0, 0)]),
        ("x_total[15s] anchored", 3, [(35_000, 30), (40_000, 40), (50_000, 50)]),
        ("x_total[15s] smoothed", 3, [(35_000, 35), (40_000, 40), (50_000, 50)]),
        ("x_total[15s] smoothed offset 2s", 3, [(33_000, 33), (40_000, 40), (48_000, 48)]),
        ("x_total[10s] anchored @ 500", 3, None),
        ("x_total[10s] anchored @ 390", 3, None),
    ],
)
def test_a_range_is_answered_as_its_samples(expression, compat, expected):
    answer = ask(expression, STORE, at=50, compat=compat)
    assert samples(answer) == ([] if expected is None else [("1", expected)])


def test_smoothed_reaches_for_a_sample_after_the_end_alone_in_vain():
    late = [columns(10_000, {"x": [1, 2]}, start_ms=100_000)]
    assert samples(ask("x[10s] smoothed", late, at=50))[0][1] == [(40_000, 1), (50_000, 1)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("increase(x_total[50s])", {"- a=1": [50]}),
        ("rate(x_total[50s])", {"- a=1": [1]}),
        ("sum_over_time(x_total[30s:10s])", {"- a=1": [270]}),
        ("sum_over_time(x_total[30s:10s] offset 3s)", {"- a=1": [240]}),
        ("sum_over_time((x_total)[30s:10s] offset 20s)", {"- a=1": [210]}),
        ("sum_over_time(x_total[30s:30s])", {"- a=1": [90]}),
        ("rate(x_total[50s:1s])", {"- a=1": [50 / 49]}),
        ("max_over_time(rate(x_total[20s])[30s:5s])", {"- a=1": [1]}),
        ("sum_over_time(x_total[30s:10s] @ 30)", {"- a=1": [60]}),
        ("sum_over_time((x_total @ 20)[30s:10s])", {"- a=1": [60]}),
        ("sum_over_time(nothing[30s:10s])", {}),
        ("sum_over_time(x_total[1s:1m])", {}),
        ("count_over_time(x_total[100s])", {"- a=1": [10]}),
        ("predict_linear(x_total[50s] offset 20s, 10)", {"- a=1": [110]}),
        ("predict_linear(x_total[50s] @ 50, 10)", {"- a=1": [110]}),
        ("last_over_time(x_total[20s])", {"x_total a=1": [100]}),
        ("first_over_time(x_total[20s])", {"x_total a=1": [90]}),
        ("quantile_over_time(0.5, x_total[50s])", {"- a=1": [80]}),
    ],
)
def test_a_function_of_a_range_sees_the_windows_samples(expression, expected):
    answer = ask(expression, STORE, at=100)
    rows = table(answer)
    assert {name: [pytest.approx(value) for value in row] for name, row in expected.items()} == rows
    assert not answer.warnings
    assert not answer.infos


def test_subquery_answers_of_series_with_gaps_are_samples_where_they_are():
    store = [columns(10_000, {"x a=1": range(11), "x a=2": range(11)}, stale=[(1, 5), (1, 6)])]
    rows = table(ask("count_over_time(x[60s:10s])", store, at=100))
    assert rows == {"- a=1": [6], "- a=2": [4]}


def test_a_function_at_a_fixed_time_has_one_answer_at_every_instant():
    rows = table(ask("sum_over_time(x_total[30s] @ 30)", STORE, over=(0, 100, 25)))
    assert rows == {"- a=1": [60] * 5}
    rows = table(ask("quantile_over_time(scalar(y), x_total[30s] @ 30)", STORE, over=(0, 100, 25)))
    assert rows == {"- a=1": [math.inf] * 5}


def test_what_is_not_named_as_a_counter_is_doubted():
    answer = ask("rate(y[1m])", STORE, at=100)
    doubt = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
    assert answer.infos == (f'PromQL info: {doubt}: "y" (1:6)',)
    assert not ask("rate(y[1m])", STORE, at=100, compat=2).infos
    assert not ask("irate(y[1m])", STORE, at=100).infos
    assert not ask("rate(abs(y)[1m:10s])", STORE, at=100).infos


def test_a_warning_names_its_place():
    answer = ask("quantile_over_time(2,\n y[1m])", STORE, at=100)
    assert answer.warnings == (
        "PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)",
    )
