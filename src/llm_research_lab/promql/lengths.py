"""A length is known once the query's step and range are.

Source: Prometheus, promql/durations.go: computed in float64 seconds, cut to milliseconds.
"""

from __future__ import annotations

import math

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.nodes import Length, LengthNode
from llm_research_lab.vocabulary.durations import LONGEST_MS


def resolve(length: Length, *, step_ms: int, range_ms: int, positive: bool = False) -> int:
    """Give the length in milliseconds; with `positive` one that is not above zero is refused.

    `step_ms` and `range_ms` are the query's, what ``step()`` and ``range()`` mean.
    Raises ExpressionError, whose `where` is the character of the expression's text.
    """
    if not isinstance(length, LengthNode):
        return length
    value = _seconds(length, step_ms, range_ms) * 1000
    if not abs(value) <= LONGEST_MS:
        raise _refused(length, "a duration of at most 292 years", f"{value / 1000:g} s")
    if positive and not value > 0:
        raise _refused(length, "a duration above zero", f"{value / 1000:g} s")
    return int(value)


def _refused(node: LengthNode, expected: str, got: str) -> ExpressionError:
    where = f"character {node.span.start + 1}"
    return ExpressionError(where, expected, got, "change the arithmetic of the duration")


def _seconds(node: LengthNode | float, step_ms: int, range_ms: int) -> float:
    if not isinstance(node, LengthNode):
        return node
    if node.op in {"step", "range"}:
        return (step_ms if node.op == "step" else range_ms) / 1000
    values = [_seconds(operand, step_ms, range_ms) for operand in node.operands]
    if len(values) == 1:
        return -values[0] if node.op == "neg" else values[0]
    return _combined(node, *values)


def _combined(node: LengthNode, left: float, right: float) -> float:
    if node.op in {"/", "%"} and right == 0:
        raise _refused(node, "a divisor other than zero", "0")
    if node.op == "%":
        return math.fmod(left, right) if math.isfinite(left) else math.nan
    if node.op == "^":
        return _power(left, right)
    if node.op in {"min", "max"}:
        return min(left, right) if node.op == "min" else max(left, right)
    if node.op in {"+", "-"}:
        return left + right if node.op == "+" else left - right
    return left * right if node.op == "*" else left / right


def _power(left: float, right: float) -> float:
    """Go's math.Pow: no error, NaN where there is no real power, Inf where it is too large."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan
