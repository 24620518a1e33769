"""Operators and aggregations as queries: scalars, fills, errors, names, one instant's order."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql.asking import NAN, ask, columns, table

from llm_research_lab.promql import Annotations, Options
from llm_research_lab.promql.arithmetic import computed
from llm_research_lab.promql.binary import binary
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.nodes import Binary, Number, Span
from llm_research_lab.promql.values import ScalarValue

SERIES = {
    "m a=x": [3.0],
    "m a=y": [1.0],
    "n a=x": [2.0],
    "n a=z": [5.0],
    "p a=x b=1": [10.0],
    "p a=x b=2": [20.0],
}


def asked(text, at=0, series=SERIES, **options):
    return ask(text, [columns(60_000, series)], at=at, **options)


def rows(text, **options):
    return {key: row[0] for key, row in table(asked(text, **options)).items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 - 2 ^ 2", 3),
        ("-7 % 4", -3),
        ("1 atan2 1", math.atan2(1, 1)),
        ("1 > bool 2", 0),
        ("1 / 0", math.inf),
    ],
)
def test_scalars_meet_instant_by_instant(text, expected):
    assert asked(text).value.values.tolist() == [expected]


def test_a_filter_keeps_names_and_the_vectors_values():
    assert rows("m > 2") == {"m a=x": 3}
    assert rows("2 < m") == {"m a=x": 3}
    assert rows("m > bool 2") == {"- a=x": 1, "- a=y": 0}
    assert rows("10 - m") == {"- a=x": 7, "- a=y": 9}


def test_a_filter_of_two_vectors_keeps_the_lefts_values():
    assert rows("m > n") == {"m a=x": 3}
    assert rows("m < n") == {}


def test_series_that_never_meet_may_share_a_partner():
    series = {"m a=x": [1.0, 0.0], "m a=y": [0.0, 2.0], "one": [5.0, 5.0]}
    store = [columns(600_000, series, stale=[(0, 1), (1, 0)])]
    answer = ask("m + on() one", store, over=(0, 600, 600))
    assert table(answer) == {"-": [6, 7]}


BITS = {"bitand": operator.and_, "bitor": operator.or_, "bitxor": operator.xor}
FITTING = st.integers(0, (1 << 53) - 1)


@pytest.mark.parametrize("op", sorted(BITS))
@given(one=FITTING, other=FITTING)
def test_bits_are_those_of_whole_numbers(op, one, other):
    assert computed(op, np.array([float(one)]), np.array([float(other)])) == BITS[op](one, other)


@pytest.mark.parametrize("op", sorted(BITS))
@given(good=FITTING, bad=st.floats().filter(lambda f: not (f.is_integer() and 0 <= f < 1 << 53)))
def test_what_is_no_whole_number_has_no_bits(op, good, bad):
    pair = np.array([float(good)]), np.array([bad])
    assert np.isnan(computed(op, *pair)).all()
    assert np.isnan(computed(op, *pair[::-1])).all()


def test_only_version_two_keeps_the_name_with_atan2():
    assert list(rows("m atan2 0", compat=2)) == ["m a=x", "m a=y"]
    assert list(rows("m atan2 0", compat=3)) == ["- a=x", "- a=y"]


def test_who_has_no_partner_meets_the_filling():
    assert rows("m + fill(0) n") == {"- a=x": 5, "- a=y": 1, "- a=z": 5}
    assert rows("m - fill_left(100) n") == {"- a=x": 1, "- a=z": 95}
    assert rows("m - fill_right(100) n") == {"- a=x": 1, "- a=y": -99}
    assert rows("none - fill_left(1) n") == {"- a=x": -1, "- a=z": -4}
    many = rows("p - on(a) group_left fill_right(1) m{a='y'}")
    assert many == {"- a=x b=1": 9, "- a=x b=2": 19}
    swapped = rows("m{a='y'} - on(a) group_right fill_right(1) p")
    assert swapped == {"- a=x b=1": -9, "- a=x b=2": -19}
    lone = rows("m{a='y'} - on(a) group_right fill_left(1) p")
    assert lone == {"- a=y": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m + on(a) p", "found duplicate series for the match group"),
        ("p + on(a) m", "many-to-one matching must be explicit"),
        ("p + on(a) group_right m", "on the left hand-side"),
        ("p + on(a) group_left(b) m", "grouping labels must ensure unique matches"),
        ("topk(NaN, m)", "Parameter value is NaN"),
        ("topk(1e19, m)", r"Scalar value 1e\+19 overflows int64"),
        ("limit_ratio(NaN, m)", "Ratio value is NaN"),
        ('count_values("", m)', "invalid label name"),
    ],
)
def test_what_does_not_fit_is_refused(text, message):
    with pytest.raises(ExpressionError, match=message):
        asked(text)


def test_version_two_names_labels_by_words_alone():
    with pytest.raises(ExpressionError, match="invalid label name"):
        asked('count_values("1x", m)', compat=2)
    assert rows('count_values("x_1", m)', compat=2) == {"- x_1=1": 1, "- x_1=3": 1}


def test_wrong_parameters_are_warned_of():
    (of_phi,) = asked("quantile(2, m)").warnings
    assert of_phi == "PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"
    (of_ratio,) = asked("limit_ratio(-2, m)").warnings
    assert of_ratio == (
        "PromQL warning: ratio value should be between -1 and 1, got -2, capping to -1 (1:13)"
    )


def test_the_kept_are_in_order_at_one_instant():
    series = {f"m a={at}": [value] for at, value in enumerate([2.0, NAN, 5.0, 1.0, 4.0])}
    assert list(rows("topk(3, m)", series=series)) == ["m a=2", "m a=4", "m a=0"]
    assert list(rows("bottomk(5, m)", series=series))[-1] == "m a=1"
    assert rows("topk(2, none)") == {}
    assert rows('count_values("v", none)') == {}


@pytest.mark.parametrize("delayed", [False, True])
def test_names_go_at_once_or_at_the_end(delayed):
    assert rows("m + n", delayed_names=delayed) == {"- a=x": 5}
    assert rows("sum by (a) (m * 2)", delayed_names=delayed) == {"- a=x": 6, "- a=y": 2}
    assert rows('count_values("v", m * 2)', delayed_names=delayed) == {"- v=2": 1, "- v=6": 1}
    joined = rows("m * 2 or n", delayed_names=delayed)
    assert joined == {"- a=x": 6, "- a=y": 2, "n a=z": 5}


def test_the_same_series_of_both_sides_is_one():
    series = {"m": [1.0, 5.0], "n": [3.0, 3.0]}
    store = [columns(60_000, series)]
    for delayed in (False, True):
        answer = ask("(m > 2) * 2 or m * 10", store, over=(0, 60, 60), delayed_names=delayed)
        assert table(answer) == {"-": [10, 10]}


def test_trimming_is_for_native_histograms():
    one, span = ScalarValue(np.ones(1)), Span(0, 0)
    expr = Binary("</", Number(1, span), Number(1, span), span)
    with pytest.raises(ExpressionError, match="native histograms"):
        binary(expr, one, one, Options(), Annotations())
