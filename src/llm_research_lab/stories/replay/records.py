"""What a replay writes down: each record has its instant, whom it is about, and why."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.alerting.notifying import Notification
from llm_research_lab.oncall import Exhausted, Skipped
from llm_research_lab.oncall.effects import Why
from llm_research_lab.vocabulary import Instant


@dataclass(frozen=True, slots=True)
class Opened:
    """A pager took a notification as something new."""

    at_ms: Instant
    page: str
    severity: str
    policy: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Again:
    """A pager was told once more of a page that is open: nobody is told anew."""

    at_ms: Instant
    page: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Woken:
    """A person was told by a pager, and this is the way and the reason."""

    at_ms: Instant
    page: str
    user: str
    name: str
    time_zone: str
    way: str
    level: int
    severity: str
    reason: Why
    notification: Notification


@dataclass(frozen=True, slots=True)
class NotReached:
    """The policy named somebody, or a schedule, and nobody was told."""

    at_ms: Instant
    page: str
    skipped: Skipped


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The person took the page on, `after_ms` after it was opened."""

    at_ms: Instant
    page: str
    user: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The policy came to its end, and nobody had acknowledged."""

    at_ms: Instant
    page: str
    reason: Exhausted


@dataclass(frozen=True, slots=True)
class Closed:
    """All alerts of the page were over."""

    at_ms: Instant
    page: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class Unpaged:
    """A pager was told, and the roster has no policy for the severity."""

    at_ms: Instant
    severity: str
    notification: Notification

    def __str__(self) -> str:
        """Say it in plain words."""
        what = self.severity or "without a severity"
        return f"the roster has no escalation policy for {what}"


Record = Opened | Again | Woken | NotReached | Acknowledged | Ended | Closed | Unpaged
