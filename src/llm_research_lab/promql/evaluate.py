"""An expression, evaluated on samples that were fetched before: pure, all instants at once.

`plan.needs` says which samples; the answer at an instant depends on those alone, so any cut of the
grid into pieces gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from llm_research_lab.promql.aggregating import aggregate
from llm_research_lab.promql.binary import binary
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.frames import Frame, bare, frame_of
from llm_research_lab.promql.histogram_calls import HISTOGRAM_FUNCTIONS
from llm_research_lab.promql.instants import FUNCTIONS, Arguments
from llm_research_lab.promql.limiting import Run, check_steps, too_deep
from llm_research_lab.promql.naming import empty_block, finished, kept, nameless, rows
from llm_research_lab.promql.nodes import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
    Unary,
)
from llm_research_lab.promql.places import place
from llm_research_lab.promql.ranging import call_range, range_value, select_range
from llm_research_lab.promql.sampling import Shown, select
from llm_research_lab.promql.subqueries import EVERY, Turn, gathered, turns_of
from llm_research_lab.promql.values import (
    Answer,
    Block,
    Columns,
    Grid,
    Need,
    Options,
    RangeValue,
    ScalarValue,
    StringValue,
    Value,
)

_DEFAULTS = Options()

SHOWN: Mapping[str, Shown] = {"timestamp": "times", "start_timestamp": "starts"}
"""What these functions look at where a selector is their argument."""


def evaluate(
    expr: Expr,
    grid: Grid,
    fetched: Mapping[Need, Sequence[Columns]],
    options: Options = _DEFAULTS,
) -> Answer:
    """Answer the expression at every instant of the grid.

    `fetched` holds what `needs` asked for; a need that is missing has no series. Rows of a range
    query are in the order of their labels. Raises ExpressionError where the samples do not allow an
    answer, QueryLimitError where it would take too much, and what `options.check` raises.
    """
    check_steps(grid, options)
    run = Run(fetched, options)
    try:
        value = _value(expr, frame_of(expr, grid, options), run)
    except RecursionError:
        raise too_deep() from None
    if isinstance(value, Block):
        value = finished(kept(value), options, expr.span)
        if grid.step_ms > 0:
            value = rows(value, sorted(range(len(value.labels)), key=value.labels.__getitem__))
    elif grid.step_ms > 0 and not isinstance(value, ScalarValue):
        kind = "range vector" if isinstance(value, RangeValue) else "string"
        raise ExpressionError(
            place(options.text, expr.span.start),
            "a scalar or an instant vector",
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector',
            "ask at one instant",
        )
    return Answer(value, tuple(run.notes.warnings), tuple(run.notes.infos), run.samples)


def _value(expr: Expr, frame: Frame, run: Run) -> Value:
    run.options.check()
    inner = frame.entering(expr)
    before = run.cells
    value = _HANDLERS[type(expr)](expr, inner, run)
    if inner is not frame:
        value = _spread(value, frame, run)
    run.settle(before, value)
    return value


def _spread(value: Value, frame: Frame, run: Run) -> Value:
    """The one answer, at every instant."""
    if isinstance(value, StringValue):
        return value
    if isinstance(value, Block):
        run.make_room(len(value.labels), frame.count)
        values = np.repeat(value.values, frame.count, axis=1)
        present = np.repeat(value.present, frame.count, axis=1)
        return Block(value.labels, values, present, value.drop_name)
    return ScalarValue(np.repeat(cast("ScalarValue", value).values, frame.count))


def _number(expr: Number, frame: Frame, run: Run) -> Value:  # noqa: ARG001 - one of the handlers
    return ScalarValue(np.full(frame.count, expr.value))


def _string(expr: String, frame: Frame, run: Run) -> Value:  # noqa: ARG001 - one of the handlers
    return StringValue(expr.value)


def _paren(expr: Paren, frame: Frame, run: Run) -> Value:
    return _value(expr.expr, frame, run)


def _unary(expr: Unary, frame: Frame, run: Run) -> Value:
    value = _value(expr.expr, frame, run)
    if expr.op == "+":
        return value
    if isinstance(value, Block):
        negated = Block(value.labels, -value.values, value.present)
        return nameless(negated, run.options, expr.span)
    return ScalarValue(-cast("ScalarValue", value).values)


def _range(expr: Range | Subquery, frame: Frame, run: Run) -> Value:
    """The samples at one instant; a range query has no such answer, `evaluate` says."""
    if frame.query.step_ms > 0:
        return RangeValue(())
    return range_value(_turns(expr, frame, run)[0][1], run)


def _turns(expr: Range | Subquery, frame: Frame, run: Run) -> list[Turn]:
    if isinstance(expr, Range):
        return [(EVERY, select_range(expr, frame, run))]
    inner = frame.inner(expr)
    check_steps(inner.grid, run.options)
    block = cast("Block", _value(expr.expr, inner, run)) if inner.count else empty_block(0)
    return turns_of(expr, finished(block, run.options, expr.span), inner.times, frame)


def _call(expr: Call, frame: Frame, run: Run) -> Value:
    args = [bare(arg) for arg in expr.args]
    ranged = next((arg for arg in args if isinstance(arg, (Range, Subquery))), None)
    if ranged is not None:
        others = [cast("ScalarValue", _value(arg, frame, run)) for arg in args if arg is not ranged]
        answers = []
        for turn, vector in _turns(ranged, frame, run):
            params = tuple(other.values[turn] for other in others)
            answers.append((turn, call_range(expr, vector, params, run)))
        return gathered(answers, frame.count)
    if expr.function in SHOWN and isinstance(args[0], Selector):
        block = select(args[0], frame, run, shown=SHOWN[expr.function])
        return nameless(block, run.options, expr.span)
    if expr.function == "info":
        args = args[:1]
    values = [_value(arg, frame, run) for arg in args]
    if expr.function in HISTOGRAM_FUNCTIONS:
        return HISTOGRAM_FUNCTIONS[expr.function](expr, values, run)
    return FUNCTIONS[expr.function](Arguments(expr, values, frame, run))


def _aggregation(expr: Aggregation, frame: Frame, run: Run) -> Value:
    param: Any = None if expr.param is None else _value(expr.param, frame, run)
    block = cast("Block", _value(expr.expr, frame, run))
    return aggregate(expr, block, param, run.options, run.notes)


def _binary(expr: Binary, frame: Frame, run: Run) -> Value:
    left: Any = _value(expr.left, frame, run)
    right: Any = _value(expr.right, frame, run)
    return binary(expr, left, right, run.options, run.notes)


_HANDLERS: dict[type, Callable[[Any, Frame, Run], Value]] = {
    Number: _number,
    String: _string,
    Paren: _paren,
    Unary: _unary,
    Selector: select,
    Range: _range,
    Subquery: _range,
    Call: _call,
    Aggregation: _aggregation,
    Binary: _binary,
}
