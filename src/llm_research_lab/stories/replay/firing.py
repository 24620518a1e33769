"""What fired by the rules is what an Alertmanager is sent.

Prometheus sends a firing alert again and again, each time with an end a little ahead; its real end
when it resolves, and that again for a quarter of an hour, or until it is active anew: so what has
resolved is told once more with what fires next in its group, and its end comes through when what
muted it is over. Here an alert that fires is sent once, with its real end: an Alertmanager that is
sent the same in between decides the same (a test holds it to that). Only where rules share an
alert, or an evaluation failed, is it sent as often as Prometheus sends it.
Source: Prometheus, rules/alerting.go, needsSending and sendAlerts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter

from llm_research_lab.alerting.notifying import Alert, Arrival, Fired, sendings
from llm_research_lab.alerting.notifying.sending import RESEND_DELAY_MS, RESOLVED_RETENTION_MS
from llm_research_lab.alerting.rules import Interval
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

INTERVAL_MS = 60_000
"""Of groups that give none. Source: Prometheus's default of evaluation_interval."""

AHEAD_MS = 4 * 60_000
"""How far ahead the end of an alert is that still fires: four of the resend delay of a minute."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert from when it fires to when it is over; `to_ms` None: it fires at the end.

    `again_ms`: when it is active anew, pending or firing; `missed` and `forgotten_ms` are those of
    its `Interval`. `place`: at one instant rules' alerts of equal labels are sent in this order.
    """

    group: str
    rule: str
    labels: Labels
    from_ms: Instant
    to_ms: Instant | None
    again_ms: Instant | None = None
    missed: tuple[Instant, ...] = ()
    forgotten_ms: Instant | None = None
    place: int = 0

    @property
    def severity(self) -> str:
        """The label ``severity``, ``""`` where there is none."""
        return label(self.labels, "severity")

    def sent_until(self, to_ms: Instant) -> Instant:
        """Give the last instant, up to one, at which it may be sent."""
        if self.to_ms is None:
            return to_ms
        gone = (one - 1 for one in (self.again_ms, self.forgotten_ms) if one is not None)
        return min(to_ms, self.to_ms + RESOLVED_RETENTION_MS, *gone)


@dataclass(frozen=True, slots=True)
class Sending:
    """How often rules are evaluated, by their group's name, and alerts are sent again."""

    interval_ms: Mapping[str, int] = field(default_factory=dict)
    default_interval_ms: int = INTERVAL_MS
    resend_delay_ms: int = RESEND_DELAY_MS

    def every(self, one: Firing) -> int:
        """How far apart the evaluations of its rule are."""
        return self.interval_ms.get(one.group, self.default_interval_ms)


def firings(found: Iterable[Interval], external: Labels = ()) -> list[Firing]:
    """Give what fired, by time and labels, under the labels that are sent.

    `found` is in the rules' order, each alert's spans one after the other. External labels stand
    where the alert has none of that name.
    """
    fired = [
        Firing(
            one.group,
            one.rule,
            labels_of({**dict(external), **dict(one.labels)}),
            one.from_ms,
            one.to_ms,
            after.from_ms if after is not None and _follows(one, after) else None,
            one.missed,
            one.forgotten_ms,
            place,
        )
        for place, (one, after) in enumerate(pairwise([*found, None]))
        if one is not None and one.state == "firing"
    ]
    return sorted(fired, key=lambda one: (one.from_ms, one.labels, one.group))


def _follows(one: Interval, after: Interval) -> bool:
    same = (one.group, one.rule, one.labels) == (after.group, after.rule, after.labels)
    return same and one.to_ms is not None and after.from_ms >= one.to_ms


def arrivals(
    fired: Sequence[Firing], to_ms: Instant, sending: Sending | None = None
) -> list[Arrival]:
    """Give what is sent when: by time, what is sent at one instant together."""
    sending = Sending() if sending is None else sending
    sent: list[tuple[Instant, Labels, int, Alert]] = []
    for ones in _together(fired, to_ms):
        for one in ones:
            alone = len(ones) == 1 and not one.missed and one.forgotten_ms is None
            found = _once(one, to_ms, sending) if alone else _often(one, to_ms, sending)
            sent += [(at_ms, one.labels, one.place, alert) for at_ms, alert in found]
    sent.sort(key=itemgetter(0, 1, 2))
    return [
        Arrival(at_ms, tuple(alert for *_, alert in rows))
        for at_ms, rows in groupby(sent, key=itemgetter(0))
    ]


def _together(fired: Sequence[Firing], to_ms: Instant) -> Iterator[list[Firing]]:
    """Give those of equal labels that are sent at overlapping times; most are alone."""
    by_labels: defaultdict[Labels, list[Firing]] = defaultdict(list)
    for one in sorted(fired, key=lambda one: one.from_ms):
        by_labels[one.labels].append(one)
    for ones in by_labels.values():
        near: list[Firing] = []
        until_ms = -1
        for one in ones:
            if near and one.from_ms > until_ms:
                yield near
                near = []
            near.append(one)
            until_ms = max(until_ms, one.sent_until(to_ms))
        yield near


def _once(one: Firing, to_ms: Instant, sending: Sending) -> Iterator[tuple[Instant, Alert]]:
    """Send it when it fires, and what has resolved as often as Prometheus does."""
    ends_ms = to_ms + AHEAD_MS if one.to_ms is None else one.to_ms
    alert = Alert(one.labels, one.from_ms, ends_ms)
    yield one.from_ms, alert
    if one.to_ms is not None:
        every = sending.every(one)
        step_ms = (sending.resend_delay_ms // every + 1) * every
        for at_ms in range(one.to_ms, one.sent_until(to_ms) + 1, step_ms):
            yield at_ms, alert


def _often(one: Firing, to_ms: Instant, sending: Sending) -> Iterator[tuple[Instant, Alert]]:
    """Send it as often as Prometheus does, and not while its rule cannot be evaluated."""
    every, missed = sending.every(one), frozenset(one.missed)
    ticks = range(one.from_ms, one.sent_until(to_ms) + 1, every)
    fired = Fired(one.labels, one.from_ms, one.to_ms)
    evaluated = (at_ms for at_ms in ticks if at_ms not in missed)
    return sendings(fired, evaluated, every, sending.resend_delay_ms)
