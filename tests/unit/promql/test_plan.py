"""What an evaluation reads is known before."""

from __future__ import annotations

import pytest

from llm_research_lab.promql import (
    Grid,
    Limits,
    Number,
    Options,
    Paren,
    QueryLimitError,
    Span,
    parse,
)
from llm_research_lab.promql.plan import needs

OVER = Grid(600_000, 900_000, 60_000)


def spans(expression, grid=OVER, **options):
    chosen = Options(**options)
    return [
        (need.from_ms, need.to_ms)
        for need in needs(parse(expression, experimental=True), grid, chosen)
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", []),
        ("x", [(300_001, 900_000)]),
        ("x offset 1m", [(240_001, 840_000)]),
        ("x @ 100", [(-199_999, 100_000)]),
        ("x @ start()", [(300_001, 600_000)]),
        ("x @ end() offset 1s", [(599_001, 899_000)]),
        ("x smoothed", [(300_001, 1_200_000)]),
        ("rate(x[1m])", [(540_001, 900_000)]),
        ("rate(x[1m] anchored)", [(240_001, 900_000)]),
        ("rate(x[1m] smoothed)", [(240_001, 1_200_000)]),
        ("rate(x[range()])", [(300_001, 900_000)]),
        ("rate(x[1m] @ 100)", [(40_001, 100_000)]),
        ("quantile_over_time(scalar(y), x[1m] @ 100)", [(300_001, 900_000), (40_001, 100_000)]),
        ("max_over_time(x[90s:1m])", [(240_001, 900_000)]),
        ("max_over_time(x[2m:7s] offset 1m)", [(420_000 + 7_000 - 300_000 + 1, 840_000)]),
        ("max_over_time(x[90s:1m] @ 100)", [(-239_999, 60_000)]),
        ("max_over_time(x[1s:1m] @ 90)", []),
        ("max_over_time((x @ 50)[90s:1m])", [(-249_999, 50_000)]),
        ("sum(x) + x", [(300_001, 900_000)]),
        ("topk(scalar(y), x)", [(300_001, 900_000)] * 2),
        ("info(x offset 1m, {v='1'})", [(240_001, 840_000)] * 2),
        ("info(vector(1))", [(300_001, 600_000)]),
        ("-(x)", [(300_001, 900_000)]),
    ],
)
def test_a_need_spans_what_is_looked_at(expression, expected):
    assert spans(expression) == expected


def test_version_2_reads_the_left_edge_too():
    assert spans("x", compat=2) == [(300_000, 900_000)]
    assert spans("rate(x[1m])", compat=2) == [(540_000, 900_000)]
    assert spans("max_over_time(x[1m:1m])", compat=2) == [(240_000, 900_000)]


def test_an_instant_query_reads_one_look_back():
    assert spans("x", Grid(600_000, 600_000, 0)) == [(300_001, 600_000)]


def test_too_many_steps_are_refused():
    small = Limits(steps=5)
    for expression in ("x", "max_over_time(x[1h:1s])"):
        with pytest.raises(QueryLimitError, match="steps"):
            spans(expression, limits=small)


def test_too_deep_an_expression_is_refused():
    expr = Number(1.0, Span(0, 1))
    for _ in range(5_000):
        expr = Paren(expr, Span(0, 1))
    with pytest.raises(QueryLimitError, match="nesting"):
        needs(expr, OVER, Options())
