"""What a step leads to: a receiver is told, is not told and why, or the log is written."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.alerting.notifying.log import Entry, LogKey
from llm_research_lab.alerting.notifying.reasons import Because, Grouped, NonEffect, Reason, Routed
from llm_research_lab.alerting.notifying.values import Alert
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Notification:
    """One integration of a receiver is told of a group: its alerts, in the order of the message.

    An alert that fires has no end here, as in Alertmanager's messages.
    """

    at_ms: Instant
    receiver: str
    integration: str
    route: str
    group_key: str
    group_labels: Labels
    alerts: tuple[Alert, ...]
    because: Because

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire."""
        return tuple(alert for alert in self.alerts if alert.ends_ms is None)

    @property
    def resolved(self) -> tuple[Alert, ...]:
        """The alerts that are over."""
        return tuple(alert for alert in self.alerts if alert.ends_ms is not None)

    @property
    def status(self) -> str:
        """``firing`` while one alert fires, else ``resolved``."""
        return "firing" if self.firing else "resolved"

    @property
    def why(self) -> tuple[Reason, ...]:
        """The chain of reasons, from the route to the notification log."""
        return Routed(self.route, self.receiver), Grouped(self.group_labels), self.because


@dataclass(frozen=True, slots=True)
class Withheld:
    """Of these alerts a receiver is not told now, and why; said once, until the reason changes.

    `integration` None: no integration of the receiver is.
    """

    at_ms: Instant
    receiver: str
    integration: str | None
    route: str
    group_key: str
    alerts: tuple[Labels, ...]
    reason: NonEffect

    @property
    def why(self) -> tuple[Reason, ...]:
        """The chain of reasons, from the route on."""
        return Routed(self.route, self.receiver), self.reason


@dataclass(frozen=True, slots=True)
class Logged:
    """The notification log has a new entry."""

    key: LogKey
    entry: Entry


Effect = Notification | Withheld | Logged
