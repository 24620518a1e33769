"""A provider that is down is left alone, and asked by one probe whether it is back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from llm_research_lab.experiments.result import FailureKind
from llm_research_lab.vocabulary import Instant

Event = Literal["success"] | FailureKind
"""How a call ended. A refusal or a 429 counts as a success: who says no is there."""

DOWN: frozenset[Event] = frozenset({"timeout", "unavailable", "garbage"})
"""What a dead provider, or the gateway before it, looks like."""

FAILURES = 5
"""Failures in a row that open. In a row and not a share: a provider that answers some calls is
worth asking, and each sample's attempts are bounded anyway. Source: Envoy's outlier detection,
``consecutive_5xx``."""

OPEN_MS = 30_000
"""How long the first opening lasts; the n-th in a row lasts n times that. Source: Envoy's
``base_ejection_time``."""

LONGEST_OPEN_MS = 300_000
"""No opening lasts longer. Source: Envoy's ``max_ejection_time``."""

PROBE_MS = 120_000
"""A probe that has not come back is given up for lost (its runner was killed or cancelled it)."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed: calls pass. Open: none until `until`. Half-open: one probe is out until `until`.

    `failures` counts those in a row while closed; `openings` those in a row without a success.
    `since` is when `until` was set: it shows a clock that was set back.
    """

    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    openings: int = 0
    since: Instant = 0
    until: Instant = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """Call; `probe` says that much hangs on this one."""

    probe: bool = False
    wait_ms: int = 0

    def __str__(self) -> str:
        """Say it to a person."""
        return "one call asks whether the provider is back" if self.probe else "closed"


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not call now; ask again after `wait_ms`, which is at least 1."""

    wait_ms: int
    probing: bool

    def __str__(self) -> str:
        """Say it to a person."""
        if self.probing:
            return "a probe is on its way; nothing else is sent before it is back"
        return f"the provider is down; it is left alone for {self.wait_ms / 1000:g} s"


Reason = Literal[
    "answered",
    "failed, but not often enough in a row",
    "opened: too many failures in a row",
    "opened again: the probe failed",
    "closed: the probe was answered",
    "not counted: sent before the breaker opened",
]


def allow(breaker: Breaker, now: Instant) -> tuple[Breaker, Pass | Hold]:
    """No call while open, and while half-open one; the caller of a `Pass` tells `step` its end.

    A clock that was set back makes an opening at most as long again as it was meant to be.
    """
    if breaker.state == "closed":
        return breaker, Pass()
    if now < breaker.since:
        breaker = replace(breaker, since=now, until=now + breaker.until - breaker.since)
    if now < breaker.until:
        return breaker, Hold(breaker.until - now, probing=breaker.state == "half_open")
    return replace(breaker, state="half_open", since=now, until=now + PROBE_MS), Pass(probe=True)


def step(breaker: Breaker, event: Event, now: Instant) -> tuple[Breaker, Reason]:
    """Only failures in a row open, only an answer closes, and a late echo moves nothing.

    While open, the ends of calls that were sent before it opened are not counted. While half-open
    they cannot be told from the probe's and count as it.
    """
    if breaker.state == "open":
        return breaker, "not counted: sent before the breaker opened"
    probed = breaker.state == "half_open"
    if event not in DOWN:
        return Breaker(), "closed: the probe was answered" if probed else "answered"
    if probed:
        return _opened(breaker, now), "opened again: the probe failed"
    if breaker.failures + 1 >= FAILURES:
        return _opened(breaker, now), "opened: too many failures in a row"
    counted = replace(breaker, failures=breaker.failures + 1)
    return counted, "failed, but not often enough in a row"


def _opened(breaker: Breaker, now: Instant) -> Breaker:
    openings = breaker.openings + 1
    lasts = min(OPEN_MS * openings, LONGEST_OPEN_MS)
    return Breaker("open", 0, openings, now, now + lasts)
