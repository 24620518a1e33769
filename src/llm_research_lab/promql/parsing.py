"""A text is one expression, or an error that points at the first thing wrong.

A precedence-climbing parser: ``or`` < ``and unless`` < comparisons < ``+ -`` < ``* / % atan2`` and
those of bits, signs < ``^`` (from the right) < modifiers.
Source: Prometheus, promql/parser/generated_parser.y (the language, not its tables).
"""

from __future__ import annotations

from typing import Literal, cast

from llm_research_lab.promql.arithmetic import BITWISE
from llm_research_lab.promql.checking import checked
from llm_research_lab.promql.cursor import DEPTH, Cursor, too_deep
from llm_research_lab.promql.functions import AGGREGATION_PARAMS, EXPERIMENTAL_AGGREGATIONS
from llm_research_lab.promql.lexing import AGGREGATORS, Token, lex
from llm_research_lab.promql.matching import labels, matching
from llm_research_lab.promql.nodes import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Number,
    Paren,
    Span,
    String,
    Unary,
)
from llm_research_lab.promql.numerals import is_numeral, seconds
from llm_research_lab.promql.selecting import modified, selector

PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<=", "<", ">=", ">"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2", *BITWISE), 5),
    "^": 6,
}
"""How tightly a binary operator binds."""

_POWER = PRECEDENCE["^"]
_TRIMS = frozenset({"</", ">/"})
_FUNCTION_KEYWORDS = frozenset({"start", "end", "step", "range", "min_of", "max_of"})
_NOT_METRICS = frozenset({"bool", "on", "ignoring", "group_left", "group_right", "atan2"})
_WHAT = "an expression"


def parse(text: str, *, experimental: bool = False) -> Expr:
    """Read the text as an expression whose types fit. Raises ExpressionError.

    `experimental` allows what Prometheus has behind a flag: experimental functions and
    aggregations, ``anchored`` and ``smoothed``, fills, arithmetic in durations; and what it tries:
    operators of bits, ``align``, subqueries aligned to the instant.
    """
    cursor = Cursor(text, lex(text), experimental)
    if cursor.ended():
        raise cursor.unexpected(_WHAT, "write one")
    expr = _binary(cursor)
    if not cursor.ended():
        raise cursor.unexpected(
            "an operator or the end of the expression", "remove it, or write an operator before it"
        )
    return checked(expr, text, experimental=experimental)


def _binary(cursor: Cursor, least: int = 1) -> Expr:
    """Climb: operators that bind at least as tightly as `least`."""
    with cursor.deeper():
        left, links = _signed(cursor), 0
        while _precedence(cursor) >= least:
            left, links = _combined(cursor, left), links + 1
            if links > DEPTH:
                raise too_deep(cursor.text, left.span.start)
        return left


def _precedence(cursor: Cursor) -> int:
    token = cursor.token
    if token.kind == "operator" and token.value in _TRIMS:
        raise cursor.refuse(
            token.start,
            "an operator of float samples",
            f"{token.said}, which trims native histograms, and those are not supported",
            "compare by < or >, or remove it",
        )
    return PRECEDENCE.get(token.keyword or (token.value if token.kind == "operator" else ""), 0)


def _combined(cursor: Cursor, left: Expr) -> Expr:
    token = cursor.take()
    op = token.keyword or token.value
    if op in BITWISE:
        cursor.demand_experimental(token.start, f"the operator {op}")
    bool_modifier, meeting = matching(cursor)
    right = _binary(cursor, PRECEDENCE[op] + (op != "^"))
    return Binary(op, left, right, Span(left.span.start, right.span.end), meeting, bool_modifier)


def _signed(cursor: Cursor) -> Expr:
    """Read signs, which bind as ``*`` does: ``-1 ^ 2`` is ``-(1 ^ 2)``."""
    if not cursor.sees("+", "-"):
        return modified(cursor, _primary(cursor))
    sign = cursor.take()
    operand = _binary(cursor, _POWER)
    span = Span(sign.start, operand.span.end)
    if isinstance(operand, Number):
        value = -operand.value if sign.value == "-" else operand.value
        return Number(value, span, operand.duration)
    return Unary(cast('Literal["+", "-"]', sign.value), operand, span)


def _primary(cursor: Cursor) -> Expr:
    token = cursor.token
    if is_numeral(token):
        cursor.take()
        value = seconds(cursor, token)
        return Number(value, Span(token.start, token.end), token.kind == "duration")
    if token.kind == "string":
        cursor.take()
        return String(token.value, Span(token.start, token.end))
    if token.kind == "word":
        return _worded(cursor)
    if cursor.sees("{"):
        return selector(cursor, None)
    if cursor.takes("("):
        inner = _binary(cursor)
        cursor.demand(")", "to close the parenthesis")
        return Paren(inner, Span(token.start, cursor.end))
    raise cursor.unexpected(_WHAT, "write a selector, a number or a function call here")


def _worded(cursor: Cursor) -> Expr:
    """Read what begins with a word: an aggregation, a call, a selector."""
    token = cursor.take()
    calls = cursor.sees("(")
    if token.keyword in AGGREGATORS and (calls or cursor.token.keyword in {"by", "without"}):
        return _aggregation(cursor, token)
    if calls and (token.keyword in _FUNCTION_KEYWORDS or not (token.keyword or ":" in token.value)):
        args = _arguments(cursor, f"of {token.value}")
        return Call(token.keyword or token.value, args, Span(token.start, cursor.end))
    if token.keyword in _NOT_METRICS:
        cursor.at -= 1
        raise cursor.unexpected(_WHAT, "write it before this keyword")
    return selector(cursor, token)


def _arguments(cursor: Cursor, whose: str) -> tuple[Expr, ...]:
    cursor.demand("(", f"before the arguments {whose}")
    found: list[Expr] = []
    if cursor.takes(")"):
        return ()
    while True:
        found.append(_binary(cursor))
        if cursor.takes(")"):
            return tuple(found)
        if not cursor.takes(","):
            raise cursor.unexpected(f'"," or ")" after an argument {whose}')


def _aggregation(cursor: Cursor, token: Token) -> Expr:
    op = token.keyword
    grouping = _grouping(cursor)
    args = _arguments(cursor, f"of {op}")
    without, names = grouping or _grouping(cursor) or (False, ())
    wanted = 2 if op in AGGREGATION_PARAMS else 1
    if len(args) != wanted:
        raise cursor.refuse(
            token.start,
            f"{wanted} argument{'s' * (wanted > 1)} of {op}",
            str(len(args)),
            f"write {op}({'parameter, ' * (wanted > 1)}expression)",
        )
    if op in EXPERIMENTAL_AGGREGATIONS:
        cursor.demand_experimental(token.start, op)
    param = args[0] if wanted > 1 else None
    return Aggregation(op, args[-1], param, names, without, Span(token.start, cursor.end))


def _grouping(cursor: Cursor) -> tuple[bool, tuple[str, ...]] | None:
    if cursor.token.keyword not in {"by", "without"}:
        return None
    without = cursor.take().keyword == "without"
    return without, labels(cursor)
