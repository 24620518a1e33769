"""A run of rules over samples: what is asked, what came of it so far, and a rule's answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from llm_research_lab.alerting.rules.graph import Node
from llm_research_lab.alerting.rules.labelling import (
    Labeller,
    Query,
    Rows,
    Sample,
    Templates,
    Told,
)
from llm_research_lab.alerting.rules.read import Group
from llm_research_lab.alerting.rules.spans import RulePlace, Spans
from llm_research_lab.alerting.rules.state import Alert
from llm_research_lab.alerting.rules.written import Written
from llm_research_lab.promql import (
    Block,
    Columns,
    Expr,
    ExpressionError,
    Grid,
    Need,
    Options,
    ScalarValue,
    evaluate,
    needs,
    parse,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher

Fetch = Callable[[Need], Sequence[Columns]]
Read = Callable[[Need], Sequence[Columns]]
DEFAULT_INTERVAL_MS = 60_000

NO_RULE = "rule result is not a vector or scalar"


FailureKind = Literal["evaluating", "limit", "writing"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule failed at a tick: its states stand; samples that were not refused are written.

    At a `limit` alerts are forgotten; what fails when `writing` has been evaluated.
    """

    rule: str
    at_ms: Instant
    why: str
    place: RulePlace = (0, 0)
    kind: FailureKind = "evaluating"


@dataclass(slots=True)
class Past:
    """What the rules wrote, and what to carry into the next piece of the range."""

    written: Written = field(default_factory=Written)
    alerts: dict[RulePlace, dict[Labels, Alert]] = field(default_factory=dict)
    told: dict[RulePlace, dict[Labels, Told]] = field(default_factory=dict)
    """The last sample of each alert: what its annotations are expanded with."""
    seen: dict[RulePlace, frozenset[Labels]] = field(default_factory=dict)
    """The series that a rule wrote at its last good tick: what vanishes from them turns stale."""
    failures: list[Failure] = field(default_factory=list)
    spans: Spans = field(default_factory=Spans)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is evaluated: groups over samples, under options. `stepped` forces tick by tick."""

    groups: tuple[Group, ...]
    fetch: Fetch
    options: Options = field(default_factory=Options)
    default_interval_ms: int = DEFAULT_INTERVAL_MS
    stepped: bool = False
    templates: Templates = field(default_factory=Templates)
    origin_ms: Instant = 0
    """Ticks are whole intervals from here."""
    in_order: bool = False
    """Whether groups are evaluated one after the other, as promtool does (`graph.circles`)."""


class LimitError(Exception):
    """More alerts or series than the group's limit."""


def check_limit(group: Group, count: int, what: str) -> None:
    """Raise LimitError for more than the group may have."""
    if 0 < group.limit < count:
        raise LimitError(f"exceeded limit of {group.limit} with {count} {what}")


@dataclass(slots=True)
class Fetched:
    """What is fetched, so much ahead of the need as the ticks that follow will read, and kept."""

    fetch: Fetch
    ahead_ms: int = 0
    _kept: dict[tuple[Matcher, ...], tuple[Need, Sequence[Columns]]] = field(default_factory=dict)

    def read(self, need: Need) -> Sequence[Columns]:
        """Give what a need reads."""
        if not self.ahead_ms:
            return self.fetch(need)
        known, columns = self._kept.get(need.matchers, (None, ()))
        if known is None or known.from_ms > need.from_ms or known.to_ms < need.to_ms:
            known = Need(need.matchers, need.from_ms, need.to_ms + self.ahead_ms)
            columns = self.fetch(known)
            self._kept[need.matchers] = known, columns
        cuts = (_cut(one, need) for one in columns)
        return [one for one in cuts if len(one.times)]


def _cut(columns: Columns, need: Need) -> Columns:
    low, high = columns.times.searchsorted((need.from_ms, need.to_ms + 1)).tolist()
    stale = None if columns.stale is None else columns.stale[:, low:high]
    starts = None if columns.starts is None else columns.starts[:, low:high]
    values = columns.values[:, low:high]
    return Columns(columns.labels, columns.times[low:high], values, stale, starts=starts)


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked, and what came of it so far."""

    asked: Asked
    past: Past
    fetched: Fetched

    def grid(self, node: Node, from_ms: Instant, to_ms: Instant) -> Grid | None:
        """Give a rule's ticks in a range."""
        step = self.asked.groups[node.group].interval_ms or self.asked.default_interval_ms
        origin = self.asked.origin_ms
        first = origin - (origin - from_ms) // step * step
        last = origin + (to_ms - origin) // step * step
        return Grid(first, last, step) if first <= last else None

    def offset(self, node: Node) -> int:
        """Give how long before its tick a rule is evaluated."""
        return self.asked.groups[node.group].query_offset_ms or 0

    def value(
        self, expr: Expr, grid: Grid, until_ms: Instant, read: Read | None = None
    ) -> Block | ScalarValue:
        """Evaluate on what is there until an instant, or on what `read` gives of it."""
        fetched: dict[Need, Sequence[Columns]] = {}
        for need in needs(expr, grid, self.asked.options):
            cut = Need(need.matchers, need.from_ms, min(need.to_ms, until_ms))
            if cut.from_ms <= cut.to_ms:
                fetched[need] = self.read(cut) if read is None else read(cut)
        value = evaluate(expr, grid, fetched, self.asked.options).value
        if not isinstance(value, Block | ScalarValue):
            raise ExpressionError("rule", "a vector or a scalar", NO_RULE, "mend it")
        return value

    def read(self, need: Need) -> list[Columns]:
        """Read what was fetched and what rules wrote."""
        return [*self.fetched.read(need), *self.past.written.select(need)]

    def query(self, at_ms: Instant, until_ms: Instant | None = None) -> Query:
        """Give what a template's ``query`` asks at an instant."""

        def ask(text: str) -> list[Sample]:
            expr = parse(text, experimental=self.asked.options.experimental)
            value = self.value(expr, Grid(at_ms, at_ms, 0), at_ms if until_ms is None else until_ms)
            if isinstance(value, ScalarValue):
                return [({}, float(value.values[0]))]
            return [
                (dict(labels), float(row[0]))
                for labels, row in zip(value.labels, value.values, strict=True)
            ]

        return ask

    def rows(self, node: Node, grid: Grid, read: Read | None = None) -> Rows:
        """Evaluate a rule and label its rows. Raises ExpressionError, QueryLimitError."""
        offset = self.offset(node)
        moved = Grid(grid.start_ms - offset, grid.end_ms - offset, grid.step_ms)
        value = self.value(node.rule.expr, moved, grid.end_ms, read)
        if isinstance(value, ScalarValue):
            value = Block(((),), value.values[None, :], np.ones((1, grid.count), np.bool_))
        group = self.asked.groups[node.group]
        labeller = Labeller(group, node.rule, self.asked.templates, self.query)
        rows = labeller.rows(value, grid.times)
        if node.rule.kind == "record" and group.limit > 0:
            counts = sum((row.present.astype(np.int64) for row in rows.values()), np.zeros(1))
            check_limit(group, int(np.max(counts)), "series")
        return rows


def answer(asked: Asked, past: Past, at_ms: Instant, until_ms: Instant | None = None) -> Query:
    """Answer expressions at an instant, on what is there until it, or until another one."""
    return Run(asked, past, Fetched(asked.fetch)).query(at_ms, until_ms)
