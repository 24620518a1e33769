"""A call is asked again only when that can help, after a wait that is bounded and spread."""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.experiments.result import FailureKind

RETRYABLE: frozenset[FailureKind] = frozenset({"rate_limited", "timeout", "unavailable", "garbage"})
"""What may pass by itself. A refusal, a prompt that is too long, a missing secret do not."""

BASE_MS = 500
"""The ceiling of the first wait. Source: ``INITIAL_RETRY_DELAY`` of OpenAI's Python SDK."""

CEILING_MS = 30_000
"""No backoff waits longer. Source: the 32 or 64 seconds of Google Cloud, "Exponential backoff"."""

ASKED_MS = 60_000
"""A provider's wish is honoured up to here: limits are by the minute, and a lease must not sleep
for an hour. Source: OpenAI's Python SDK, ``_calculate_retry_timeout``, ignores longer ones."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The provider had no wish: a draw below a ceiling that doubles with every attempt."""

    kind: FailureKind
    ceiling_ms: int

    def __str__(self) -> str:
        """Say it to a person."""
        return f"{self.kind}: asked again within {self.ceiling_ms / 1000:g} s"


@dataclass(frozen=True, slots=True)
class Asked:
    """The provider named the wait; `bounded` says that it was longer than we wait."""

    kind: FailureKind
    retry_after_ms: int
    bounded: bool

    def __str__(self) -> str:
        """Say it to a person."""
        short = f", more than the {ASKED_MS // 1000} s that are waited" if self.bounded else ""
        return f"{self.kind}: the provider asked for {self.retry_after_ms / 1000:g} s{short}"


@dataclass(frozen=True, slots=True)
class Final:
    """Asking again cannot help."""

    kind: FailureKind

    def __str__(self) -> str:
        """Say it to a person."""
        return f"{self.kind}: asking again cannot help"


@dataclass(frozen=True, slots=True)
class Spent:
    """The attempts are used up."""

    kind: FailureKind
    attempts: int

    def __str__(self) -> str:
        """Say it to a person."""
        return f"{self.kind}: still so at attempt {self.attempts}, the last"


@dataclass(frozen=True, slots=True)
class Again:
    """Ask again after the wait."""

    wait_ms: int
    reason: Backoff | Asked


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The sample fails."""

    reason: Final | Spent


def decide(
    attempt: int,
    *,
    kind: FailureKind,
    final: bool,
    retry_after_ms: int | None,
    attempts: int,
    draw: float,
) -> Again | GiveUp:
    """Never more than `attempts` calls, never a wait below the provider's (bounded) wish.

    `attempt` counts from 1 and is the one that failed; `draw` is uniform in [0, 1). Without a
    wish the wait is drawn from the whole of [0, ceiling] (full jitter), with one it is spread
    upwards by less than `BASE_MS`, so that runners that were held together do not return together.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter"; RFC 9110, section 10.2.3.
    """
    if final or kind not in RETRYABLE:
        return GiveUp(Final(kind))
    if attempt >= attempts:
        return GiveUp(Spent(kind, attempt))
    if retry_after_ms is not None and retry_after_ms > 0:
        wait = min(retry_after_ms, ASKED_MS) + int(draw * BASE_MS)
        return Again(wait, Asked(kind, retry_after_ms, retry_after_ms > ASKED_MS))
    ceiling = min(BASE_MS << min(attempt - 1, 16), CEILING_MS)
    return Again(int(draw * (ceiling + 1)), Backoff(kind, ceiling))
