"""A swap holds when both have confirmed it 48 hours before the first shift that it moves.

Source: the specification, 5.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.oncall.clock import HOUR_MS
from llm_research_lab.oncall.roster import Roster, Swap
from llm_research_lab.vocabulary import Instant, rfc3339

NOTICE_MS = 48 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Accepted:
    """Both had confirmed at `at_ms`, early enough."""

    at_ms: Instant

    def __str__(self) -> str:
        return f"both had confirmed at {rfc3339(self.at_ms)}"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """These have not confirmed."""

    users: tuple[str, ...]

    def __str__(self) -> str:
        return f"not confirmed by {' and '.join(self.users)}"


@dataclass(frozen=True, slots=True)
class TooLate:
    """The second confirmation came at `at_ms`, after the last moment for it."""

    at_ms: Instant
    latest_ms: Instant

    def __str__(self) -> str:
        return f"confirmed at {rfc3339(self.at_ms)}, later than {rfc3339(self.latest_ms)}"


def judged(swap: Swap) -> Accepted | Unconfirmed | TooLate:
    """Decide whether a swap holds; one that does not changes nothing."""
    confirmed = dict(swap.confirmed)
    both = sorted({user for one in swap.exchanges for user in (one.user, one.taker)})
    missing = tuple(user for user in both if user not in confirmed)
    if missing:
        return Unconfirmed(missing)
    at_ms = max(confirmed[user] for user in both)
    latest_ms = min(one.start_ms for one in swap.exchanges) - NOTICE_MS
    return TooLate(at_ms, latest_ms) if at_ms > latest_ms else Accepted(at_ms)


def taker(roster: Roster, schedule: str, user: str, at_ms: Instant) -> str:
    """Whose the user's duty is at the instant, after all swaps in their order."""
    for swap in roster.swaps:
        if swap.schedule != schedule or not isinstance(judged(swap), Accepted):
            continue
        for one in swap.exchanges:
            if one.user == user and one.start_ms <= at_ms < one.end_ms:
                user = one.taker
                break
    return user
