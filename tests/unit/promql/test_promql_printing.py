"""What is printed reads back as the same expression."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.promql.trees import expressions, same

from llm_research_lab.promql import ExpressionError, parse, pretty, print_expr
from llm_research_lab.promql.escapes import quote
from llm_research_lab.promql.numbers import print_number, print_short

slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@slow
@given(expressions)
def test_a_printed_expression_reads_back_as_itself(expr):
    assert same(parse(print_expr(expr), experimental=True), expr)


@slow
@given(expressions)
def test_a_pretty_expression_reads_back_as_itself(expr):
    assert same(parse(pretty(expr), experimental=True), expr)


@given(st.floats())
def test_a_printed_number_reads_back_as_itself(value):
    for text in (print_number(value), print_short(value)):
        assert float(text) == value or (math.isnan(value) and text == "NaN")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sum(x) by (a)", "sum by (a) (x)"),
        ("sum(x) by ()", "sum(x)"),
        ("sum(x) without ()", "sum without () (x)"),
        ('topk by ("a.b", c) (3, x)', 'topk by ("a.b", c) (3, x)'),
        ("a / on() group_left b", "a / on () group_left () b"),
        ("a * ignoring(x) group_right(y) b", "a * ignoring (x) group_right (y) b"),
        ("a + ignoring() b", "a + b"),
        ("a > bool 1", "a > bool 1"),
        ("a + fill(1e21) b", "a + fill (1e+21) b"),
        ("a + fill_left(1) fill_right(1) b", "a + fill (1) b"),
        ("a + fill_right(1.5e-5) b", "a + fill_right (1.5e-05) b"),
        ("a + fill_right(2) fill_left(-inf) b", "a + fill_left (-Inf) fill_right (2) b"),
        ("1e6 + .5 + 1e-7", "1000000 + 0.5 + 0.0000001"),
        ("-inf + nan", "-Inf + NaN"),
        ('{b="2",a!="1"}', '{a!="1",b="2"}'),
        ('{"my.metric","a.b"=~"c"}', '{"a.b"=~"c",__name__="my.metric"}'),
        ('{__name__=""} or x', None),
        ('x{__name__!="y"}', None),
        ("x[90s] @ 1.5 offset -1d", "x[1m30s] @ 1.500 offset -1d"),
        ("x[1m] offset 2m anchored", "x[1m] anchored offset 2m"),
        ("x offset 1m smoothed @ end()", "x @ end() smoothed offset 1m"),
        ("(x)[1h:] @ -0.5", "(x)[1h:] @ -0.500"),
        ("x[1m*2 + min(3, step())]", "x[1m * 2 + min_of(3, step())]"),
        ("x offset -(1m+2)", "x offset -(1m + 2)"),
        ("x offset +range()", "x offset range()"),
        ("- - x", "--x"),
        (r"""'it\'s "q"'""", r'''"it's \"q\""'''),
    ],
)
def test_the_printed_form_is_prometheus_s(text, printed):
    if printed is None:
        with pytest.raises(ExpressionError):
            parse(text, experimental=True)
        return
    assert print_expr(parse(text, experimental=True)) == printed


def test_the_values_that_a_query_can_take_are_quoted_as_go_quotes_them():
    assert quote('\a\b\f\n\r\t\v\\"é\x00\x7f\u0085\u200b\U000e0001😀') == (
        r'"\a\b\f\n\r\t\v\\\"é\x00\x7f\u0085\u200b\U000e0001😀"'
    )


LONG = 'http_request_duration_seconds_bucket{handler="/api/v1/experiments"}'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("sum(x)", ["sum(x)"]),
        (
            f"sum by (experiment_type) (rate({LONG}[5m])) / 2",
            [f"  sum by (experiment_type) (\n    rate({LONG}[5m])\n  )", "/", "  2"],
        ),
        (
            f"topk(3, {LONG} > bool on (le) group_left (a) {LONG})",
            [
                "topk(",
                "  3,",
                f"    {LONG}",
                "  > bool on (le) group_left (a)",
                f"    {LONG}",
                ")",
            ],
        ),
        (
            f'-label_replace(({LONG}), "destination", "$1", "source", "(.*)")',
            [
                "-label_replace(",
                f"  ({LONG}),",
                '  "destination",',
                '  "$1",',
                '  "source",',
                '  "(.*)"',
                ")",
            ],
        ),
        (
            f"max_over_time(({LONG} + {LONG})[1h:5m] offset 1d)",
            [
                "max_over_time(",
                "  (",
                f"      {LONG}",
                "    +",
                f"      {LONG}",
                "  )[1h:5m] offset 1d",
                ")",
            ],
        ),
        (
            f'{LONG[:-1]},experiment_type="evaluation",dataset_size="xl"}}',
            [
                'http_request_duration_seconds_bucket{dataset_size="xl",experiment_type="evaluation",handler="/api/v1/experiments"}'
            ],
        ),
    ],
)
def test_what_is_longer_than_a_line_is_broken_where_it_nests(text, lines):
    assert pretty(parse(text)) == "\n".join(lines)


def test_a_short_subquery_has_no_margin():
    long = f'quantile_over_time(scalar({LONG[:-1]},more="{"a" * 60}"}}), x[1h:])'
    assert "\nx[1h:]\n" in pretty(parse(long))
