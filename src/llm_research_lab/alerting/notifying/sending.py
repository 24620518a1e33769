"""Prometheus sends an alert again and again while it fires, each time with an end a while ahead.

So an Alertmanager that hears nothing more of it lets it end. What has resolved is sent with its end
at once, and again for a quarter of an hour, in case a message was lost.
Source: Prometheus, rules/alerting.go, needsSending and sendAlerts; cmd/prometheus/main.go,
--rules.alert.resend-delay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llm_research_lab.alerting.notifying.values import Alert
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

RESEND_DELAY_MS = 60_000
RESOLVED_RETENTION_MS = 15 * 60_000
"""How long a resolved alert is remembered. Source: rules/alerting.go, resolvedRetention."""

_VALID_FOR = 4
"""Times the longer of the delay and the interval that an alert outlives its last sending."""


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert of a rule from when it fired, to when it had resolved; None: it still fires."""

    labels: Labels
    fired_ms: Instant
    resolved_ms: Instant | None = None
    annotations: Labels = ()
    generator_url: str = ""


def sendings(
    fired: Fired,
    evaluations: Iterable[Instant],
    interval_ms: int,
    resend_delay_ms: int = RESEND_DELAY_MS,
) -> Iterator[tuple[Instant, Alert]]:
    """Give when the alert is sent, and how; `evaluations` are its rule's, `interval_ms` apart.

    Whether an evaluation sends is decided at it: a resolved alert that was not sent since, or one
    whose last sending is longer ago than the delay.
    """
    sent_ms: Instant | None = None
    for at_ms in evaluations:
        if at_ms < fired.fired_ms:
            continue
        over_ms = fired.resolved_ms
        if over_ms is not None and at_ms < over_ms:
            over_ms = None
        if over_ms is not None and at_ms - over_ms > RESOLVED_RETENTION_MS:
            return
        if _is_due(sent_ms, over_ms, at_ms, resend_delay_ms):
            sent_ms = at_ms
            valid_ms = at_ms + _VALID_FOR * max(resend_delay_ms, interval_ms)
            yield at_ms, _alert(fired, valid_ms if over_ms is None else over_ms)


def _is_due(
    sent_ms: Instant | None, over_ms: Instant | None, at_ms: Instant, resend_delay_ms: int
) -> bool:
    if sent_ms is None or (over_ms is not None and over_ms > sent_ms):
        return True
    return sent_ms + resend_delay_ms < at_ms


def _alert(fired: Fired, ends_ms: Instant) -> Alert:
    return Alert(fired.labels, fired.fired_ms, ends_ms, fired.annotations, fired.generator_url)
