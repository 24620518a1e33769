"""Prometheus's part, live: at each evaluation, which alerts are sent on, and with which end.

`alerting.notifying.sendings` is the same law over evaluations that are known beforehand; a test
holds the two together. Source: Prometheus, rules/alerting.go, needsSending and sendAlerts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_research_lab.alerting.notifying import Alert
from llm_research_lab.alerting.notifying.sending import RESEND_DELAY_MS
from llm_research_lab.alerting.rules import Alert as State
from llm_research_lab.commands.alerting.evaluated import Evaluated, Standing
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels, labels_of

VALID_FOR = 4
"""Times the longer of the delay and the interval that an alert outlives its last sending."""

Key = tuple[str, str, str, Labels]
"""A group, a rule and an alert of it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent last of an alert; one that fires anew was not sent yet."""

    at_ms: Instant
    starts_ms: Instant
    annotations: Labels


@dataclass(slots=True)
class Sender:
    """Remembers when each alert was sent last; an alert that is no more is forgotten."""

    resend_delay_ms: int = RESEND_DELAY_MS
    sent: dict[Key, Sent] = field(default_factory=dict)

    def send(self, evaluated: Evaluated) -> tuple[Alert, ...]:
        """Give the alerts that are due at the evaluation."""
        due: list[Alert] = []
        there: set[Key] = set()
        for one in evaluated.alerts:
            key = (*evaluated.key, one.rule, one.labels)
            there.add(key)
            before = self.sent.get(key)
            if before is not None and before.starts_ms != starts_ms(one.alert):
                before = None
            if one.alert.state == "pending" or not self._is_due(one.alert, before, evaluated.at_ms):
                continue
            words = labels_of(one.annotations) or (before.annotations if before else ())
            self.sent[key] = Sent(evaluated.at_ms, starts_ms(one.alert), words)
            ends_ms = self.ends_ms(one.alert, evaluated.at_ms, evaluated.interval_ms)
            # Where the clock was set back it may end before it began, which nobody would take.
            due.append(Alert(one.labels, min(starts_ms(one.alert), ends_ms), ends_ms, words))
        for key in [key for key in self.sent if key[:2] == evaluated.key and key not in there]:
            del self.sent[key]
        return tuple(due)

    def ends_ms(self, alert: State, sent_ms: Instant, interval_ms: int) -> Instant:
        """Give the end that is sent: when it resolved, or how long it outlives its sending."""
        if alert.resolved_at_ms is not None:
            return alert.resolved_at_ms
        return sent_ms + VALID_FOR * max(self.resend_delay_ms, interval_ms)

    def _is_due(self, alert: State, before: Sent | None, at_ms: Instant) -> bool:
        if before is None:
            return True
        over_ms = alert.resolved_at_ms
        if over_ms is not None and over_ms > before.at_ms:
            return True
        return before.at_ms + self.resend_delay_ms < at_ms


def starts_ms(alert: State) -> Instant:
    """Give when the alert fired. Source: rules/alerting.go, StartsAt is FiredAt."""
    return alert.active_at_ms if alert.fired_at_ms is None else alert.fired_at_ms


def held(one: Standing, interval_ms: int, last_ms: Instant, sender: Sender) -> Alert:
    """Give an alert as it was sent before the process ended, if it was."""
    return Alert(one.labels, starts_ms(one.alert), sender.ends_ms(one.alert, last_ms, interval_ms))
