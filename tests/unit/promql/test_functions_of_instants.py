"""Functions of instant vectors and scalars answer as Prometheus documents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.unit.promql.asking import INF, NAN, ask, columns, table

from llm_research_lab.promql import ExpressionError, ScalarValue
from llm_research_lab.promql.calendars import FIELDS
from llm_research_lab.promql.elementwise import larger, smaller

STORE = [columns(60_000, {"x a=1": [-2.5, 1], "x a=2": [NAN, 2], "x a=3": [7, 3], "y a=1": [1, 5]})]
NOW = 1_700_000_000
"""2023-11-14 22:13:20 UTC, a Tuesday."""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("abs(x)", [2.5, NAN, 7]),
        ("-x", [2.5, NAN, -7]),
        ("+x", [-2.5, NAN, 7]),
        ("ceil(x)", [-2, NAN, 7]),
        ("floor(x)", [-3, NAN, 7]),
        ("sgn(x)", [-1, NAN, 1]),
        ("sqrt(x)", [NAN, NAN, math.sqrt(7)]),
        ("ln(x)", [NAN, NAN, math.log(7)]),
        ("rad(x)", [-2.5 * math.pi / 180, NAN, 7 * math.pi / 180]),
        ("deg(x)", [-2.5 * 180 / math.pi, NAN, 7 * 180 / math.pi]),
        ("round(x)", [-2, NAN, 7]),
        ("round(x, 5)", [0, NAN, 5]),
        ("clamp(x, 0, 3)", [0, NAN, 3]),
        ("clamp_min(x, 0)", [0, NAN, 7]),
        ("clamp_max(x, 0)", [-2.5, NAN, 0]),
        ("clamp_min(x, Inf)", [INF, INF, INF]),
        ("clamp_max(x, -Inf)", [-INF, -INF, -INF]),
        ("timestamp(abs(x))", [0, 0, 0]),
        ("year(x)", [1969, 292277026596, 1970]),
    ],
)
def test_a_function_of_samples_drops_the_name(expression, expected):
    rows = table(ask(expression, STORE, at=0))
    assert [name.split()[0] for name in rows] == (["x"] if expression == "+x" else ["-"]) * 3
    for got, wanted in zip(rows.values(), expected, strict=True):
        assert got == pytest.approx([wanted], nan_ok=True)


def test_clamp_between_crossed_bounds_answers_nothing():
    assert table(ask("clamp(x, 5, 3)", STORE, at=0)) == {}


@pytest.mark.parametrize("larger_one", [1.0, 0.0])
def test_the_larger_of_two_is_goes_max(larger_one):
    several = np.array([NAN, INF, -INF, -0.0, larger_one])
    got = larger(several, np.full(5, NAN))
    assert got[1] == INF
    assert np.isnan(got[[0, 2, 3, 4]]).all()
    assert not np.signbit(larger(np.array([-0.0, 0.0]), np.array([0.0, -0.0]))).any()
    assert np.signbit(smaller(np.array([-0.0, 0.0]), np.array([0.0, -0.0]))).all()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("minute()", 13),
        ("hour()", 22),
        ("day_of_week()", 2),
        ("day_of_month()", 14),
        ("day_of_year()", 318),
        ("days_in_month()", 30),
        ("month()", 11),
        ("year()", 2023),
        ("days_in_month(vector(1709164800))", 29),
        ("day_of_year(vector(1735603200))", 366),
        ("month(vector(-1))", 12),
        ("hour(vector(-1.5))", 23),
        ("year(vector(NaN))", 292277026596),
        ("month(vector(Inf))", 12),
        ("day_of_month(vector(-Inf))", 4),
        ("day_of_year(vector(1e300))", 339),
        ("hour(vector(NaN))", 15),
        ("minute(vector(NaN))", 30),
        ("vector(time())", NOW + 0.5),
    ],
)
def test_a_calendar_function_reads_seconds_as_utc(expression, expected):
    assert table(ask(expression, [], at=NOW + 0.5)) == {"-": [expected]}


def test_every_second_of_a_day_and_every_day_is_the_calendars():
    from datetime import UTC, datetime, timedelta

    moments = [
        datetime(1890, 1, 1, tzinfo=UTC) + timedelta(days=97 * i, minutes=7 * i)
        for i in range(1000)
    ]
    seconds = np.array([moment.timestamp() for moment in moments])
    for name, value in {
        "year": lambda m: m.year,
        "month": lambda m: m.month,
        "day_of_month": lambda m: m.day,
        "day_of_year": lambda m: m.timetuple().tm_yday,
        "day_of_week": lambda m: (m.weekday() + 1) % 7,
        "hour": lambda m: m.hour,
        "minute": lambda m: m.minute,
    }.items():
        assert FIELDS[name](seconds).tolist() == [value(moment) for moment in moments]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("pi()", math.pi),
        ("time()", 90),
        ("start()", 90),
        ("end()", 90),
        ("range()", 0),
        ("step()", 0),
        ("scalar(y)", 5),
        ("scalar(x)", NAN),
        ("scalar(nothing)", NAN),
        ("max_of(1, 2)", 2),
        ("min_of(1, 2)", 1),
        ("-(3)", -3),
        ("+3", 3),
    ],
)
def test_a_scalar_function_answers_a_scalar(expression, expected):
    value = ask(expression, STORE, at=90).value
    assert isinstance(value, ScalarValue)
    assert value.values == pytest.approx([expected], nan_ok=True)


def test_start_end_step_and_range_are_the_whole_querys():
    assert ask("start()", [], over=(60, 180, 30)).value.values.tolist() == [60] * 5
    assert ask("end()", [], over=(60, 180, 30)).value.values.tolist() == [180] * 5
    assert ask("step()", [], over=(60, 180, 30)).value.values.tolist() == [30] * 5
    assert ask("range()", [], over=(60, 180, 30)).value.values.tolist() == [120] * 5
    assert table(ask("max_over_time(vector(range())[1m:30s])", [], over=(60, 180, 60))) == {
        "-": [120] * 3
    }


def test_a_string_is_its_own_answer():
    assert ask("'a'", [], at=0).value.value == "a"


@pytest.mark.parametrize("expression", ["'a'", "x[5m]", "x[5m:1m]"])
def test_a_range_query_answers_no_string_and_no_range(expression):
    with pytest.raises(ExpressionError, match="must be Scalar or instant Vector"):
        ask(expression, STORE, over=(0, 60, 30))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("absent(x)", {}),
        ("absent(z)", {"-": [1]}),
        ("absent((z{a='1', b='2', c=~'x'}))", {"- a=1 b=2": [1]}),
        ("absent(z{a='1', a='1', b='2'})", {"- b=2": [1]}),
        ("absent(-z{a='1'})", {"-": [1]}),
        ("absent_over_time(x[1m])", {}),
        ("absent_over_time(z{a='1'}[1m])", {"- a=1": [1]}),
        ("absent_over_time(z{a='1'}[1m:30s])", {"-": [1]}),
    ],
)
def test_absence_takes_the_labels_that_the_selector_fixes(expression, expected):
    assert table(ask(expression, STORE, at=60)) == expected


def test_absence_is_told_where_it_is():
    assert table(ask("absent_over_time(x[1m])", STORE, over=(0, 240, 60))) == {
        "-": [None, None, 1, 1, 1]
    }


@pytest.mark.parametrize("name", ["avg", "count", "stddev", "stdvar", "sum"])
def test_functions_of_native_histograms_answer_nothing_on_floats(name):
    assert table(ask(f"histogram_{name}(x)", STORE, at=60)) == {}


def test_rows_that_lose_their_name_may_not_be_equal():
    store = [columns(60_000, {"x a=1": [1], "y a=1": [2], "z a=2": [3]})]
    for expression in ("-{a='1'}", "count_over_time({a='1'}[1m])"):
        with pytest.raises(ExpressionError, match="same labelset"):
            ask(expression, store, at=0)


def test_rows_of_equal_labels_that_are_never_present_together_are_one():
    store = [
        columns(60_000, {"x a=1": [1, 2, 3], "y a=1": [4, 5, 6]}, stale=[(0, 1), (0, 2), (1, 0)])
    ]
    assert table(ask("-{a='1'}", store, over=(0, 120, 60))) == {"- a=1": [-1, -5, -6]}
    with pytest.raises(ExpressionError, match="same labelset"):
        ask("count_over_time({a='1'}[1m])", store, over=(0, 120, 60))


def test_names_may_be_dropped_at_the_end():
    store = [columns(60_000, {"x a=1": [1, 2, 3], "y a=2": [4, 5, 6]})]
    later = {"delayed_names": True}
    assert table(ask("-{a!=''}", store, at=120, **later)) == {"- a=1": [-3], "- a=2": [-6]}
    assert table(ask("last_over_time({a!=''}[5m])", store, at=120, **later)) == {
        "x a=1": [3],
        "y a=2": [6],
    }
    kept = "label_replace(rate({a!=''}[5m]), 'was', '$1', '__name__', '(.*)')"
    assert list(table(ask(kept, store, at=120, **later))) == ["- a=1 was=x", "- a=2 was=y"]
    named = "label_replace(-{a!=''}, '__name__', 'n_$1', '__name__', '(.*)')"
    assert list(table(ask(named, store, at=120, **later))) == ["n_x a=1", "n_y a=2"]
    assert table(ask("max_over_time((-{a='1'})[2m:1m])", store, at=120, **later)) == {"- a=1": [-2]}
    with pytest.raises(ExpressionError, match="same labelset"):
        ask("-label_replace({a!=''}, 'a', '', '', '')", store, at=120, **later)
