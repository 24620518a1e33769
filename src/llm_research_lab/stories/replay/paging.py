"""Notifications to pagers become pages; a page goes through its policy, to people who answer.

A pager takes notifications of one group as one page: the first opens it, later ones tell nobody
anew, and one without a firing alert closes it. Source: PagerDuty, Events API v2 (`dedup_key`),
which Alertmanager sets from the group's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from llm_research_lab.alerting.notifying import Notification, Told
from llm_research_lab.oncall import Acknowledged as Taken
from llm_research_lab.oncall import (
    AckTimedOut,
    Escalation,
    Exhausted,
    Notify,
    OnCall,
    Page,
    Policy,
    Roster,
    Severity,
    Skipped,
    TimerDue,
    on_call,
    start,
    step,
    terms_of,
)
from llm_research_lab.stories.replay.records import (
    Acknowledged,
    Again,
    Closed,
    Ended,
    NotReached,
    Opened,
    Record,
    Unpaged,
    Woken,
)
from llm_research_lab.stories.replay.responding import Responders
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import label

PAGERS = frozenset({"incidentio", "opsgenie", "pagerduty", "pushover", "victorops"})
"""Kinds of integrations that ring; all others are read when somebody looks."""

Key = tuple[str, str, str]
"""A receiver, its integration, and the group's key."""

Event = TimerDue | Taken | AckTimedOut


def replay(
    told: Iterable[Told],
    roster: Roster,
    responders: Responders,
    to_ms: Instant,
    pagers: frozenset[str] = PAGERS,
) -> Iterator[Record]:
    """Give the records in the order of time, up to `to_ms` included.

    `told` comes in the order of time. At one instant what is due goes before what comes in.
    """
    desk = _Desk(roster, responders, on_call(roster), pagers)
    for one in told:
        if isinstance(one, Notification) and desk.rings(one):
            yield from desk.advance(one.at_ms)
            yield from desk.take(one)
    yield from desk.advance(to_ms)


@dataclass(slots=True)
class _Open:
    """A page that is not closed."""

    id: str
    escalation: Escalation
    notification: Notification


@dataclass(slots=True)
class _Desk:
    """The pager: its open pages, and what is due when."""

    roster: Roster
    responders: Responders
    who: OnCall
    pagers: frozenset[str]
    open: dict[Key, _Open] = field(default_factory=dict)
    due: list[tuple[Instant, int, Key, str, Event]] = field(default_factory=list)
    pages: int = 0
    order: int = 0

    def rings(self, notification: Notification) -> bool:
        """Whether the integration is a pager."""
        return notification.integration.partition("[")[0] in self.pagers

    def take(self, notification: Notification) -> Iterator[Record]:
        """Take what an Alertmanager sends."""
        key = (notification.receiver, notification.integration, notification.group_key)
        page = self.open.get(key)
        if notification.status == "resolved":
            if page is not None:
                del self.open[key]
                yield Closed(notification.at_ms, page.id, notification)
        elif page is not None:
            page.notification = notification
            yield Again(notification.at_ms, page.id, notification)
        else:
            yield from self._begin(key, notification)

    def _begin(self, key: Key, notification: Notification) -> Iterator[Record]:
        at_ms, found = notification.at_ms, self._terms(notification)
        if found is None:
            yield Unpaged(at_ms, _severities(notification)[0], notification)
            return
        policy, terms = found
        self.pages += 1
        page = Page(f"page-{self.pages}", terms.severity, _title(notification))
        yield Opened(at_ms, page.id, terms.severity, policy.name, notification)
        escalation, effects = start(policy, page, at_ms, self.who, terms)
        self.open[key] = one = _Open(page.id, escalation, notification)
        yield from self._done(key, one, at_ms, effects)

    def _terms(self, notification: Notification) -> tuple[Policy, Severity] | None:
        """Give the terms of the gravest severity that has any."""
        found = (terms_of(self.roster, one) for one in _severities(notification))
        return next((one for one in found if one is not None), None)

    def advance(self, to_ms: Instant) -> Iterator[Record]:
        """Let happen what is due until an instant."""
        while self.due and self.due[0][0] <= to_ms:
            at_ms, _, key, page_id, event = heappop(self.due)
            page = self.open.get(key)
            if page is None or page.id != page_id:
                continue
            if isinstance(event, Taken):
                if page.escalation.acknowledged_by is not None:
                    continue
                after_ms = at_ms - page.escalation.started_ms
                yield Acknowledged(at_ms, page.id, event.user, after_ms)
            page.escalation, effects = step(page.escalation, event, at_ms, self.who)
            yield from self._done(key, page, at_ms, effects)

    def _done(
        self, key: Key, page: _Open, at_ms: Instant, effects: Iterable[object]
    ) -> Iterator[Record]:
        """Carry effects out: who is told answers in time, or does not."""
        told: set[str] = set()
        for effect in effects:
            if isinstance(effect, Notify):
                yield self._woken(page, at_ms, effect)
                if effect.user not in told:
                    told.add(effect.user)
                    self._answer(key, page, at_ms, effect.user)
            elif isinstance(effect, Skipped):
                yield NotReached(at_ms, page.id, effect)
            elif isinstance(effect, Exhausted):
                yield Ended(at_ms, page.id, effect)
        next_ms = page.escalation.next_at_ms
        if next_ms is not None:
            self._plan(next_ms, key, page.id, TimerDue())

    def _woken(self, page: _Open, at_ms: Instant, effect: Notify) -> Woken:
        person = self.roster.person(effect.user, at_ms)
        name, zone = (effect.user, "UTC") if person is None else (person.name, person.time_zone)
        return Woken(
            at_ms,
            page.id,
            effect.user,
            name,
            zone,
            effect.way.type,
            effect.level,
            effect.page.severity,
            effect.reason,
            page.notification,
        )

    def _answer(self, key: Key, page: _Open, at_ms: Instant, user: str) -> None:
        person = self.roster.person(user, at_ms)
        zone = "UTC" if person is None else person.time_zone
        delay = self.responders.delay_ms(user, zone, page.id, at_ms)
        if delay is not None:
            self._plan(at_ms + delay, key, page.id, Taken(user))

    def _plan(self, at_ms: Instant, key: Key, page_id: str, event: Event) -> None:
        self.order += 1
        heappush(self.due, (at_ms, self.order, key, page_id, event))


def _severities(notification: Notification) -> list[str]:
    """The severities of what fires, the gravest first: P1 before P2, nothing last."""
    found = {label(alert.labels, "severity") for alert in notification.firing}
    return sorted(found, key=lambda one: (not one, one))


def _title(notification: Notification) -> str:
    names = sorted({alert.name for alert in notification.firing})
    return ", ".join(names)
