"""What a rule gave over a grid: found first, then written, and carried into what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.alerting.rules.graph import Node
from llm_research_lab.alerting.rules.labelling import Row, Rows, Told
from llm_research_lab.alerting.rules.running import Past, Read, Run, check_limit
from llm_research_lab.alerting.rules.spans import RulePlace
from llm_research_lab.alerting.rules.state import (
    INACTIVE,
    STATES,
    StateColumns,
    Timing,
    alerts_series,
    for_state_series,
    state_columns,
)
from llm_research_lab.promql import Flags, Floats, Grid, Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, labels_of


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
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


def outcome_of(run: Run, node: Node, grid: Grid, read: Read | None = None) -> Outcome:
    """Evaluate a rule. Raises ExpressionError, QueryLimitError, LimitError."""
    rows = run.rows(node, grid, read)
    if node.rule.kind == "record":
        return Outcome(node, grid, rows)
    return _alerting(run, node, grid, rows)


def _alerting(run: Run, node: Node, grid: Grid, rows: Rows) -> Outcome:
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
    check_limit(group, int(active.max(initial=0)), "alerts")
    told = dict(run.past.told.get(place, {}))
    told.update((one, row.told) for one, row in rows.items() if row.told is not None)
    static = {**dict(group.labels), **dict(node.rule.labels)}
    return Outcome(node, grid, _state_rows(static, labels, columns), labels, columns, told)


def _state_rows(static: dict[str, str], labels: list[Labels], columns: StateColumns) -> Rows:
    found: Rows = {}
    for row, one in enumerate(labels):
        # A label that expands to nothing stands there unexpanded. Source: alerting.go, `sample`.
        named, states = labels_of({**static, **dict(one)}), columns.states[row]
        for number, state in enumerate(STATES):
            if number != INACTIVE and (states == number).any():
                _add(found, alerts_series(named, state), np.ones(len(states)), states == number)
        if (states != INACTIVE).any():
            seconds = (columns.active_at_ms[row] // 1000).astype(np.float64)
            _add(found, for_state_series(named), seconds, states != INACTIVE)
    return found


def _add(found: Rows, labels: Labels, values: Floats, present: Flags) -> None:
    """Add an alert's series; what two alerts say in one series stands where either does.

    Alerts that differ in a label ``alertstate`` alone do: those of a rule that reads ``ALERTS``.
    """
    before = found.get(labels)
    if before is not None:
        values, present = np.where(present, values, before.values), present | before.present
    found[labels] = Row(values, present)


def write(run: Run, outcomes: Sequence[Outcome]) -> bool:
    """Write what rules gave over a range, unless two of them write one series."""
    known: set[Labels] = set()
    for outcome in outcomes:
        mine = outcome.rows.keys() | run.past.seen.get(outcome.place, frozenset())
        start = outcome.grid.start_ms - run.offset(outcome.node)
        if not known.isdisjoint(mine) or any(run.past.written.reaches(one, start) for one in mine):
            return False
        known |= mine
    for outcome in outcomes:
        _extend(outcome, outcome.grid.times - run.offset(outcome.node), run.past)
        carry(outcome, run.past)
    return True


def carry(outcome: Outcome, past: Past) -> None:
    """Keep the states of a rule's alerts for the next piece."""
    if outcome.columns is None:
        return
    place = outcome.place
    pairs = zip(outcome.labels, outcome.columns.after, strict=True)
    after = {one: alert for one, alert in pairs if alert is not None}
    past.alerts[place] = after
    past.told[place] = {one: told for one, told in outcome.told.items() if one in after}
    past.spans.take(place, outcome.labels, outcome.columns, outcome.grid.times)


def append(outcome: Outcome, time_ms: Instant, past: Past) -> str | None:
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


def _extend(outcome: Outcome, times: Times, past: Past) -> None:
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
