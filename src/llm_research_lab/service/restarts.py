"""A child that ends is started again after a growing wait; one that cannot start is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llm_research_lab.vocabulary import InvalidError, LabError, UnavailableError

FAILED_STARTS = 5
"""So many in a row, and the reason is not one that passes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The waits, in seconds; a life of `stable_seconds` forgets what came before it."""

    first_seconds: float
    longest_seconds: float
    stable_seconds: float


@dataclass(frozen=True, slots=True)
class Life:
    """How a child fared: how long, whether it served, why it said that it could not, its status."""

    name: str
    seconds: float
    served: bool
    refusal: LabError | None
    status: int


@dataclass(frozen=True, slots=True)
class Streak:
    """What went wrong in a row: restarts, failed starts; and whether it ever served."""

    restarts: int = 0
    failed_starts: int = 0
    served: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Start it again after the wait."""

    wait_seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End with this error."""

    error: LabError


def after(streak: Streak, life: Life, policy: Policy) -> tuple[Streak, Again | GiveUp]:
    """Decide what follows a child's end that nobody asked for.

    A start fails when the child says why it cannot serve. A start that breaks without a word
    counts too, until the child has served once: later it may pass (memory), and is tried for ever.
    Before that, a user's mistake (InvalidError) ends it at once: it would not pass.
    """
    if life.served and life.seconds >= policy.stable_seconds:
        streak = replace(streak, restarts=0)
    failed = life.refusal is not None or not (life.served or streak.served)
    now = Streak(
        streak.restarts + 1,
        streak.failed_starts + 1 if failed else 0,
        streak.served or life.served,
    )
    hopeless = isinstance(life.refusal, InvalidError) and not now.served
    if hopeless or now.failed_starts >= FAILED_STARTS:
        return now, GiveUp(life.refusal or _broken(life))
    doubled: float = policy.first_seconds * 2.0 ** min(streak.restarts, 30)
    return now, Again(min(doubled, policy.longest_seconds))


def _broken(life: Life) -> LabError:
    how = f"signal {-life.status}" if life.status < 0 else f"status {life.status}"
    return UnavailableError(
        f"process {life.name}",
        "to start",
        f"its end with {how}, {FAILED_STARTS} times in a row",
        "see what it said, above or in the directory's logs",
    )
