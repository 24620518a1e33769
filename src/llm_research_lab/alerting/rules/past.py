"""Groups over the past: one pass over the range where no rule reads in a circle, else tick by tick.

Both give the same samples: ticks are the group's start plus whole intervals, a rule sees what was
written before it at the same tick. Source: Prometheus, rules/group.go, Group.Eval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from llm_research_lab.alerting.rules.graph import Circle, Node, circles
from llm_research_lab.alerting.rules.read import Group
from llm_research_lab.alerting.rules.state import (
    INACTIVE,
    STATES,
    Alert,
    Timing,
    alerts_series,
    for_state_series,
    state_columns,
)
from llm_research_lab.alerting.rules.written import Written
from llm_research_lab.promql import (
    Block,
    Columns,
    ExpressionError,
    Grid,
    Need,
    Options,
    ScalarValue,
    evaluate,
    needs,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of

Fetch = Callable[[Need], Sequence[Columns]]
DEFAULT_INTERVAL_MS = 60_000


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule failed at a tick: nothing was written, its states stand."""

    rule: str
    at_ms: Instant
    why: str


@dataclass(slots=True)
class Past:
    """What the rules wrote, and what to carry into the next piece of the range."""

    written: Written = field(default_factory=Written)
    alerts: dict[tuple[int, int], dict[Labels, Alert]] = field(default_factory=dict)
    seen: dict[tuple[int, int], frozenset[Labels]] = field(default_factory=dict)
    """The series that a rule wrote at its last good tick: what vanishes from them turns stale."""
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is evaluated: groups over samples, under options. `stepped` forces tick by tick."""

    groups: tuple[Group, ...]
    fetch: Fetch
    options: Options = field(default_factory=Options)
    default_interval_ms: int = DEFAULT_INTERVAL_MS
    stepped: bool = False


def evaluate_past(asked: Asked, from_ms: Instant, to_ms: Instant, past: Past | None = None) -> Past:
    """Evaluate all groups at their ticks in the range, `from_ms` and `to_ms` included.

    Ticks are multiples of the interval since 1970, so a cut range has the ticks of the whole one;
    hand the answer of one piece to the next.
    """
    past = Past() if past is None else past
    ordered = circles(asked.groups)
    if asked.stepped:
        nodes = tuple(node for circle in ordered for node in circle.nodes)
        ordered = (Circle(nodes, stepped=True),)
    for circle in ordered:
        grids = [_grid(asked, node, from_ms, to_ms) for node in circle.nodes]
        if circle.stepped:
            _step(asked, circle, grids, past)
        elif grids[0] is not None:
            _run(asked, circle.nodes[0], grids[0], past)
    return past


def _grid(asked: Asked, node: Node, from_ms: Instant, to_ms: Instant) -> Grid | None:
    step = asked.groups[node.group].interval_ms or asked.default_interval_ms
    first, last = -(-from_ms // step) * step, to_ms // step * step
    return Grid(first, last, step) if first <= last else None


def _step(asked: Asked, circle: Circle, grids: Sequence[Grid | None], past: Past) -> None:
    """Take all ticks in the order of time; at equal times in the circle's order."""
    ticks = [
        (int(time), order)
        for order, grid in enumerate(grids)
        if grid is not None
        for time in grid.times
    ]
    for time, order in sorted(ticks):
        _run(asked, circle.nodes[order], Grid(time, time, 0), past)


def _run(asked: Asked, node: Node, grid: Grid, past: Past) -> None:
    """Evaluate a rule on a grid and write; a grid on which it fails is taken tick by tick."""
    offset = asked.groups[node.group].query_offset_ms or 0
    try:
        block = _answer(asked, node, _moved(grid, -offset), past)
        rows = _relabelled(node, asked.groups[node.group], block)
    except ExpressionError as error:
        if grid.count > 1:
            for time in grid.times.tolist():
                _run(asked, node, Grid(time, time, 0), past)
        else:
            past.failures.append(Failure(node.rule.name, grid.start_ms, error.got))
        return
    if node.rule.kind == "alert":
        rows = _alerting(node, rows, grid, past)
    _write(node, rows, grid.times - offset, past)


