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

from llm_research_lab.alerting.notifying import Alert, Arrival, Fired, sendings
from llm_research_lab.alerting.notifying.sending import RESEND_DELAY_MS, RESOLVED_RETENTION_MS
from llm_research_lab.alerting.rules import Interval
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

INTERVAL_MS = 60_000
"""Of groups that give none. Source: Prometheus's default of evaluation_interval."""

AHEAD_MS = 4 * 60_000
"""How far ahead the end of an alert is that still fires: four of the resend delay of a minute."""

Rule = tuple[str, str]
"""A group's name and a rule's."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert from when it fires to when it is over; `to_ms` None: it fires at the end.

    `again_ms`: when it is active anew, pending or firing.
    """

    group: str
    rule: str
    labels: Labels
    from_ms: Instant
    to_ms: Instant | None
    again_ms: Instant | None = None

    @property
    def severity(self) -> str:
        """The label ``severity``, ``""`` where there is none."""
        return label(self.labels, "severity")

    @property
    def last_ms(self) -> Instant | None:
        """The last instant at which it may be sent; None: there is none."""
        if self.to_ms is None:
            return None
        last_ms = self.to_ms + RESOLVED_RETENTION_MS
        return last_ms if self.again_ms is None else min(last_ms, self.again_ms - 1)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """When rules are evaluated, and so alerts sent: a group's interval by its name.

    `failed`: the ticks at which a rule could not be evaluated, by group and rule, in order; nothing
    is sent at them, and an alert that is over at one was forgotten, not resolved.
    """

    interval_ms: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[Rule, Sequence[Instant]] = field(default_factory=dict)
    default_interval_ms: int = INTERVAL_MS
    resend_delay_ms: int = RESEND_DELAY_MS

    def every(self, one: Firing) -> int:
        """How far apart the evaluations of its rule are."""
        return self.interval_ms.get(one.group, self.default_interval_ms)


def firings(found: Iterable[Interval], external: Labels = ()) -> list[Firing]:
    """Give what fired, by time and labels, under the labels that are sent.

    `found` has the spans of one alert one after the other, in the order of time. External labels
    stand where the alert has none of that name.
    """
    fired = [
        Firing(
            one.group,
            one.rule,
            labels_of({**dict(external), **dict(one.labels)}),
            one.from_ms,
            one.to_ms,
            after.from_ms if after is not None and _follows(one, after) else None,
        )
        for one, after in pairwise([*found, None])
        if one is not None and one.state == "firing"
    ]
    return sorted(fired, key=lambda one: (one.from_ms, one.labels, one.group))


def _follows(one: Interval, after: Interval) -> bool:
    same = (one.group, one.rule, one.labels) == (after.group, after.rule, after.labels)
    return same and one.to_ms is not None and after.from_ms >= one.to_ms


def arrivals(
    fired: Sequence[Firing], to_ms: Instant, evaluated: Evaluated | None = None
) -> list[Arrival]:
    """Give what is sent when: by time, what is sent at one instant together."""
    evaluated = Evaluated() if evaluated is None else evaluated
    sent: list[tuple[Instant, Alert]] = []
    for alone, ones in _apart(fired):
        for one in ones:
            known = evaluated.failed.get((one.group, one.rule), ())
            last_ms = to_ms if one.last_ms is None else min(one.last_ms, to_ms)
            missed = frozenset(at_ms for at_ms in known if one.from_ms <= at_ms <= last_ms)
            if alone and not missed:
                sent += _once(one, last_ms, to_ms, evaluated)
            else:
                sent += _often(one, last_ms, missed, evaluated)
    sent.sort(key=lambda pair: (pair[0], pair[1].labels, pair[1].starts_ms))
    return [
        Arrival(at_ms, tuple(alert for _, alert in pairs))
        for at_ms, pairs in groupby(sent, key=lambda pair: pair[0])
    ]


def _apart(fired: Sequence[Firing]) -> Iterator[tuple[bool, list[Firing]]]:
    """Give the alerts of each label set that are sent at overlapping times, and whether it is one."""
    by_labels: defaultdict[Labels, list[Firing]] = defaultdict(list)
    for one in sorted(fired, key=lambda one: one.from_ms):
        by_labels[one.labels].append(one)
    for ones in by_labels.values():
        together, until_ms = [ones[0]], ones[0].last_ms
        for one in ones[1:]:
            if until_ms is not None and one.from_ms > until_ms:
                yield len(together) == 1, together
                together, until_ms = [], 0
            together.append(one)
            last_ms = one.last_ms
            until_ms = None if None in {until_ms, last_ms} else max(until_ms, last_ms)
        yield len(together) == 1, together


def _once(
    one: Firing, last_ms: Instant, to_ms: Instant, evaluated: Evaluated
) -> Iterator[tuple[Instant, Alert]]:
    """Send it when it fires, and what has resolved as often as Prometheus does."""
    ends_ms = to_ms + AHEAD_MS if one.to_ms is None else one.to_ms
    alert = Alert(one.labels, one.from_ms, ends_ms)
    yield one.from_ms, alert
    if one.to_ms is not None:
        every = evaluated.every(one)
        step_ms = (evaluated.resend_delay_ms // every + 1) * every
        for at_ms in range(one.to_ms, last_ms + 1, step_ms):
            yield at_ms, alert


def _often(
    one: Firing, last_ms: Instant, missed: frozenset[Instant], evaluated: Evaluated
) -> Iterator[tuple[Instant, Alert]]:
    """Send it as often as Prometheus does."""
    every = evaluated.every(one)
    over_ms, ticks = one.to_ms, range(one.from_ms, last_ms + 1, every)
    if over_ms in missed:
        over_ms, ticks = None, range(one.from_ms, one.to_ms, every)
    fired = Fired(one.labels, one.from_ms, over_ms)
    sent = (at_ms for at_ms in ticks if at_ms not in missed)
    return sendings(fired, sent, every, evaluated.resend_delay_ms)
