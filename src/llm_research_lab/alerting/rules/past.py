"""Groups over the past: one pass over the range where no rule reads in a circle, else tick by tick.

Both give the same samples, and any cut of the range does: a rule sees what was written before it,
never what has a later time than its tick. What fails in one pass is halved until the tick is found
at which it fails. Source: Prometheus, rules/group.go, `Group.Eval`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from llm_research_lab.alerting.rules.graph import Circle, Node, circles
from llm_research_lab.alerting.rules.labelling import (
    Labeller,
    Query,
    Row,
    Rows,
    Sample,
    Templates,
    Told,
)
from llm_research_lab.alerting.rules.read import Group
from llm_research_lab.alerting.rules.spans import RulePlace, Spans
from llm_research_lab.alerting.rules.state import (
    INACTIVE,
    STATES,
    Alert,
    StateColumns,
    Timing,
    alerts_series,
    for_state_series,
    state_columns,
)
from llm_research_lab.alerting.rules.written import Written
from llm_research_lab.promql import (
    Block,
    Columns,
    Expr,
    ExpressionError,
    Grid,
    Need,
    Options,
    QueryLimitError,
    ScalarValue,
    Times,
    evaluate,
    needs,
    parse,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, labels_of

Fetch = Callable[[Need], Sequence[Columns]]
DEFAULT_INTERVAL_MS = 60_000

NO_RULE = "rule result is not a vector or scalar"


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule failed at a tick: its states stand; samples that were not refused are written."""

    rule: str
    at_ms: Instant
    why: str
    place: RulePlace = (0, 0)


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


def evaluate_past(asked: Asked, from_ms: Instant, to_ms: Instant, past: Past | None = None) -> Past:
    """Evaluate all groups at their ticks in the range, `from_ms` and `to_ms` included.

    Ticks are multiples of the interval since the origin, so a cut range has the ticks of the whole
    one; hand the answer of one piece to the next.
    """
    past = Past() if past is None else past
    ordered = circles(asked.groups, in_order=asked.in_order)
    if asked.stepped:
        nodes = [node for circle in ordered for node in circle.nodes]
        if asked.in_order:
            nodes.sort(key=lambda node: (node.group, node.index))
        ordered = (Circle(tuple(nodes), stepped=True),)
    for circle in ordered:
        _advance(_Run(asked, past), circle, from_ms, to_ms)
    past.failures.sort(key=attrgetter("at_ms", "place"))
    return past


@dataclass(frozen=True, slots=True)
class _Run:
    """What is asked, and what came of it so far."""

    asked: Asked
    past: Past

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

    def value(self, expr: Expr, grid: Grid, until_ms: Instant) -> Block | ScalarValue:
        """Evaluate on what is there until an instant."""
        fetched: dict[Need, Sequence[Columns]] = {}
        for need in needs(expr, grid, self.asked.options):
            cut = Need(need.matchers, need.from_ms, min(need.to_ms, until_ms))
            if cut.from_ms <= cut.to_ms:
                fetched[need] = [*self.asked.fetch(cut), *self.past.written.select(cut)]
        value = evaluate(expr, grid, fetched, self.asked.options).value
        if not isinstance(value, Block | ScalarValue):
            raise ExpressionError("rule", "a vector or a scalar", NO_RULE, "mend it")
        return value

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

    def rows(self, node: Node, grid: Grid) -> Rows:
        """Evaluate a rule and label its rows. Raises ExpressionError, QueryLimitError."""
        offset = self.offset(node)
        moved = Grid(grid.start_ms - offset, grid.end_ms - offset, grid.step_ms)
        value = self.value(node.rule.expr, moved, grid.end_ms)
        if isinstance(value, ScalarValue):
            value = Block(((),), value.values[None, :], np.ones((1, grid.count), np.bool_))
        group = self.asked.groups[node.group]
        labeller = Labeller(group, node.rule, self.asked.templates, self.query)
        rows = labeller.rows(value, grid.times)
        if node.rule.kind == "record" and group.limit > 0:
            counts = sum((row.present.astype(np.int64) for row in rows.values()), np.zeros(1))
            _check_limit(group, int(np.max(counts)), "series")
        return rows


