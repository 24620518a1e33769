"""Alerts come in, are merged with what is known of them, and go to the groups of their routes.

This is all that an Alertmanager holds in memory, stepped by events at given instants: the same
events give the same effects, live or in a replay. What happens at one instant happens in this
order: a reload, then arrivals, then flushes. So a source that is sent together with its target
inhibits it, also after a restart.
Source: Alertmanager, provider/mem/mem.go; dispatch/dispatch.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from llm_research_lab.alerting.notifying.configuration import Configuration, Route
from llm_research_lab.alerting.notifying.effects import Effect, Logged, Notification, Withheld
from llm_research_lab.alerting.notifying.group import (
    Arrived,
    Event,
    Flush,
    Group,
    View,
    opened,
    step,
    woken,
)
from llm_research_lab.alerting.notifying.inhibiting import Bond, Inhibitor
from llm_research_lab.alerting.notifying.intervals import Spans
from llm_research_lab.alerting.notifying.log import Entry, LogKey
from llm_research_lab.alerting.notifying.reasons import Invalid
from llm_research_lab.alerting.notifying.routing import Routing
from llm_research_lab.alerting.notifying.semantics import V0_25, Semantics
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Alert, Silence, merged, overlap, received
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

GroupId = tuple[str, Labels]
"""A route's id and the labels of the group."""

Told = Notification | Withheld


