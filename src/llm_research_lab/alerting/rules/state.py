"""An alert is inactive, pending or firing; one step decides from what the expression answered.

A changed ``for`` acts at the next step: pending counts from when the alert became active, under the
duration that now stands; an alert that fires keeps firing, however long the new duration is.

Source: Prometheus, rules/alerting.go, AlertingRule.Eval.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql import Flags, Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of

State = Literal["inactive", "pending", "firing"]

STATES: tuple[State, ...] = ("inactive", "pending", "firing")
"""A state's number in a state column is its index here."""

INACTIVE, PENDING, FIRING = range(3)

RESOLVED_RETENTION_MS = 15 * 60_000
"""How long a resolved alert is remembered. Source: rules/alerting.go, resolvedRetention."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A rule's ``for`` and ``keep_firing_for``."""

    for_ms: int = 0
    keep_firing_for_ms: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a rule; `state` inactive: resolved, and not yet forgotten."""

    state: State
    active_at_ms: Instant
    fired_at_ms: Instant | None = None
    resolved_at_ms: Instant | None = None
    keep_firing_since_ms: Instant | None = None


def step(alert: Alert | None, timing: Timing, now_ms: Instant, *, present: bool) -> Alert | None:
    """Give the alert after an evaluation; None is unknown or forgotten."""
    if present:
        if alert is None or alert.state == "inactive":
            alert = Alert("pending", now_ms)
        return _risen(replace(alert, keep_firing_since_ms=None), timing, now_ms)
    if alert is None or alert.state == "pending":
        return None
    return _absent(alert, timing, now_ms)


def _risen(alert: Alert, timing: Timing, now_ms: Instant) -> Alert:
    if alert.state == "pending" and now_ms - alert.active_at_ms >= timing.for_ms:
        return replace(alert, state="firing", fired_at_ms=now_ms)
    return alert


def _absent(alert: Alert, timing: Timing, now_ms: Instant) -> Alert | None:
    if alert.state == "inactive":
        resolved = now_ms if alert.resolved_at_ms is None else alert.resolved_at_ms
        return None if now_ms - resolved > RESOLVED_RETENTION_MS else alert
    if timing.keep_firing_for_ms > 0:
        since = alert.keep_firing_since_ms
        since = now_ms if since is None else since
        alert = replace(alert, keep_firing_since_ms=since)
        if now_ms - since < timing.keep_firing_for_ms:
            return alert
    return replace(alert, state="inactive", resolved_at_ms=now_ms)


@dataclass(frozen=True, slots=True, eq=False)
class StateColumns:
    """States over a grid, a row an alert.

    Shapes: `states` int8 [S, T], indices of `STATES`; `active_at_ms` int64 [S, T], 0 where
    inactive; `after` S alerts, to carry into the next piece of the range.
    """

    states: NDArray[np.int8]
    active_at_ms: Times
    after: tuple[Alert | None, ...]


def state_columns(
    present: Flags, times: Times, timing: Timing, before: Sequence[Alert | None]
) -> StateColumns:
    """Step every alert through all instants: as `step` would, one instant after the other."""
    states = np.zeros(present.shape, np.int8)
    active = np.zeros(present.shape, np.int64)
    instants = times.tolist()
    after = tuple(
        _Turning(instants, timing, states[row], active[row]).run(present[row], alert)
        for row, alert in enumerate(before)
    )
    return StateColumns(states, active, after)


@dataclass(slots=True)
class _Turning:
    """One alert on its way through a grid: as `step` would, but once a run of equal presence."""

    times: list[Instant]
    timing: Timing
    states: NDArray[np.int8]
    active: Times
    state: int | None = None
    since: Instant = 0
    fired: Instant | None = None
    resolved: Instant | None = None
    kept: Instant | None = None

    def run(self, present: Flags, alert: Alert | None) -> Alert | None:
        """Fill the columns; give what the alert is in the end."""
        if not len(present) or (alert is None and not present.any()):
            return alert
        if alert is not None:
            self.state, self.since = STATES.index(alert.state), alert.active_at_ms
            self.fired, self.resolved = alert.fired_at_ms, alert.resolved_at_ms
            self.kept = alert.keep_firing_since_ms
        edges = [0, *(np.flatnonzero(np.diff(present)) + 1).tolist(), len(self.times)]
        there = bool(present[0])
        for start, end in pairwise(edges):
            if there:
                self._risen(start, end)
            elif self.state is not None:
                self._absent(start, end)
            there = not there
        if self.state is None:
            return None
        return Alert(STATES[self.state], self.since, self.fired, self.resolved, self.kept)

    def _risen(self, start: int, end: int) -> None:
        self.kept = None
        if self.state is None or self.state == INACTIVE:
            self.state, self.since = PENDING, self.times[start]
            self.fired = self.resolved = None
        if self.state == PENDING:
            due = bisect_left(self.times, self.since + self.timing.for_ms, start, end)
            self._fill(PENDING, start, due)
            if due == end:
                return
            self.state, self.fired, start = FIRING, self.times[due], due
        self._fill(FIRING, start, end)

    def _absent(self, start: int, end: int) -> None:
        if self.state == PENDING:
            self.state = None
            return
        if self.state == FIRING:
            due = start
            if self.timing.keep_firing_for_ms > 0:
                self.kept = self.times[start] if self.kept is None else self.kept
                until = self.kept + self.timing.keep_firing_for_ms
                due = bisect_left(self.times, until, start, end)
                self._fill(FIRING, start, due)
                if due == end:
                    return
            self.state, self.resolved = INACTIVE, self.times[due]
        if (
            self.resolved is not None
            and self.times[end - 1] - self.resolved > RESOLVED_RETENTION_MS
        ):
            self.state = None

    def _fill(self, state: int, start: int, end: int) -> None:
        self.states[start:end] = state
        self.active[start:end] = self.since


def alerts_series(labels: Labels, state: State) -> Labels:
    """Name the ``ALERTS`` series of an alert in a state; its value is 1."""
    return labels_of([*labels, (METRIC_NAME, "ALERTS"), ("alertstate", state)])


def for_state_series(labels: Labels) -> Labels:
    """Name the ``ALERTS_FOR_STATE`` series; its value: active since, in seconds."""
    return labels_of([*labels, (METRIC_NAME, "ALERTS_FOR_STATE")])