def _moved(grid: Grid, by_ms: int) -> Grid:
    return Grid(grid.start_ms + by_ms, grid.end_ms + by_ms, grid.step_ms)


def _answer(asked: Asked, node: Node, grid: Grid, past: Past) -> Block:
    expr = node.rule.expr
    fetched = {
        need: [*asked.fetch(need), *past.written.select(need)]
        for need in needs(expr, grid, asked.options)
    }
    value = evaluate(expr, grid, fetched, asked.options).value
    if isinstance(value, ScalarValue):
        return Block(((),), value.values[None, :], np.ones((1, grid.count), np.bool_))
    if not isinstance(value, Block):
        raise ExpressionError("rule", "a vector or a scalar", "rule result is neither", "mend it")
    return value


Rows = dict[Labels, tuple[Any, Any]]
"""Values and presence of each series, [T] each."""


def _relabelled(node: Node, group: Group, block: Block) -> Rows:
    """Give the rule's labels to the rows. Raises where two rows then stand at one tick."""
    named = "alertname" if node.rule.kind == "alert" else METRIC_NAME
    extra = {**dict(group.labels), **dict(node.rule.labels), named: node.rule.name}
    rows: Rows = {}
    for row, labels in enumerate(block.labels):
        pairs = {name: value for name, value in labels if name != METRIC_NAME}
        key = labels_of({**pairs, **extra})
        values, present = block.values[row], block.present[row]
        if key in rows:
            before, there = rows[key]
            if (there & present).any():
                got = "vector contains metrics with the same labelset after applying rule labels"
                raise ExpressionError("rule", "series that differ", got, "keep a label")
            values, present = np.where(present, values, before), there | present
        rows[key] = (values, present)
    over = sum((present.astype(np.int64) for _, present in rows.values()), np.zeros(1, np.int64))
    if group.limit > 0 and node.rule.kind == "record" and (over > group.limit).any():
        got = f"exceeded limit of {group.limit} with {int(over.max())} series"
        raise ExpressionError("rule", "fewer series", got, "raise the group's limit")
    return rows


def _alerting(node: Node, rows: Rows, grid: Grid, past: Past) -> Rows:
    """Step the alerts, and give the series that say so."""
    place = (node.group, node.index)
    before = past.alerts.get(place, {})
    labels = sorted({*before, *rows})
    nothing = np.zeros(grid.count, np.bool_)
    present = np.array([rows[one][1] if one in rows else nothing for one in labels], np.bool_)
    timing = Timing(node.rule.for_ms, node.rule.keep_firing_for_ms)
    present = present.reshape(len(labels), grid.count)
    columns = state_columns(present, grid.times, timing, [before.get(one) for one in labels])
    pairs = zip(labels, columns.after, strict=True)
    past.alerts[place] = {one: alert for one, alert in pairs if alert is not None}
    found: Rows = {}
    for row, one in enumerate(labels):
        states = columns.states[row]
        for number, state in enumerate(STATES):
            if number != INACTIVE and (states == number).any():
                found[alerts_series(one, state)] = (np.ones(grid.count), states == number)
        if (states != INACTIVE).any():
            seconds = (columns.active_at_ms[row] // 1000).astype(np.float64)
            found[for_state_series(one)] = (seconds, states != INACTIVE)
    return found


def _write(node: Node, rows: Rows, times: Any, past: Past) -> None:
    """Append the samples, and a stale marker at the first tick at which a series is gone."""
    place = (node.group, node.index)
    seen = past.seen.get(place, frozenset())
    last = set()
    for labels in sorted({*rows, *seen}):
        values, present = rows.get(labels, (np.zeros(len(times)), np.zeros(len(times), np.bool_)))
        there = labels in seen
        for time, value, now in zip(times.tolist(), values.tolist(), present.tolist(), strict=True):
            if now or there:
                past.written.append(labels, time, value if now else float("nan"), stale=not now)
            there = now
        if there:
            last.add(labels)
    past.seen[place] = frozenset(last)
