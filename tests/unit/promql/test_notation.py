"""A series in test notation is its labels and its points."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.promql import notation
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.notation import (
    STALE,
    NativeHistogramError,
    SeriesLine,
    parse_points,
    parse_series,
    parse_series_line,
)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("", ()),
        ("1 -2.5 +3e2 .5 7.", (1, -2.5, 300, 0.5, 7)),
        ("Inf +Inf -inf", (math.inf, math.inf, -math.inf)),
        ("1+2x3", (1, 3, 5, 7)),
        ("10-2.5x2", (10, 7.5, 5)),
        ("1x2", (1, 1, 1)),
        ("1+0x10", (1,) * 11),
        ("0x3", (0,) * 4),
        ("1e1+1e1x1", (10, 20)),
        ("_ 1 _x2 stale stalex1", (None, 1, None, None, STALE, STALE, STALE)),
        ("_x0 5x0", (5,)),
    ],
)
def test_points_are_expanded(text, points):
    assert parse_points(text) == points


def test_nan_is_a_point():
    assert math.isnan(parse_points("NaN")[0])
    assert len(parse_points("nanx2")) == 3


@given(st.integers(-1000, 1000), st.integers(0, 1000), st.sampled_from("+-"), st.integers(0, 50))
def test_a_step_is_added_to_the_point_before(first, step, sign, times):
    by = step if sign == "+" else -step
    expected = tuple(float(first + by * place) for place in range(times + 1))
    assert parse_points(f"{first}{sign}{step}x{times}") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("what", "a value"),
        ("1+2", "a[+]bxn"),
        ("1+-2x3", "a value"),
        ("0x1F", "a value"),
        ("1x99999999", "at most"),
    ],
)
def test_a_word_that_is_no_point_is_refused(text, message):
    with pytest.raises(ExpressionError, match=message):
        parse_points(text)


def test_one_line_has_a_bound():
    assert notation.POINTS == 10_000_000
    with pytest.raises(ExpressionError, match="at most 10,000,000 points"):
        parse_points("_x9999999 _x9")


def test_native_histograms_are_told_apart():
    with pytest.raises(NativeHistogramError, match="float samples"):
        parse_series_line("h {{schema:0 count:1}}")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a", (("__name__", "a"),)),
        ("a{}", (("__name__", "a"),)),
        ("{}", ()),
        ("{ }", ()),
        ('a{c="2",b="1"}', (("__name__", "a"), ("b", "1"), ("c", "2"))),
        ('{b="1"}', (("b", "1"),)),
        ('{"a.b", "c d"="e"}', (("__name__", "a.b"), ("c d", "e"))),
        ('{b=""}', ()),
        ('a{b=""}', (("__name__", "a"),)),
        ("a:b{c='}'}", (("__name__", "a:b"), ("c", "}"))),
    ],
)
def test_labels_are_read_sorted_and_without_empty_ones(text, labels):
    assert parse_series(text) == labels


@pytest.mark.parametrize("text", ['a{b=~"1"}', "1", "a{b", "a + b", 'a{b!="1"}', '{b!=""}'])
def test_what_names_no_series_is_refused(text):
    with pytest.raises(ExpressionError):
        parse_series_line(f"{text} 1")


def test_two_series_are_not_one():
    with pytest.raises(ExpressionError, match="the end of the expression"):
        parse_series("a b")


def test_a_line_is_a_series_and_its_points():
    line = parse_series_line('  a{b="} x", c="\\""}  1 _ ')
    expected = (("__name__", "a"), ("b", "} x"), ("c", '"'))
    assert line == SeriesLine(expected, (1.0, None))
    assert parse_series_line("a 1x1") == SeriesLine((("__name__", "a"),), (1.0, 1.0))
    assert parse_series_line("a {} 2") == SeriesLine((("__name__", "a"),), (2.0,))


def test_braces_must_be_closed():
    with pytest.raises(ExpressionError, match="a closing }"):
        parse_series_line('a{b="c" 1')
