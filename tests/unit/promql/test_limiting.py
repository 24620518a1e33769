"""A query that would take too much ends with an error that says what."""

from __future__ import annotations

import pytest
from tests.unit.promql.asking import ask, columns, table

from llm_research_lab.promql import (
    Grid,
    Limits,
    Number,
    Options,
    Paren,
    QueryLimitError,
    Span,
)
from llm_research_lab.promql.evaluate import evaluate

STORE = [columns(60_000, {f"x a={row}": range(10) for row in range(4)})]


@pytest.mark.parametrize(
    ("expression", "limits", "what"),
    [
        ("x", Limits(series=3), "series"),
        ("x", Limits(samples=19), "samples"),
        ("x", Limits(memory_bytes=100), "memory bytes"),
        ("rate(x[5m])", Limits(samples=19), "samples"),
        ("x @ 60", Limits(samples=19), "samples"),
        ("x", Limits(steps=4), "steps"),
        ("max_over_time(x[10m:1m])", Limits(steps=10), "steps"),
        ("max_over_time(x[10m:1m])", Limits(samples=50), "samples"),
        ("max_over_time(x[10m::7s])", Limits(steps=800), "steps"),
    ],
)
def test_each_limit_is_kept(expression, limits, what):
    with pytest.raises(QueryLimitError) as told:
        ask(expression, STORE, over=(0, 240, 60), limits=limits)
    assert told.value.where == f"query: {what}"


def test_at_a_limit_a_query_is_answered():
    assert (
        len(table(ask("x", STORE, over=(0, 240, 60), limits=Limits(samples=20, series=4, steps=5))))
        == 4
    )


def test_operands_are_forgotten_once_they_are_used():
    limits = Limits(samples=40)
    assert table(ask("-(-(-(-(abs(x)))))", STORE, over=(0, 240, 60), limits=limits))


def test_the_samples_read_are_counted():
    assert ask("x", STORE, over=(0, 240, 60)).samples == 20
    assert ask("rate(x[2m])", STORE, at=240).samples == 8
    assert ask("x[2m]", STORE, at=240).samples == 8
    assert ask("absent_over_time(x[2m])", STORE, at=240).samples == 8


def test_a_check_that_raises_ends_the_evaluation():
    calls = []

    def check():
        calls.append(None)
        if len(calls) > 5:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        ask("-(-(-(x)))", STORE, at=60, check=check)


def test_too_deep_an_expression_is_refused():
    expr = Number(1.0, Span(0, 1))
    for _ in range(5_000):
        expr = Paren(expr, Span(0, 1))
    with pytest.raises(QueryLimitError, match="nesting"):
        evaluate(expr, Grid(0, 0, 0), {}, Options())
