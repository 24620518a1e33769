"""What fired by the rules is what an Alertmanager is sent.

Prometheus sends a firing alert again and again, each time with an end a little ahead, and its real
end when it resolves. Here it is sent when it fires, with its real end, and once more when that has
come: an Alertmanager that is sent the same in between decides the same (a test holds it to that).
Source: Prometheus, rules/alerting.go, needsSending and sendAlerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from llm_research_lab.alerting.notifying import Alert, Arrival
from llm_research_lab.alerting.rules import Interval
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

AHEAD_MS = 4 * 60_000
"""How far ahead the end of an alert is that still fires: four of the resend delay of a minute."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert from when it fires to when it is over; `to_ms` None: it fires at the end."""

    group: str
    rule: str
    labels: Labels
    from_ms: Instant
    to_ms: Instant | None

    @property
    def severity(self) -> str:
        """The label ``severity``, ``""`` where there is none."""
        return label(self.labels, "severity")


def firings(found: Iterable[Interval], external: Labels = ()) -> list[Firing]:
    """Give what fired, by time and labels, under the labels that are sent.

    External labels stand where the alert has none of that name.
    """
    fired = [
        Firing(
            one.group,
            one.rule,
            labels_of({**dict(external), **dict(one.labels)}),
            one.from_ms,
            one.to_ms,
        )
        for one in found
        if one.state == "firing"
    ]
    return sorted(fired, key=lambda one: (one.from_ms, one.labels, one.group))


def arrivals(fired: Sequence[Firing], to_ms: Instant) -> list[Arrival]:
    """Give what is sent when: by time, what is sent at one instant together."""
    sent: list[tuple[Instant, Alert]] = []
    for one in fired:
        ends = to_ms + AHEAD_MS if one.to_ms is None else one.to_ms
        alert = Alert(one.labels, one.from_ms, ends)
        sent.append((one.from_ms, alert))
        if one.to_ms is not None:
            sent.append((one.to_ms, alert))
    sent.sort(key=lambda pair: (pair[0], pair[1].labels, pair[1].starts_ms))
    return [
        Arrival(at_ms, tuple(alert for _, alert in pairs))
        for at_ms, pairs in groupby(sent, key=lambda pair: pair[0])
    ]
