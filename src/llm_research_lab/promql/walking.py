"""Every expression inside an expression is met once: the outer before the inner, left to right."""

from __future__ import annotations

from collections.abc import Iterator

from llm_research_lab.promql.nodes import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Paren,
    Range,
    Subquery,
    Unary,
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Give the expressions directly inside, in the order of the text."""
    if isinstance(expr, Call):
        return expr.args
    if isinstance(expr, Binary):
        return (expr.left, expr.right)
    if isinstance(expr, Aggregation):
        return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
    if isinstance(expr, (Subquery, Unary, Paren)):
        return (expr.expr,)
    return (expr.selector,) if isinstance(expr, Range) else ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Give the expression and all inside it, the outer first. Never recurses."""
    return (found for found, _ in walk_depths(expr))


def walk_depths(expr: Expr) -> Iterator[tuple[Expr, int]]:
    """Give each expression with how many it is inside of."""
    pending = [(expr, 0)]
    while pending:
        found, depth = pending.pop()
        yield found, depth
        pending += [(child, depth + 1) for child in reversed(children(found))]
