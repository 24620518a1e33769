"""A group of alerts is told of together; one step decides what an event means for it.

A new group waits for group_wait, so that what belongs together is told together, unless its first
alert is older than that. After each flush the next is a group_interval on. Everything is judged at
the flush, in this order: inhibition, active and mute time intervals, silences, the log. What has
resolved leaves the group at the flush, told of or not.

A flush that cannot decide otherwise than the last is left out: `next_ms` is the first of the
group's ticks at which something may have changed by time alone.
Source: Alertmanager, dispatch/dispatch.go, aggrGroup; notify/notify.go, PipelineBuilder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from llm_research_lab.alerting.notifying.configuration import Integration, Receiver, Route
from llm_research_lab.alerting.notifying.effects import Effect, Logged, Notification, Withheld
from llm_research_lab.alerting.notifying.inhibiting import Inhibitor
from llm_research_lab.alerting.notifying.intervals import Spans
from llm_research_lab.alerting.notifying.log import Entry, LogKey, needs_update
from llm_research_lab.alerting.notifying.reasons import (
    Because,
    Muted,
    MutedBy,
    NeverTold,
    NoIntegration,
    NonEffect,
    OutsideActive,
    ResolvedNotSent,
    TooSoon,
    Waiting,
)
from llm_research_lab.alerting.notifying.routing import group_key
from llm_research_lab.alerting.notifying.semantics import V0_25, Semantics
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Alert, matters, ordered
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

Said = Mapping[tuple[str | None, Labels], NonEffect]
"""By integration and alert: why it was not told of at the last flush."""


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts of one route that agree in the labels it groups by.

    `key` is its name in notifications, ``{}/{a="b"}:{alertname="x"}``.
    """

    route: Route
    labels: Labels
    key: str
    next_ms: Instant
    flushed: bool = False
    alerts: Mapping[Labels, Alert] = field(default_factory=dict)
    said: Said = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An alert of the group was sent, for the first time or again."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class Flush:
    """The group's timer has run out."""


Event = Arrived | Flush


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a group is judged by and does not hold itself; None: the route has no such intervals."""

    receiver: Receiver
    inhibitor: Inhibitor
    silences: Silences
    active: Spans | None
    mute: Spans | None
    log: Mapping[LogKey, Entry]
    semantics: Semantics = V0_25


def opened(route: Route, labels: Labels, now_ms: Instant) -> Group:
    """Give a new group, still without alerts."""
    return Group(route, labels, group_key(route, labels), now_ms + route.group_wait_ms)


def step(
    group: Group, event: Event, now_ms: Instant, view: View
) -> tuple[Group, tuple[Effect, ...]]:
    """Give the group after the event, and what the event leads to."""
    if isinstance(event, Arrived):
        return _inserted(group, event.alert, now_ms, view.semantics)
    return _Judging(group, now_ms, view).judged()


def woken(group: Group, now_ms: Instant) -> Group:
    """Let the group be judged at its next tick: something has changed that is not its own."""
    return replace(group, next_ms=_tick(group, now_ms))


def _tick(group: Group, now_ms: Instant) -> Instant:
    """The first of the group's ticks that is not before the instant."""
    if not group.flushed:
        return group.next_ms
    interval = group.route.group_interval_ms
    return group.next_ms - (group.next_ms - now_ms) // interval * interval


def _inserted(
    group: Group, alert: Alert, now_ms: Instant, semantics: Semantics
) -> tuple[Group, tuple[Effect, ...]]:
    old = group.alerts.get(alert.labels)
    next_ms = group.next_ms
    if matters(old, alert, now_ms):
        next_ms = _tick(group, now_ms)
    first = not group.flushed and (semantics.any_old_alert_flushes or not group.alerts)
    if first and alert.starts_ms + group.route.group_wait_ms < now_ms:
        next_ms = now_ms
    route, flushed = group.route, group.flushed
    alerts = {**group.alerts, alert.labels: alert}
    changed = Group(route, group.labels, group.key, next_ms, flushed, alerts, group.said)
    if old is not None:
        return changed, ()
    waiting = Waiting(next_ms, "group_interval" if flushed else "group_wait")
    return changed, (_withheld(group, now_ms, None, (alert.labels,), waiting),)


def _withheld(
    group: Group,
    now_ms: Instant,
    integration: str | None,
    alerts: tuple[Labels, ...],
    reason: NonEffect,
) -> Withheld:
    route = group.route
    return Withheld(now_ms, route.receiver, integration, route.id, group.key, alerts, reason)


def muted(labels: Labels, now_ms: Instant, view: View, route: Route) -> Muted | None:
    """The first reason for which an alert would not come through at the instant."""
    return (
        view.inhibitor.inhibited(labels, now_ms)
        or time_muted(route, now_ms, view)
        or view.silences.silenced(labels, now_ms)
    )


