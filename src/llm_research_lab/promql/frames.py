"""A frame says where an expression is evaluated: at which instants, within which query.

`plan` and `evaluate` walk the same frames, so what was planned is what is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from llm_research_lab.promql.lengths import resolve
from llm_research_lab.promql.nodes import (
    At,
    Call,
    Expr,
    Length,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
)
from llm_research_lab.promql.values import Grid, Need, Options, Times
from llm_research_lab.promql.walking import children
from llm_research_lab.vocabulary import Instant

TIMED_FUNCTIONS = frozenset(
    {
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "month",
        "predict_linear",
        "time",
        "timestamp",
        "year",
    }
)
"""Their answer may differ by instant though their arguments do not.
Source: Prometheus, promql/functions.go, AtModifierUnsafeFunctions."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The instants of this evaluation, `grid`, and those of the whole query, `query`.

    ``start()``, ``end()``, ``step()`` and ``range()`` speak of the query's. `fixed` holds the
    identities of the nodes whose answer is the same at every instant.
    """

    grid: Grid
    query: Grid
    options: Options
    fixed: frozenset[int] = frozenset()

    @property
    def times(self) -> Times:
        """The instants."""
        return self.grid.times

    @property
    def count(self) -> int:
        """How many instants; none when a subquery's range holds no multiple of its step."""
        return max(0, self.grid.count)

    def length(self, length: Length, *, positive: bool = False) -> int:
        """Milliseconds of a duration; where it must be `positive` and is not, ExpressionError."""
        if isinstance(length, int):
            return length
        query = self.query
        range_ms = query.end_ms - query.start_ms
        return resolve(length, step_ms=query.step_ms, range_ms=range_ms, positive=positive)

    def moment(self, at: At) -> Instant:
        """The instant that an @ modifier means."""
        return {"time": at.time_ms, "start": self.query.start_ms, "end": self.query.end_ms}[at.kind]

    def ends(self, looking: Selector | Subquery) -> Times:
        """Where a selector or subquery looks to from each instant, int64 [T]."""
        if looking.at is not None:
            return np.full(self.count, self.outline(looking)[0], dtype=np.int64)
        ends, align = self.times - self.length(looking.offset), self.length(looking.align)
        return ends if align <= 0 else ends // align * align

    def outline(self, looking: Selector | Subquery) -> tuple[Instant, Instant]:
        """First and last of `ends`."""
        first = self.grid.start_ms if looking.at is None else self.moment(looking.at)
        last = first if looking.at is not None else first + (self.count - 1) * self.grid.step_ms
        shift, align = self.length(looking.offset), self.length(looking.align)
        first, last = first - shift, last - shift
        return (first, last) if align <= 0 else (first // align * align, last // align * align)

    def entering(self, expr: Expr) -> Frame:
        """The frame for `expr`: one instant when its answer is the same at all."""
        if id(expr) not in self.fixed or self.count <= 1:
            return self
        return replace(self, grid=Grid(self.grid.start_ms, self.grid.start_ms, 0))

    def step(self, expr: Subquery) -> int:
        """Milliseconds between a subquery's samples."""
        given = 0 if expr.step is None else self.length(expr.step, positive=True)
        return given or self.options.default_step_ms

    def inner(self, expr: Subquery) -> Frame:
        """The frame of a subquery's expression: absolute multiples of its step.

        Of an aligned one: all instants that are whole steps before any end, and maybe more.
        Source: Prometheus, promql/engine.go, SubqueryExpr (3: the range is open on the left).
        """
        first, last = self.outline(expr)
        step = self.step(expr)
        edge = first - self.length(expr.range, positive=True)
        if expr.aligned:
            common = int(np.gcd.reduce(np.append(np.diff(self.ends(expr)), step)))
            back = (first - edge - (1 if left_open(self.options) else 0)) // common
            return replace(self, grid=Grid(first - back * common, last, common))
        start = -(-edge // step) * step
        if start == edge and left_open(self.options):
            start += step
        end = start + (last - start) // step * step
        return replace(self, grid=Grid(start, end, step))


def frame_of(expr: Expr, grid: Grid, options: Options) -> Frame:
    """The outermost frame."""
    fixed: set[int] = set()
    _gather_fixed(expr, fixed)
    return Frame(grid, grid, options, frozenset(fixed))


def selector_need(selector: Selector, frame: Frame) -> Need:
    """Samples that an instant selector reads."""
    first, last = frame.outline(selector)
    lookback = frame.options.lookback_ms
    ahead = lookback if selector.edges == "smoothed" else 0
    return Need(selector.matchers, first - lookback + _open(frame), last + ahead)


def range_need(expr: Range, frame: Frame) -> Need:
    """Samples that a range selector reads: with edges, look-back more."""
    selector = expr.selector
    first, last = frame.outline(selector)
    behind = frame.options.lookback_ms if selector.edges else 0
    ahead = frame.options.lookback_ms if selector.edges == "smoothed" else 0
    width = frame.length(expr.range, positive=True)
    return Need(selector.matchers, first - width - behind + _open(frame), last + ahead)


def bare(expr: Expr) -> Expr:
    """Take the parentheses off."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr


def left_open(options: Options) -> bool:
    """Whether a sample exactly on a left edge is out, as since Prometheus 3."""
    return options.compat == 3  # noqa: PLR2004 - Prometheus's major version


def _open(frame: Frame) -> int:
    return 1 if left_open(frame.options) else 0


def _gather_fixed(expr: Expr, fixed: set[int]) -> bool:
    inside = [_gather_fixed(child, fixed) for child in children(expr)]
    if isinstance(expr, (Number, String)):
        return True
    if isinstance(expr, Range):
        return expr.selector.at is not None
    if isinstance(expr, Subquery):
        return expr.at is not None
    if isinstance(expr, Selector):
        same = expr.at is not None
    else:
        same = all(inside) and not (isinstance(expr, Call) and expr.function in TIMED_FUNCTIONS)
    if same:
        fixed.add(id(expr))
    return same
