"""Within any minute no more is granted than the limit and one burst."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llm_research_lab.vocabulary import Instant

MINUTE_MS = 60_000

BURST_SECONDS = 1
"""A bucket holds so many seconds' worth, and at least 1. Providers count in shorter steps than a
minute: 60 a minute may be held as 1 a second. Source: OpenAI Cookbook, "How to handle rate
limits"."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What may still be granted as of `updated_at`; below 0 after an amount larger than a burst."""

    tokens: float
    updated_at: Instant


def burst(per_minute: int) -> float:
    """Return what a full bucket holds."""
    return max(1.0, per_minute * BURST_SECONDS / 60)


def take(bucket: Bucket | None, now: Instant, amount: float, per_minute: int) -> tuple[Bucket, int]:
    """Grant all of the amount (wait 0) or nothing, and say when to ask again (at least 1 ms).

    None is a bucket never used: full. An amount larger than a burst is granted by a full bucket
    and paid by those that follow, so it is neither stuck nor free. So in any window of a minute
    the granted amounts sum to at most ``per_minute + max(burst, largest amount)``.
    A clock that goes back refills nothing, and refilling goes on from there.

    Source: Turner, "New directions in communications", 1986 (leaky bucket as a meter).
    """
    refilled = _refilled(bucket, now, per_minute)
    short = min(amount, burst(per_minute)) - refilled.tokens
    if short > 0:
        return refilled, max(1, math.ceil(short * MINUTE_MS / per_minute))
    return Bucket(refilled.tokens - amount, now), 0


def give_back(bucket: Bucket, amount: float, per_minute: int) -> Bucket:
    """Return what was granted and not used; a negative amount takes what was used beyond it.

    Never more than a full bucket.
    """
    return Bucket(min(burst(per_minute), bucket.tokens + amount), bucket.updated_at)


def _refilled(bucket: Bucket | None, now: Instant, per_minute: int) -> Bucket:
    if bucket is None:
        return Bucket(burst(per_minute), now)
    elapsed = max(0, now - bucket.updated_at)
    tokens = bucket.tokens + elapsed * per_minute / MINUTE_MS
    return Bucket(min(burst(per_minute), tokens), now)