def answer(asked: Asked, past: Past, at_ms: Instant, until_ms: Instant | None = None) -> Query:
    """Answer expressions at an instant, on what is there until it, or until another one."""
    return _Run(asked, past).query(at_ms, until_ms)


class _LimitError(Exception):
    """More alerts or series than the group's limit."""


def _check_limit(group: Group, count: int, what: str) -> None:
    if 0 < group.limit < count:
        raise _LimitError(f"exceeded limit of {group.limit} with {count} {what}")


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """What a rule gave over a grid, not yet written. `labels` and `columns`: its alerts."""

    node: Node
    grid: Grid
    rows: Rows
    labels: list[Labels] = field(default_factory=list)
    columns: StateColumns | None = None
    told: dict[Labels, Told] = field(default_factory=dict)

    @property
    def place(self) -> RulePlace:
        """Where the rule stands."""
        return self.node.group, self.node.index


def _advance(run: _Run, circle: Circle, from_ms: Instant, to_ms: Instant) -> None:
    """Take a circle through a range: in one pass, or by halves where that does not go."""
    grids = [run.grid(node, from_ms, to_ms) for node in circle.nodes]
    ticks = sorted({time for grid in grids if grid for time in grid.times.tolist()})
    if circle.stepped:
        for tick in ticks:
            _tick(run, circle, tick)
    elif len(ticks) == 1:
        _tick(run, circle, ticks[0])
    elif ticks and not _pass(run, circle, grids):
        middle = ticks[len(ticks) // 2]
        _advance(run, circle, from_ms, middle - 1)
        _advance(run, circle, middle, to_ms)


def _tick(run: _Run, circle: Circle, tick: Instant) -> None:
    """Evaluate and write the rules one after the other."""
    for node in circle.nodes:
        grid = run.grid(node, tick, tick)
        if grid is not None:
            _one(run, node, Grid(tick, tick, 0))


def _one(run: _Run, node: Node, grid: Grid) -> None:
    place, past = (node.group, node.index), run.past
    why: str | None = None
    try:
        outcome = _outcome(run, node, grid)
    except (ExpressionError, QueryLimitError) as error:
        why = error.got
    except _LimitError as error:
        why = str(error)
        if node.rule.kind == "alert":
            past.alerts[place], past.told[place] = {}, {}
            past.spans.end(place, grid.start_ms)
    else:
        why = _append(outcome, grid.start_ms - run.offset(node), past)
        _carry(outcome, past)
    if why is not None:
        past.failures.append(Failure(node.rule.name, grid.start_ms, why, place))


def _pass(run: _Run, circle: Circle, grids: Sequence[Grid | None]) -> bool:
    """Evaluate all rules over the range and write, if none fails and no two write one series."""
    pairs = [(node, grid) for node, grid in zip(circle.nodes, grids, strict=True) if grid]
    try:
        outcomes = [_outcome(run, node, grid) for node, grid in pairs]
    except (ExpressionError, QueryLimitError, _LimitError):
        return False
    known: set[Labels] = set()
    for outcome in outcomes:
        mine = outcome.rows.keys() | run.past.seen.get(outcome.place, frozenset())
        start = outcome.grid.start_ms - run.offset(outcome.node)
        if not known.isdisjoint(mine) or any(run.past.written.reaches(one, start) for one in mine):
            return False
        known |= mine
    for outcome in outcomes:
        _extend(outcome, outcome.grid.times - run.offset(outcome.node), run.past)
        _carry(outcome, run.past)
    return True


def _outcome(run: _Run, node: Node, grid: Grid) -> _Outcome:
    rows = run.rows(node, grid)
    if node.rule.kind == "record":
        return _Outcome(node, grid, rows)
    return _alerting(run, node, grid, rows)


def _alerting(run: _Run, node: Node, grid: Grid, rows: Rows) -> _Outcome:
    """Step the alerts, and give the series that say so."""
    place, group = (node.group, node.index), run.asked.groups[node.group]
    before = run.past.alerts.get(place, {})
    labels = sorted({*before, *rows})
    nothing = np.zeros(grid.count, np.bool_)
    present = np.array([rows[one].present if one in rows else nothing for one in labels], np.bool_)
    timing = Timing(node.rule.for_ms, node.rule.keep_firing_for_ms)
    present = present.reshape(len(labels), grid.count)
    columns = state_columns(present, grid.times, timing, [before.get(one) for one in labels])
    active = np.count_nonzero(columns.states != INACTIVE, axis=0)
    _check_limit(group, int(active.max(initial=0)), "alerts")
    told = dict(run.past.told.get(place, {}))
    told.update((one, row.told) for one, row in rows.items() if row.told is not None)
    static = {**dict(group.labels), **dict(node.rule.labels)}
    return _Outcome(node, grid, _state_rows(static, labels, columns), labels, columns, told)


def _state_rows(static: dict[str, str], labels: list[Labels], columns: StateColumns) -> Rows:
    found: Rows = {}
    for row, one in enumerate(labels):
        # A label that expands to nothing stands there unexpanded. Source: alerting.go, `sample`.
        named, states = labels_of({**static, **dict(one)}), columns.states[row]
        for number, state in enumerate(STATES):
            if number != INACTIVE and (states == number).any():
                found[alerts_series(named, state)] = Row(np.ones(len(states)), states == number)
        if (states != INACTIVE).any():
            seconds = (columns.active_at_ms[row] // 1000).astype(np.float64)
            found[for_state_series(named)] = Row(seconds, states != INACTIVE)
    return found


def _carry(outcome: _Outcome, past: Past) -> None:
    """Keep the states of a rule's alerts for the next piece."""
    if outcome.columns is None:
        return
    place = outcome.place
    pairs = zip(outcome.labels, outcome.columns.after, strict=True)
    after = {one: alert for one, alert in pairs if alert is not None}
    past.alerts[place] = after
    past.told[place] = {one: told for one, told in outcome.told.items() if one in after}
    past.spans.take(place, outcome.labels, outcome.columns, outcome.grid.times)


def _append(outcome: _Outcome, time_ms: Instant, past: Past) -> str | None:
    """Write one tick, and say why a sample was refused."""
    why, last = None, set()
    for labels, row in sorted(outcome.rows.items(), key=lambda pair: pair[0]):
        if row.present[0]:
            refusal = past.written.append(labels, time_ms, float(row.values[0]), stale=False)
            if refusal is None:
                last.add(labels)
            why = refusal or why
    for labels in sorted(past.seen.get(outcome.place, frozenset()) - last):
        past.written.append(labels, time_ms, float("nan"), stale=True)
    past.seen[outcome.place] = frozenset(last)
    return why


def _extend(outcome: _Outcome, times: Times, past: Past) -> None:
    """Write a range, and a stale marker at the first tick at which a series is gone."""
    seen = past.seen.get(outcome.place, frozenset())
    nothing = Row(np.zeros(len(times)), np.zeros(len(times), np.bool_))
    last = set()
    for labels in sorted({*outcome.rows, *seen}):
        row = outcome.rows.get(labels, nothing)
        before = np.concatenate([[labels in seen], row.present[:-1]])
        if row.present.all():
            past.written.extend(labels, times, row.values, None)
        else:
            kept = row.present | before
            stale = ~row.present[kept]
            values = np.where(stale, np.nan, row.values[kept])
            past.written.extend(labels, times[kept], values, stale if stale.any() else None)
        if row.present[-1]:
            last.add(labels)
    past.seen[outcome.place] = frozenset(last)
