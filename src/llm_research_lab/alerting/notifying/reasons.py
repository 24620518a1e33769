"""Why a notification was sent, or was not: each reason is a type and can be shown to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llm_research_lab.alerting.notifying.matching import labels_text
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.durations import format_duration
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Routed:
    """The route's matchers accept the alert, and none of its children takes it."""

    route: str
    receiver: str

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"routed by {self.route} to {self.receiver}"


@dataclass(frozen=True, slots=True)
class Grouped:
    """Alerts that agree in these labels are told together."""

    labels: Labels

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"grouped by {labels_text(self.labels)}"


@dataclass(frozen=True, slots=True)
class FirstTold:
    """The receiver has heard nothing of this group yet."""

    def __str__(self) -> str:
        """Say it in plain words."""
        return "first notification of the group"


@dataclass(frozen=True, slots=True)
class NewFiring:
    """Alerts fire that did not at the last notification."""

    alerts: tuple[Labels, ...]

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"{len(self.alerts)} newly firing"


@dataclass(frozen=True, slots=True)
class AllResolved:
    """Nothing of the group fires any more, and something did at the last notification."""

    def __str__(self) -> str:
        """Say it in plain words."""
        return "all resolved"


@dataclass(frozen=True, slots=True)
class NewResolved:
    """Some alerts have resolved while others still fire."""

    alerts: tuple[Labels, ...]

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"{len(self.alerts)} newly resolved"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Nothing changed, and the repeat interval has passed since the last notification."""

    last_ms: Instant
    repeat_interval_ms: int

    def __str__(self) -> str:
        """Say it in plain words."""
        every = format_duration(self.repeat_interval_ms)
        return f"repeated: last told {rfc3339(self.last_ms)}, more than {every} ago"


Because = FirstTold | NewFiring | AllResolved | NewResolved | Repeated
"""Why a receiver is told."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The alert waits for its group: a new group's first flush, or a known group's next."""

    until_ms: Instant
    timer: Literal["group_wait", "group_interval"]

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"waiting for its group until {rfc3339(self.until_ms)} ({self.timer})"


@dataclass(frozen=True, slots=True)
class InhibitedBy:
    """Alerts fire that make this one a consequence; `rule` is the rule's place in the file."""

    rule: int
    sources: tuple[Labels, ...]

    def __str__(self) -> str:
        """Say it in plain words."""
        names = ", ".join(labels_text(one) for one in self.sources)
        return f"inhibited by {names} (inhibit_rules[{self.rule}])"


@dataclass(frozen=True, slots=True)
class OutsideActive:
    """The route is not within any of its active time intervals."""

    intervals: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"outside the active time intervals {', '.join(self.intervals)}"


@dataclass(frozen=True, slots=True)
class MutedBy:
    """The route is within one of its mute time intervals."""

    interval: str

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"muted by the time interval {self.interval}"


@dataclass(frozen=True, slots=True)
class SilencedBy:
    """An active silence accepts the alert; of several, the one that ends last."""

    silence: str
    until_ms: Instant

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"silenced by {self.silence} until {rfc3339(self.until_ms)}"


@dataclass(frozen=True, slots=True)
class TooSoon:
    """Nothing changed, and a repetition is not due before the instant."""

    until_ms: Instant

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"told already; repeated after {rfc3339(self.until_ms)}"


@dataclass(frozen=True, slots=True)
class NeverTold:
    """Only resolved alerts are left, and the receiver has not heard that they fired."""

    def __str__(self) -> str:
        """Say it in plain words."""
        return "resolved before the receiver heard of it"


@dataclass(frozen=True, slots=True)
class ResolvedNotSent:
    """The integration does not want to hear of what resolved (``send_resolved: false``)."""

    def __str__(self) -> str:
        """Say it in plain words."""
        return "send_resolved is false"


@dataclass(frozen=True, slots=True)
class NoIntegration:
    """The receiver has a name and nobody to tell."""

    receiver: str

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"the receiver {self.receiver} has no integrations"


@dataclass(frozen=True, slots=True)
class Invalid:
    """The alert was refused when it came in."""

    why: str

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"refused: {self.why}"


Muted = InhibitedBy | OutsideActive | MutedBy | SilencedBy
"""Why alerts leave the pipeline before anyone is told."""

NotBecause = TooSoon | NeverTold
"""Why a receiver is not told of what did come through."""

NonEffect = Muted | NotBecause | Waiting | ResolvedNotSent | NoIntegration | Invalid
"""Every reason for silence."""

Reason = Routed | Grouped | Because | NonEffect
