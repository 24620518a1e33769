"""A selector names series by matchers; modifiers after it say when, and over what range.

Source: Prometheus, "Querying basics"; promql/parser/generated_parser.y.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, cast

from llm_research_lab.promql.cursor import Cursor
from llm_research_lab.promql.lexing import Token, shown
from llm_research_lab.promql.measuring import offset_length, positive_length
from llm_research_lab.promql.nodes import At, Expr, Length, Range, Selector, Span, Subquery
from llm_research_lab.promql.numerals import is_numeral, seconds
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import METRIC_NAME
from llm_research_lab.vocabulary.matchers import Matcher, Op

_OPERATORS = ("=", "!=", "=~", "!~")
_INSTANT_BOUND = float(1 << 63)


def selector(cursor: Cursor, name: Token | None) -> Selector:
    """Read the matchers in braces after a name, or alone."""
    start = cursor.token.start if name is None else name.start
    matchers = _matchers(cursor) if cursor.sees("{") else ()
    if name is None:
        return Selector(None, matchers, Span(start, cursor.end))
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            raise cursor.refuse(
                start,
                "one metric name",
                f"{shown(name.value)} and {shown(matcher.value)}",
                "remove one of them",
            )
    named = (*matchers, Matcher(METRIC_NAME, "=", name.value))
    return Selector(name.value, named, Span(start, cursor.end))


def _matchers(cursor: Cursor) -> tuple[Matcher, ...]:
    cursor.demand("{", "before the matchers")
    found = []
    while not cursor.takes("}"):
        found.append(_matcher(cursor))
        if not cursor.takes(",") and not cursor.sees("}"):
            raise cursor.unexpected('"," or "}" after a matcher')
    return tuple(found)


def _matcher(cursor: Cursor) -> Matcher:
    if cursor.token.kind not in {"word", "string"}:
        raise cursor.unexpected('a label name or "}"', "write the label's name here")
    name = cursor.take()
    if name.kind == "string" and not cursor.sees(*_OPERATORS):
        return Matcher(METRIC_NAME, "=", name.value)
    if not cursor.sees(*_OPERATORS):
        raise cursor.unexpected("one of = != =~ !~ after the label name")
    operator = cursor.take()
    if cursor.token.kind != "string":
        raise cursor.unexpected("a string in quotes", "put the value in quotes")
    value = cursor.take()
    try:
        return Matcher(name.value, cast("Op", operator.value), value.value)
    except InvalidError as error:
        raise cursor.refuse(value.start, error.expected, error.got, error.fix) from None


def modified(cursor: Cursor, expr: Expr) -> Expr:
    """Read the modifiers after an expression: ranges, offset, @, align, anchored, smoothed."""
    while True:
        keyword = cursor.token.keyword
        if cursor.sees("["):
            expr = _ranged(cursor, expr)
        elif cursor.sees("@"):
            expr = _at(cursor, expr)
        elif keyword == "offset":
            expr = _offset(cursor, expr)
        elif keyword == "align":
            expr = _aligned(cursor, expr)
        elif keyword in {"anchored", "smoothed"}:
            expr = _edges(cursor, expr)
        else:
            return expr


def _ranged(cursor: Cursor, expr: Expr) -> Expr:
    bracket = cursor.demand("[", "before the range")
    length = positive_length(cursor)
    if cursor.sees(":", "::"):
        return _subquery(cursor, expr, length)
    if not cursor.takes("]"):
        raise cursor.unexpected('":" or "]" after the range')
    if not isinstance(expr, Selector):
        raise cursor.refuse(
            bracket.start,
            "a range after a selector alone",
            "a range after another expression",
            'write a subquery, with ":" after the range',
        )
    if expr.offset or expr.at or expr.edges or expr.align:
        raise cursor.refuse(
            bracket.start,
            "the range before offset, @, align, anchored and smoothed",
            "it after",
            "move the range to the selector",
        )
    return Range(expr, length, Span(expr.span.start, cursor.end))


def _subquery(cursor: Cursor, expr: Expr, length: Length) -> Subquery:
    colon = cursor.take()
    aligned = colon.value == "::"
    if aligned:
        cursor.demand_experimental(colon.start, "a subquery aligned to the instant")
    step = None if cursor.sees("]") else positive_length(cursor)
    cursor.demand("]", "after the subquery's step")
    return Subquery(expr, length, step, Span(expr.span.start, cursor.end), aligned=aligned)


def _changed(cursor: Cursor, expr: Expr, token: Token, field: str, value: object) -> Expr:
    """Set a field that is not yet set, of a selector (a range's own) or a subquery."""
    owner = expr.selector if isinstance(expr, Range) else expr
    if not isinstance(owner, (Selector, Subquery)):
        raise cursor.refuse(
            token.start,
            f"a selector, a range or a subquery before {token.value}",
            "another expression",
            f"write {token.value} at the selector",
        )
    if getattr(owner, field):
        raise cursor.refuse(
            token.start, f"{token.value} once", "it twice or against another", "remove one"
        )
    span = Span(expr.span.start, cursor.end)
    changes = {field: value}
    if isinstance(expr, Range):
        inner = replace(expr.selector, **changes)  # type: ignore[arg-type]
        return replace(expr, selector=inner, span=span)
    return replace(owner, span=span, **changes)  # type: ignore[arg-type]


def _offset(cursor: Cursor, expr: Expr) -> Expr:
    token = cursor.take()
    return _changed(cursor, expr, token, "offset", offset_length(cursor))


def _aligned(cursor: Cursor, expr: Expr) -> Expr:
    token = cursor.take()
    cursor.demand_experimental(token.start, f"the modifier {token.keyword}")
    start = cursor.token.start
    length = offset_length(cursor)
    if isinstance(length, int) and length < 0:
        raise cursor.refuse(
            start, "a duration not below zero", cursor.text[start : cursor.end], "remove the sign"
        )
    return _changed(cursor, expr, token, "align", length)


def _edges(cursor: Cursor, expr: Expr) -> Expr:
    token = cursor.take()
    cursor.demand_experimental(token.start, f"the modifier {token.keyword}")
    if isinstance(expr, Subquery):
        raise cursor.refuse(
            token.start,
            "a selector or a range before it",
            f"{token.keyword} after a subquery",
            "remove it",
        )
    return _changed(cursor, expr, token, "edges", token.keyword)


def _at(cursor: Cursor, expr: Expr) -> Expr:
    token = cursor.take()
    return _changed(cursor, expr, token, "at", _instant(cursor))


def _instant(cursor: Cursor) -> At:
    start = cursor.token.start
    if cursor.token.keyword in {"start", "end"}:
        kind = cast("Literal['start', 'end']", cursor.take().keyword)
        cursor.demand("(", f"after {kind}")
        cursor.demand(")", f"after {kind}(")
        return At(kind)
    sign = -1 if cursor.sees("-") else 1
    if cursor.sees("+", "-"):
        cursor.take()
    if not is_numeral(cursor.token):
        raise cursor.unexpected("a timestamp in seconds, start() or end()", "write one here")
    value = sign * seconds(cursor, cursor.take())
    if not abs(value) < _INSTANT_BOUND:
        raise cursor.refuse(
            start, "a timestamp in seconds", cursor.text[start : cursor.end], "write a smaller one"
        )
    return At("time", math.floor(abs(value) * 1000 + 0.5) * (-1 if value < 0 else 1))