def time_muted(route: Route, now_ms: Instant, view: View) -> OutsideActive | MutedBy | None:
    """Whether the route's time intervals mute it."""
    if view.active is not None and view.active.at(now_ms) is None:
        return OutsideActive(route.active_time_intervals)
    found = view.mute.at(now_ms) if view.mute is not None else None
    return MutedBy(found) if found is not None else None


@dataclass(slots=True, eq=False)
class _Judging:
    """One flush: what is said, and what it leads to."""

    group: Group
    now_ms: Instant
    view: View
    said: dict[tuple[str | None, Labels], NonEffect] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    due: list[Instant] = field(default_factory=list)

    def judged(self) -> tuple[Group, tuple[Effect, ...]]:
        passed = self._unmuted()
        if passed:
            self._tell(passed)
        self._say()
        kept = {
            labels: alert
            for labels, alert in self.group.alerts.items()
            if not alert.resolved(self.now_ms)
        }
        next_ms = self._next(kept.values())
        said = {at: reason for at, reason in self.said.items() if at[1] in kept}
        after = replace(self.group, next_ms=next_ms, flushed=True, alerts=kept, said=said)
        return after, tuple(self.effects)

    def _unmuted(self) -> list[Alert]:
        """Give the alerts that nothing mutes."""
        passed = []
        for labels, alert in self.group.alerts.items():
            why = muted(labels, self.now_ms, self.view, self.group.route)
            if why is None:
                passed.append(alert)
            else:
                self.said[None, labels] = why
        return passed

    def _tell(self, alerts: list[Alert]) -> None:
        """Ask the log for each integration."""
        resolved = frozenset(one.labels for one in alerts if one.resolved(self.now_ms))
        firing = frozenset(one.labels for one in alerts) - resolved
        if not self.view.receiver.integrations:
            self._note(None, firing | resolved, NoIntegration(self.view.receiver.name))
        for integration in self.view.receiver.integrations:
            self._tell_one(integration, alerts, firing, resolved)

    def _tell_one(
        self,
        integration: Integration,
        alerts: list[Alert],
        firing: frozenset[Labels],
        resolved: frozenset[Labels],
    ) -> None:
        key = self.group.key, self.view.receiver.name, integration.kind, integration.index
        entry = self.view.log.get(key)
        if entry is not None and not entry.known(self.now_ms, self.view.semantics.retention_ms):
            entry = None
        repeat = self.group.route.repeat_interval_ms
        why = needs_update(
            entry,
            firing,
            resolved,
            self.now_ms,
            repeat_interval_ms=repeat,
            send_resolved=integration.send_resolved,
        )
        if not isinstance(why, TooSoon | NeverTold):
            entry = Entry(self.now_ms, firing, resolved)
            self.effects.append(Logged(key, entry))
            self._send(integration, alerts, why)
        else:
            self._note(integration.name, firing | resolved, why)
        if entry is not None and firing:
            self.due.append(entry.at_ms + min(repeat + 1, self.view.semantics.retention_ms))

    def _send(self, integration: Integration, alerts: list[Alert], because: Because) -> None:
        """Tell of what the integration wants to hear."""
        now_ms, group = self.now_ms, self.group
        over = [one for one in alerts if one.resolved(now_ms)]
        wanted = alerts
        if not integration.send_resolved:
            wanted = [one for one in alerts if not one.resolved(now_ms)]
            self._note(integration.name, (one.labels for one in over), ResolvedNotSent())
        if wanted:
            told = (one if one.resolved(now_ms) else replace(one, ends_ms=None) for one in wanted)
            self.effects.append(
                Notification(
                    now_ms,
                    group.route.receiver,
                    integration.name,
                    group.route.id,
                    group.key,
                    group.labels,
                    tuple(ordered(told)),
                    because,
                )
            )

    def _note(self, integration: str | None, alerts: Iterable[Labels], reason: NonEffect) -> None:
        for labels in alerts:
            self.said[integration, labels] = reason

    def _say(self) -> None:
        """Say of each reason that is new which alerts it keeps back."""
        news: dict[tuple[str | None, NonEffect], list[Labels]] = {}
        for (integration, labels), reason in self.said.items():
            if self.group.said.get((integration, labels)) != reason:
                news.setdefault((integration, reason), []).append(labels)
        for (integration, reason), alerts in news.items():
            told = tuple(sorted(alerts))
            self.effects.append(_withheld(self.group, self.now_ms, integration, told, reason))

    def _next(self, alerts: Iterable[Alert]) -> Instant:
        """The first tick at which time alone may have changed something."""
        interval = self.group.route.group_interval_ms
        view, now_ms = self.view, self.now_ms
        changes = [*self.due]
        for alert in alerts:
            edges = (
                alert.ends_ms,
                view.inhibitor.change_after(alert.labels, now_ms),
                view.silences.change_after(alert.labels, now_ms),
            )
            changes += [edge for edge in edges if edge is not None]
        changes += [spans.change_after(now_ms) for spans in (view.active, view.mute) if spans]
        away = min(changes, default=now_ms) - now_ms
        return now_ms + max(1, -(-away // interval)) * interval
