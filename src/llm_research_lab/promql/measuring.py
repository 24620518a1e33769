"""A length is a duration, or arithmetic of durations: ``[5m]``, ``offset -(step() * 2)``.

After ``offset`` a literal ends the length: ``x offset 1m + 5`` is ``(x offset 1m) + 5``.
Source: Prometheus, promql/parser/generated_parser.y (duration_expr, offset_duration_expr).
"""

from __future__ import annotations

import math
from typing import cast

from llm_research_lab.promql.cursor import DEPTH, Cursor, too_deep
from llm_research_lab.promql.nodes import Length, LengthNode, Span
from llm_research_lab.promql.numerals import is_numeral, seconds
from llm_research_lab.vocabulary.durations import LONGEST_MS

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_POWER = 3
_OF_NONE = {"step", "range"}
_OF_TWO = {"min": "min", "max": "max", "min_of": "min", "max_of": "max"}
_WHAT = "a duration such as 5m"
_ROUNDING_MS = 0.01  # more than seconds in float64 lose; what is less than a millisecond is cut

Operand = LengthNode | float


def positive_length(cursor: Cursor) -> Length:
    """Read what stands in brackets: a length above zero."""
    start, first = cursor.token.start, cursor.at
    length = _length(cursor, _arithmetic(cursor), first)
    if not isinstance(length, LengthNode) and length <= 0:
        raise cursor.refuse(
            start, "a duration above zero", cursor.text[start : cursor.end], "make it longer"
        )
    return length


def offset_length(cursor: Cursor) -> Length:
    """Read what stands after ``offset``."""
    start, first = cursor.token.start, cursor.at
    if cursor.sees("+", "-"):
        sign = cursor.take()
        operand = _operand(cursor)
        return _length(cursor, _signed(sign.value, operand, Span(start, cursor.end)), first)
    return _length(cursor, _operand(cursor), first)


def _length(cursor: Cursor, operand: Operand, first: int) -> Length:
    """Make a literal milliseconds; leave arithmetic. Token `first` began it."""
    start = cursor.tokens[first].start
    if cursor.at - first > DEPTH:  # so the tree is no deeper either
        raise too_deep(cursor.text, start)
    literal = _literal(operand)
    if literal is None:
        return cast("LengthNode", operand)
    if not abs(literal) * 1000 <= LONGEST_MS:
        raise cursor.refuse(
            start, "a duration of at most 292 years", cursor.text[start : cursor.end], "shorten it"
        )
    milliseconds = math.floor(abs(literal) * 1000 + _ROUNDING_MS)
    return -milliseconds if literal < 0 else milliseconds


def _literal(operand: Operand) -> float | None:
    if not isinstance(operand, LengthNode):
        return operand
    if operand.op in {"duration", "paren", "neg"}:
        inner = _literal(operand.operands[0])
        return None if inner is None else -inner if operand.op == "neg" else inner
    return None


def _signed(sign: str, operand: Operand, span: Span) -> Operand:
    return operand if sign == "+" else LengthNode("neg", (operand,), span)


def _arithmetic(cursor: Cursor, least: int = 1) -> Operand:
    """Climb: operators that bind at least as tightly as `least`."""
    with cursor.deeper():
        start = cursor.token.start
        if cursor.sees("+", "-"):
            sign = cursor.take()
            inner = _arithmetic(cursor, _POWER)
            left = _signed(sign.value, inner, Span(start, cursor.end))
        else:
            left = _operand(cursor)
        while cursor.token.kind == "operator" and _PRECEDENCE.get(cursor.token.value, 0) >= least:
            left = _combined(cursor, left, start)
        return left


def _combined(cursor: Cursor, left: Operand, start: int) -> Operand:
    operator = cursor.take()
    cursor.demand_experimental(operator.start, "arithmetic in a duration")
    tighter = _PRECEDENCE[operator.value] + (operator.value != "^")
    right = _arithmetic(cursor, tighter)
    if operator.value in {"/", "%"} and _literal(right) == 0:
        raise cursor.refuse(
            operator.start, "a divisor other than zero", "0", "divide by something else"
        )
    return LengthNode(operator.value, (left, right), Span(start, cursor.end))


def _operand(cursor: Cursor) -> Operand:
    token = cursor.token
    if is_numeral(token):
        cursor.take()
        value = seconds(cursor, token)
        if token.kind == "number":
            return value
        return LengthNode("duration", (value,), Span(token.start, token.end))
    if token.keyword in _OF_NONE or token.keyword in _OF_TWO:
        return _function(cursor)
    if not cursor.takes("("):
        raise cursor.unexpected(_WHAT, "write a duration here")
    cursor.demand_experimental(token.start, "arithmetic in a duration")
    inner = _arithmetic(cursor)
    cursor.demand(")", "to close the duration's parenthesis")
    return LengthNode("paren", (inner,), Span(token.start, cursor.end))


def _function(cursor: Cursor) -> LengthNode:
    """Read ``step()``, ``range()``, ``min_of(a, b)``, ``max_of(a, b)`` (once ``min``, ``max``)."""
    name = cursor.take()
    cursor.demand_experimental(name.start, "arithmetic in a duration")
    cursor.demand("(", f"after {name.keyword}")
    operands: tuple[Operand, ...] = ()
    if name.keyword in _OF_TWO:
        first = _arithmetic(cursor)
        cursor.demand(",", f"between the two of {name.keyword}")
        operands = (first, _arithmetic(cursor))
    cursor.demand(")", f"to close {name.keyword}")
    op = _OF_TWO.get(name.keyword, name.keyword)
    return LengthNode(op, operands, Span(name.start, cursor.end))
