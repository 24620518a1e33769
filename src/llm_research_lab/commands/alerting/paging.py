"""Pages, live: a notification to a pager opens one, and its policy says who would be told, when.

Nobody answers yet, so every page goes through its whole policy. Each step is written with its
instant; after a restart a page is taken through the same steps again, and stands where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_research_lab.alerting.notifying import Alert, Notification
from llm_research_lab.oncall import (
    Effect,
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
from llm_research_lab.storage.relational.decisions import About, Decision
from llm_research_lab.stories.replay import PAGERS
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import label

Key = tuple[str, str, str]
"""A receiver, its integration, and the group's key: what a pager takes for one page."""

STEPS = frozenset({"woken", "not_reached", "waiting", "ended"})
"""Kinds that an escalation's step leaves."""


@dataclass(slots=True)
class _Open:
    """A page that is not closed; `opened` is what it was opened with."""

    id: str
    opened: Decision
    escalation: Escalation


@dataclass(slots=True)
class Desk:
    """The pager: its open pages, and what is due when."""

    roster: Roster
    new_id: Callable[[str], str]
    since_ms: Instant
    """When this process began: what was due before comes late, and counts from when it came."""
    pagers: frozenset[str] = PAGERS
    open: dict[Key, _Open] = field(default_factory=dict)
    who: OnCall = field(init=False)

    def __post_init__(self) -> None:
        """Ask this roster."""
        self.who = on_call(self.roster)

    def take(self, one: Notification) -> list[Decision]:
        """Take what an Alertmanager would send; other integrations than pagers ring for nobody."""
        if one.integration.partition("[")[0] not in self.pagers:
            return []
        key = (one.receiver, one.integration, one.group_key)
        page = self.open.get(key)
        if page is None:
            return [] if one.status == "resolved" else self._begin(one)
        if one.status == "resolved":
            del self.open[key]
            return [
                _of(one, "closed", "AllResolved", ("all alerts of the page are over",), page.id)
            ]
        return [_of(one, "again", "Again", ("the page is open: nobody is told anew",), page.id)]

    def advance(self, to_ms: Instant) -> list[Decision]:
        """Let happen what is due until an instant, in the order of time."""
        found: list[Decision] = []
        while True:
            due = [(one.escalation.next_at_ms, key) for key, one in self.open.items()]
            ready = [(at_ms, key) for at_ms, key in due if at_ms is not None and at_ms <= to_ms]
            if not ready:
                return found
            at_ms, key = min(ready)
            found += self._step(self.open[key], max(at_ms, self.since_ms))

    def next_ms(self) -> Instant | None:
        """When the next page is due."""
        due = (one.escalation.next_at_ms for one in self.open.values())
        return min((at_ms for at_ms in due if at_ms is not None), default=None)

    def restore(self, decided: Iterable[Decision]) -> None:
        """Take up open pages by what was written of them, in its order."""
        by_page: dict[str, list[Decision]] = {}
        for one in decided:
            by_page.setdefault(str(one.page), []).append(one)
        for page_id, (opened, *later) in by_page.items():
            found = self._terms(opened.alerts)
            if found is None:  # the roster has no policy for it any more
                continue
            page, _ = self._started(page_id, opened, found)
            for at_ms in dict.fromkeys(one.at_ms for one in later if one.kind in STEPS):
                if at_ms > opened.at_ms:
                    self._step(page, at_ms)

    def _begin(self, one: Notification) -> list[Decision]:
        about = tuple(About(each.labels, each.starts_ms) for each in one.firing)
        found = self._terms(about)
        if found is None:
            severity = _severities(about)[0] or "without a severity"
            why = f"the roster has no escalation policy for {severity}"
            return [_of(one, "unpaged", "Unpaged", (why,), None)]
        policy, terms = found
        why = f"policy {policy.name}, for {terms.severity}"
        details = {"severity": terms.severity, "policy": policy.name}
        page_id = self.new_id("page")
        opened = _of(one, "opened", "Opened", (why,), page_id, details)
        page, effects = self._started(page_id, opened, found)
        return [opened, *_stepped(self.roster, page, one.at_ms, effects)]

    def _started(
        self, page_id: str, opened: Decision, found: tuple[Policy, Severity]
    ) -> tuple[_Open, tuple[Effect, ...]]:
        policy, terms = found
        title = ", ".join(sorted({label(each.labels, "alertname") for each in opened.alerts}))
        asked = Page(page_id, terms.severity, title)
        escalation, effects = start(policy, asked, opened.at_ms, self.who, terms)
        page = _Open(page_id, opened, escalation)
        self.open[opened.receiver, opened.integration or "", opened.group_key] = page
        return page, effects

    def _step(self, page: _Open, at_ms: Instant) -> list[Decision]:
        page.escalation, effects = step(page.escalation, TimerDue(), at_ms, self.who)
        return _stepped(self.roster, page, at_ms, effects)

    def _terms(self, about: Sequence[About]) -> tuple[Policy, Severity] | None:
        """Give the terms of the gravest severity that has any."""
        found = (terms_of(self.roster, one) for one in _severities(about))
        return next((one for one in found if one is not None), None)


def _severities(about: Sequence[About]) -> list[str]:
    """The severities of what fires, the gravest first: P1 before P2, nothing last."""
    found = {label(one.labels, "severity") for one in about}
    return sorted(found, key=lambda one: (not one, one))


def _stepped(
    roster: Roster, page: _Open, at_ms: Instant, effects: Iterable[Effect]
) -> list[Decision]:
    return [_effect(roster, page, at_ms, one) for one in effects]


def _effect(roster: Roster, page: _Open, at_ms: Instant, effect: Effect) -> Decision:
    opened, details, kind = page.opened, dict[str, Any](), "waiting"
    if isinstance(effect, Notify):
        person = roster.person(effect.user, at_ms)
        name, zone = (effect.user, "UTC") if person is None else (person.name, person.time_zone)
        kind, details = "woken", {"user": effect.user, "name": name, "time_zone": zone}
        details |= {"way": effect.way.type, "level": effect.level, "severity": effect.page.severity}
    elif isinstance(effect, Skipped):
        kind, details = "not_reached", {"target": effect.target, "level": effect.level}
    elif isinstance(effect, Exhausted):
        kind = "ended"
    return Decision(
        at_ms,
        kind,
        opened.receiver,
        opened.integration,
        opened.route,
        opened.group_key,
        type(effect.reason).__name__,
        (str(effect.reason),),
        opened.alerts,
        page.id,
        details,
    )


def _of(  # noqa: PLR0917 - a decision's own fields
    one: Notification,
    kind: str,
    reason: str,
    why: tuple[str, ...],
    page: str | None,
    details: Mapping[str, Any] | None = None,
) -> Decision:
    return Decision(
        one.at_ms,
        kind,
        one.receiver,
        one.integration,
        one.route,
        one.group_key,
        reason,
        why,
        tuple(_about(each) for each in one.alerts if kind == "closed" or each.ends_ms is None),
        page,
        details or {},
    )


def _about(alert: Alert) -> About:
    return About(alert.labels, alert.starts_ms, alert.ends_ms)
