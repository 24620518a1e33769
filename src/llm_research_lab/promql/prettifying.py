"""An expression longer than a line is broken where it nests, inner parts indented by two.

Source: Prometheus, promql/parser/prettier.go (what "format_query" answers).
"""

from __future__ import annotations

from llm_research_lab.promql.nodes import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Paren,
    Subquery,
    Unary,
)
from llm_research_lab.promql.printing import aggregator, operator, print_expr, subquery_suffix

LINE_BYTES = 100
"""Longest line that is not broken."""


def pretty(expr: Expr) -> str:
    """Write the expression in lines, as Prometheus's format_query does."""
    return _pretty(expr, 0)


def _pretty(expr: Expr, level: int) -> str:
    margin = "  " * level
    if isinstance(expr, Unary):
        return f"{margin}{expr.op}{_pretty(expr.expr, level).strip()}"
    line = print_expr(expr)
    if len(line.encode()) <= LINE_BYTES:
        # Prometheus gives a short subquery no margin of its own.
        return line if isinstance(expr, Subquery) else f"{margin}{line}"
    if isinstance(expr, Binary):
        left, right = _pretty(expr.left, level + 1), _pretty(expr.right, level + 1)
        return f"{left}\n{margin}{operator(expr)}\n{right}"
    if isinstance(expr, Subquery):
        return f"{_pretty(expr.expr, level)}{subquery_suffix(expr)}"
    if isinstance(expr, (Aggregation, Call, Paren)):
        return _bracketed(expr, level)
    return f"{margin}{line}"


def _bracketed(expr: Aggregation | Call | Paren, level: int) -> str:
    if isinstance(expr, Call):
        head, inner = expr.function, expr.args
    elif isinstance(expr, Aggregation):
        head = aggregator(expr)
        inner = (expr.expr,) if expr.param is None else (expr.param, expr.expr)
    else:
        head, inner = "", (expr.expr,)
    margin = "  " * level
    lines = ",\n".join(_pretty(part, level + 1) for part in inner)
    return f"{margin}{head}(\n{lines}\n{margin})"
