"""What is printed reads back as the same expression, in one form for every way to write it.

Source: Prometheus, promql/parser/printer.go (what String() gives).
"""

from __future__ import annotations

import re

from llm_research_lab.promql.escapes import quote
from llm_research_lab.promql.nodes import (
    Aggregation,
    At,
    Binary,
    Call,
    Expr,
    Length,
    LengthNode,
    Matching,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
)
from llm_research_lab.promql.numbers import print_number, print_short
from llm_research_lab.vocabulary.durations import format_duration
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels
from llm_research_lab.vocabulary.matchers import Matcher

_PLAIN_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TWO_ARGUMENTS = {"min": "min_of", "max": "max_of"}


def print_expr(expr: Expr) -> str:
    """Write the expression in one line, as Prometheus's String() does."""
    if isinstance(expr, Binary):
        return f"{print_expr(expr.left)} {operator(expr)} {print_expr(expr.right)}"
    if isinstance(expr, Call):
        return f"{expr.function}({', '.join([print_expr(arg) for arg in expr.args])})"
    if isinstance(expr, Aggregation):
        param = "" if expr.param is None else f"{print_expr(expr.param)}, "
        return f"{aggregator(expr)}({param}{print_expr(expr.expr)})"
    if isinstance(expr, (Selector, Range, Number, String)):
        return _leaf(expr)
    inner = print_expr(expr.expr)
    if isinstance(expr, Subquery):
        return f"{inner}{subquery_suffix(expr)}"
    return f"({inner})" if isinstance(expr, Paren) else f"{expr.op}{inner}"


def operator(expr: Binary) -> str:
    """Write the operator and its modifiers."""
    return f"{expr.op}{' bool' if expr.bool_modifier else ''}{_matching(expr.matching)}"


def aggregator(expr: Aggregation) -> str:
    """Write the aggregation's operator and grouping."""
    if not expr.without and not expr.grouping:
        return expr.op
    return f"{expr.op} {'without' if expr.without else 'by'} {_labels(expr.grouping)} "


def subquery_suffix(expr: Subquery) -> str:
    """Write what follows the expression of a subquery."""
    step = "" if expr.step is None else print_length(expr.step)
    colon = "::" if expr.aligned else ":"
    when = f"{_at(expr.at)}{_offset(expr.offset)}{_align(expr.align)}"
    return f"[{print_length(expr.range)}{colon}{step}]{when}"


def print_length(length: Length) -> str:
    """Write a duration, or the arithmetic of it."""
    return _arithmetic(length) if isinstance(length, LengthNode) else format_duration(length)


def _leaf(expr: Selector | Range | Number | String) -> str:
    if isinstance(expr, Selector):
        edges = f" {expr.edges}" if expr.edges else ""
        return f"{_series(expr)}{_at(expr.at)}{edges}{_offset(expr.offset)}{_align(expr.align)}"
    if isinstance(expr, Range):
        inner = expr.selector
        edges = f" {inner.edges}" if inner.edges else ""
        when = f"{edges}{_at(inner.at)}{_offset(inner.offset)}{_align(inner.align)}"
        return f"{_series(inner)}[{print_length(expr.range)}]{when}"
    if isinstance(expr, String):
        return quote(expr.value)
    return format_duration(round(expr.value * 1000)) if expr.duration else print_number(expr.value)


def _series(expr: Selector) -> str:
    name = expr.name or ""
    own = Matcher(METRIC_NAME, "=", name) if name else None
    matchers = sorted(print_matcher(matcher) for matcher in expr.matchers if matcher != own)
    return name + (f"{{{','.join(matchers)}}}" if matchers or not name else "")


def print_matcher(matcher: Matcher) -> str:
    """Write one matcher: ``job="a"``."""
    return f"{_label(matcher.name)}{matcher.op}{quote(matcher.value)}"


def print_labels(labels: Labels) -> str:
    """Write a series' labels as Prometheus does, the name among them."""
    return "{" + ", ".join(f"{_label(name)}={quote(value)}" for name, value in labels) + "}"


def _label(name: str) -> str:
    return name if _PLAIN_LABEL.fullmatch(name) else quote(name)


def _labels(names: tuple[str, ...]) -> str:
    return f"({', '.join(_label(name) for name in names)})"


def _at(at: At | None) -> str:
    if at is None:
        return ""
    if at.kind != "time":
        return f" @ {at.kind}()"
    whole, thousandths = divmod(abs(at.time_ms), 1000)
    return f" @ {'-' if at.time_ms < 0 else ''}{whole}.{thousandths:03d}"


def _offset(length: Length) -> str:
    return f" offset {print_length(length)}" if length else ""


def _align(length: Length) -> str:
    return f" align {print_length(length)}" if length else ""


def _matching(matching: Matching | None) -> str:
    if matching is None:
        return ""
    group = {"many-to-one": "left", "one-to-many": "right"}.get(matching.card, "")
    text = ""
    if matching.labels or matching.on or group:
        text = f" {'on' if matching.on else 'ignoring'} {_labels(matching.labels)}"
    if group:
        text += f" group_{group} {_labels(matching.include)}"
    return text + _fills(matching.fill_left, matching.fill_right)


def _fills(left: float | None, right: float | None) -> str:
    if left is not None and right is not None and print_short(left) == print_short(right):
        return f" fill ({print_short(left)})"
    text = "" if left is None else f" fill_left ({print_short(left)})"
    return text if right is None else f"{text} fill_right ({print_short(right)})"


def _arithmetic(node: LengthNode | float) -> str:
    if not isinstance(node, LengthNode):
        return print_number(node)
    if node.op == "duration" and isinstance(node.operands[0], float):
        return format_duration(round(node.operands[0] * 1000))
    operands = [_arithmetic(operand) for operand in node.operands]
    if node.op in {"step", "range", *_TWO_ARGUMENTS}:
        return f"{_TWO_ARGUMENTS.get(node.op, node.op)}({', '.join(operands)})"
    if node.op == "paren":
        return f"({operands[0]})"
    return f"-{operands[0]}" if node.op == "neg" else f"{operands[0]} {node.op} {operands[1]}"
