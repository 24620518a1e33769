"""After an outage a pending alert goes on waiting: the time that was down does not count.

Source: Prometheus, rules/group.go, `RestoreForState`; ``--rules.alert.for-outage-tolerance`` and
``--rules.alert.for-grace-period``. One thing is ours: states are kept in whole, so that an alert
that fired fires on, where Prometheus lets it be pending for one evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llm_research_lab.alerting.rules.state import Alert, Timing
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last evaluation before it to the first after it, and what is tolerated."""

    down_at_ms: Instant
    now_ms: Instant
    tolerance_ms: int = 3_600_000
    """A longer outage forgets everything."""
    grace_ms: int = 600_000
    """What an alert at least waits before it fires, if its ``for`` is as long."""


def restored(saved: Mapping[Labels, Alert], timing: Timing, outage: Outage) -> dict[Labels, Alert]:
    """Give a rule's alerts to carry into the first evaluation after the outage."""
    if outage.now_ms - outage.down_at_ms > outage.tolerance_ms:
        return {}
    found = {labels: _restored(alert, timing, outage) for labels, alert in saved.items()}
    return {labels: alert for labels, alert in found.items() if alert is not None}


def _restored(alert: Alert, timing: Timing, outage: Outage) -> Alert | None:
    if alert.state != "pending":
        return alert
    if timing.for_ms < outage.grace_ms:
        return None
    remaining = timing.for_ms - (outage.down_at_ms - alert.active_at_ms)
    if remaining <= 0:
        return alert
    if remaining < outage.grace_ms:
        return replace(alert, active_at_ms=outage.now_ms + outage.grace_ms - timing.for_ms)
    down = outage.now_ms - outage.down_at_ms
    return replace(alert, active_at_ms=alert.active_at_ms + down)
