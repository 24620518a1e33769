"""What an evaluation reads is known before it reads: one need a selector, equal ones merged."""

from __future__ import annotations

from llm_research_lab.promql.frames import (
    Frame,
    frame_of,
    range_need,
    selector_need,
)
from llm_research_lab.promql.info import info_need
from llm_research_lab.promql.limiting import check_steps, too_deep
from llm_research_lab.promql.nodes import Call, Expr, Range, Selector, Subquery
from llm_research_lab.promql.values import Grid, Need, Options
from llm_research_lab.promql.walking import children


def needs(expr: Expr, grid: Grid, options: Options) -> tuple[Need, ...]:
    """Say which samples `evaluate` will read, in the order of the text.

    Raises QueryLimitError for too many steps or too deep a nesting.
    """
    found: dict[Need, None] = {}
    check_steps(grid, options)
    try:
        _gather(expr, frame_of(expr, grid, options), found)
    except RecursionError:
        raise too_deep() from None
    return tuple(found)


def _gather(expr: Expr, frame: Frame, found: dict[Need, None]) -> None:
    frame = frame.entering(expr)
    if isinstance(expr, Selector):
        found[selector_need(expr, frame)] = None
    elif isinstance(expr, Range):
        found[range_need(expr, frame)] = None
    elif isinstance(expr, Subquery):
        inner = frame.inner(expr)
        check_steps(inner.grid, frame.options)
        if inner.count:
            _gather(expr.expr, inner, found)
    elif isinstance(expr, Call) and expr.function == "info":
        _gather(expr.args[0], frame, found)
        found[info_need(expr, frame)] = None
    else:
        for child in children(expr):
            _gather(child, frame, found)
