"""Two operands become one: scalars by instant, a vector by series, two vectors by matching labels.

Source: Prometheus, promql/engine.go (VectorscalarBinop, VectorBinop, VectorAnd, VectorOr,
VectorUnless), docs/querying/operators.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from llm_research_lab.promql.arithmetic import COMPARISON, computed, drops_name
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.joining import joined
from llm_research_lab.promql.naming import kept, nameless
from llm_research_lab.promql.nodes import Binary
from llm_research_lab.promql.places import place
from llm_research_lab.promql.setting import SETS
from llm_research_lab.promql.values import Annotations, Block, Floats, Options, ScalarValue

NATIVE = frozenset({"</", ">/"})
"""Operators that trim native histograms, and mean nothing for floats."""


def binary(
    expr: Binary,
    left: Block | ScalarValue,
    right: Block | ScalarValue,
    options: Options,
    notes: Annotations,
) -> Block | ScalarValue:
    """Answer ``left op right`` at every instant.

    Raises ExpressionError where more than one series matches, and does not say which.
    """
    if expr.op in NATIVE:
        return _native(expr, left, right, options, notes)
    if isinstance(left, ScalarValue) and isinstance(right, ScalarValue):
        values = computed(expr.op, left.values, right.values)
        return ScalarValue(np.asarray(values, dtype=np.float64))
    if isinstance(left, Block) and isinstance(right, Block):
        return (SETS.get(expr.op) or joined)(expr, left, right, options)
    if isinstance(left, Block) and isinstance(right, ScalarValue):
        return _with_scalar(expr, left, left.values, right.values[np.newaxis, :], options)
    if isinstance(left, ScalarValue) and isinstance(right, Block):
        return _with_scalar(expr, right, left.values[np.newaxis, :], right.values, options)
    raise AssertionError(expr.op)  # pragma: no cover - the types are checked when it is read


def _with_scalar(
    expr: Binary, block: Block, left: Floats, right: Floats, options: Options
) -> Block:
    """Answer with the vector's series; a comparison keeps the vector's values."""
    got = computed(expr.op, left, right)
    if expr.op in COMPARISON and not expr.bool_modifier:
        return kept(replace(block, present=block.present & got))
    answer = replace(block, values=np.asarray(got, dtype=np.float64))
    if drops_name(expr.op, bool_modifier=expr.bool_modifier, compat=options.compat):
        return nameless(answer, options, expr.span)
    return answer


def _native(
    expr: Binary,
    left: Block | ScalarValue,
    right: Block | ScalarValue,
    options: Options,
    notes: Annotations,
) -> Block:
    """Floats have nothing to trim: nothing is left, and an info says so."""
    del left, right, notes
    raise ExpressionError(
        place(options.text, expr.span.start),
        "an operator of floats",
        f"{expr.op}, which trims native histograms",
        "native histograms are not supported: use classic buckets",
    )