@dataclass(slots=True, eq=False)
class Dispatcher:
    """Groups, known alerts, inhibition and the log; `now_ms` never falls.

    `alerts` are those sent so far, in their last state; `log` outlives reloads and restarts.
    """

    configuration: Configuration
    now_ms: Instant
    silences: Silences = field(default_factory=Silences)
    semantics: Semantics = V0_25
    log: dict[LogKey, Entry] = field(default_factory=dict)
    alerts: dict[Labels, Alert] = field(default_factory=dict)
    groups: dict[GroupId, Group] = field(default_factory=dict)
    _routing: Routing = field(init=False)
    _inhibitor: Inhibitor = field(init=False)
    _views: dict[str, View] = field(init=False)
    _bound: dict[Bond, dict[GroupId, None]] = field(init=False)
    _timers: list[tuple[Instant, int, GroupId]] = field(default_factory=list)
    _planned: dict[GroupId, Instant] = field(default_factory=dict)
    _emptied: dict[GroupId, Instant] = field(default_factory=dict)
    _logged: list[Logged] = field(default_factory=list)
    _count: int = 0
    _collect_ms: Instant = field(init=False)
    _started_ms: Instant = field(init=False)
    _dispatching_since_ms: Instant = field(init=False)

    def __post_init__(self) -> None:
        """Start at the instant."""
        self._started_ms = self.now_ms
        self._collect_ms = self.now_ms + self.semantics.alerts_gc_ms
        self._begin(self.configuration)

    def reload(
        self, configuration: Configuration, at_ms: Instant, *, restart: bool = False
    ) -> list[Told]:
        """Take another configuration: all groups begin anew, with the alerts that are known.

        A restart forgets the alerts too; the log and the silences stay.
        """
        told = self.advance(at_ms - 1)
        self.now_ms = at_ms
        known = [] if restart else [one for one in self.alerts.values() if self._is_kept(one)]
        if restart:
            self._started_ms = at_ms
        self.alerts = {alert.labels: alert for alert in known}
        self._begin(configuration)
        for alert in known:
            told += self._dispatched(alert)
        return told

    def silence(self, silences: Iterable[Silence], at_ms: Instant) -> list[Told]:
        """Let these silences stand from now on, in place of those before."""
        told = self.advance(at_ms - 1)
        self.now_ms = at_ms
        self.silences = Silences.of(silences)
        self._views = {}
        for group_id in list(self.groups):
            self._wake(group_id)
        return told

    def arrive(self, alerts: Iterable[Alert], at_ms: Instant) -> list[Told]:
        """Take alerts in, as they were sent; flushes that were due before come first."""
        told = self.advance(at_ms - 1)
        self.now_ms = at_ms
        if at_ms >= self._collect_ms:
            self._collect()
        for sent in alerts:
            alert = received(sent, at_ms, self.configuration.resolve_timeout_ms)
            wrong = _wrong(alert)
            if wrong is not None:
                told.append(Withheld(at_ms, "", None, "", "", (alert.labels,), Invalid(wrong)))
                continue
            told += self._dispatched(self._merged(alert))
        return told

    def advance(self, to_ms: Instant) -> list[Told]:
        """Flush all groups that are due up to the instant, it included."""
        told: list[Told] = []
        while self._timers and self._timers[0][0] <= to_ms:
            at_ms, _, group_id = heappop(self._timers)
            if self._planned.get(group_id) != at_ms:
                continue
            if at_ms > self.now_ms:
                self._write()
                self.now_ms = at_ms
            told += self._stepped(group_id, Flush())
        self._write()
        self.now_ms = max(self.now_ms, to_ms)
        return told

    def next_ms(self) -> Instant | None:
        """When the next flush is due; None while no group has alerts."""
        while self._timers and self._planned.get(self._timers[0][2]) != self._timers[0][0]:
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _begin(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._dispatching_since_ms = self.now_ms
        self._routing = Routing(configuration.route)
        self._inhibitor = Inhibitor(configuration.inhibit_rules)
        self._views, self._bound = {}, {}
        self.groups, self._timers, self._planned, self._emptied = {}, [], {}, {}

    def _merged(self, alert: Alert) -> Alert:
        old = self.alerts.get(alert.labels)
        if old is not None and self._is_kept(old) and overlap(old, alert):
            alert = merged(old, alert, self.now_ms)
        self.alerts[alert.labels] = alert
        return alert

    def _is_kept(self, alert: Alert) -> bool:
        """Whether the alert has not been resolved at a collection of garbage since it came."""
        every = self.semantics.alerts_gc_ms
        last_ms = self.now_ms - (self.now_ms - self._started_ms) % every
        if last_ms <= self._started_ms or alert.updated_ms > last_ms:
            return True
        return not alert.resolved(last_ms)

    def _dispatched(self, alert: Alert) -> list[Told]:
        for bond in self._inhibitor.put(alert, self.now_ms):
            for group_id in self._bound.get(bond, ()):
                self._wake(group_id)
        told: list[Told] = []
        for route, labels in self._routing.of(alert.labels):
            group_id = self._group(route, labels)
            if alert.labels not in self.groups[group_id].alerts:
                for bond in self._inhibitor.targets(alert.labels):
                    self._bound.setdefault(bond, {})[group_id] = None
            told += self._stepped(group_id, Arrived(alert))
        return told

    def _collect(self) -> None:
        """Forget what no decision can rest on any more: an Alertmanager runs for years."""
        self._collect_ms = self.now_ms + self.semantics.alerts_gc_ms
        self.alerts = {labels: one for labels, one in self.alerts.items() if self._is_kept(one)}
        for group_id, emptied_ms in list(self._emptied.items()):
            if self._is_gone(emptied_ms):
                del self.groups[group_id], self._emptied[group_id]
        for bond, bound in list(self._bound.items()):
            self._bound[bond] = {one: None for one in bound if one in self.groups}
        retention_ms = self.semantics.retention_ms
        for key in [
            key for key, one in self.log.items() if not one.known(self.now_ms, retention_ms)
        ]:
            del self.log[key]

    def _group(self, route: Route, labels: Labels) -> GroupId:
        """Find the group, or open it; one that maintenance found empty is no more."""
        group_id = route.id, labels
        emptied_ms = self._emptied.pop(group_id, None)
        if group_id not in self.groups or (emptied_ms is not None and self._is_gone(emptied_ms)):
            self.groups[group_id] = opened(route, labels, self.now_ms)
        return group_id

    def _is_gone(self, emptied_ms: Instant) -> bool:
        if not self.semantics.empty_groups_stay:
            return True
        # Maintenance comes after all else at its instant, the first when once `every` has passed.
        every, since_ms = self.semantics.maintenance_ms, self._dispatching_since_ms + 1
        return (self.now_ms - since_ms) // every > max(0, emptied_ms - since_ms) // every

    def _wake(self, group_id: GroupId) -> None:
        group = self.groups[group_id]
        if group.alerts:
            self.groups[group_id] = woken(group, self.now_ms)
            self._plan(group_id)

    def _stepped(self, group_id: GroupId, event: Event) -> list[Told]:
        group = self.groups[group_id]
        after, effects = step(group, event, self.now_ms, self._view(group.route))
        self.groups[group_id] = after
        self._plan(group_id)
        return self._taken(effects)

    def _taken(self, effects: Iterable[Effect]) -> list[Told]:
        told: list[Told] = []
        for effect in effects:
            if isinstance(effect, Logged):
                self._logged.append(effect)
            else:
                told.append(effect)
        return told

    def _write(self) -> None:
        """Write the log: groups that share an entry do not see it at the instant that makes it."""
        if self._logged:
            self.log.update((one.key, one.entry) for one in self._logged)
            self._logged.clear()

    def _plan(self, group_id: GroupId) -> None:
        """Set the group's timer; a group without alerts has none."""
        group = self.groups[group_id]
        if not group.alerts:
            self._planned.pop(group_id, None)
            self._emptied[group_id] = self.now_ms
            return
        delayed_ms = self._dispatching_since_ms + self.semantics.start_delay_ms
        at_ms = max(group.next_ms, delayed_ms)
        if self._planned.get(group_id) != at_ms:
            self._planned[group_id] = at_ms
            self._count += 1
            heappush(self._timers, (at_ms, self._count, group_id))

    def _view(self, route: Route) -> View:
        view = self._views.get(route.id)
        if view is None:
            intervals = self.configuration.time_intervals
            active, mute = route.active_time_intervals, route.mute_time_intervals
            view = self._views[route.id] = View(
                self.configuration.receivers[route.receiver],
                self._inhibitor,
                self.silences,
                Spans(intervals, active) if active else None,
                Spans(intervals, mute) if mute else None,
                self.log,
                self.semantics,
            )
        return view


def _wrong(alert: Alert) -> str | None:
    """Why an alert is not taken. Source: types/types.go, Validate."""
    if not alert.labels:
        return "at least one label pair required"
    if alert.ends_ms is not None and alert.ends_ms < alert.starts_ms:
        return "start time must be before end time"
    return None
