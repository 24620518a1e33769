"""How soon people acknowledge: a model of them, of which chance is a function of its seed.

A delay is the median of the person and the hour, spread log-logistically: half of all answers come
sooner, and with a spread of 0.4 one in a hundred takes longer than 6.3 medians. What is asked twice
is answered the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_research_lab.oncall.clock import DAY_MS, MINUTE_MS, clock_of
from llm_research_lab.oncall.fairness import NIGHT_MS
from llm_research_lab.vocabulary import Instant

DEFAULT_MS = 4 * MINUTE_MS
DEFAULT_NIGHT_MS = 9 * MINUTE_MS
"""Medians of acknowledgement where nothing is said: an assumption, named in the report's head."""


@dataclass(frozen=True, slots=True)
class Responder:
    """One person: medians by day and by night, how far answers spread, and how many never come."""

    by_day_ms: int = DEFAULT_MS
    by_night_ms: int = DEFAULT_NIGHT_MS
    spread: float = 0.0
    never: float = 0.0
    never_at_night: float | None = None


@dataclass(frozen=True, slots=True)
class Responders:
    """All people: those named, and what holds for the others."""

    seed: int = 0
    default: Responder = field(default_factory=Responder)
    people: Mapping[str, Responder] = field(default_factory=dict)

    def delay_ms(self, user: str, time_zone: str, page: str, at_ms: Instant) -> int | None:
        """Give how long after being told the person acknowledges; None: not at all."""
        model = self.people.get(user, self.default)
        dark = is_night(at_ms, time_zone)
        misses = model.never if model.never_at_night is None or not dark else model.never_at_night
        first, second = self._chances(user, page, at_ms)
        if first < misses:
            return None
        median = model.by_night_ms if dark else model.by_day_ms
        odds: float = (second / (1.0 - second)) ** model.spread
        return max(1, round(median * odds))

    def _chances(self, user: str, page: str, at_ms: Instant) -> tuple[float, float]:
        """Two numbers within (0, 1) that depend on nothing but these words and the seed."""
        words = f"{self.seed}\0{user}\0{page}\0{at_ms}".encode()
        bits = hashlib.sha256(words).digest()
        first, second = (int.from_bytes(part, "big") for part in (bits[:6], bits[6:12]))
        return (first + 0.5) / 2**48, (second + 0.5) / 2**48


def is_night(at_ms: Instant, time_zone: str) -> bool:
    """Whether it is night where the person lives, by the hours that fairness counts."""
    place = clock_of(time_zone).wall(at_ms) % DAY_MS
    return place >= NIGHT_MS[0] or place < NIGHT_MS[1]


def night_of(at_ms: Instant, time_zone: str) -> int:
    """Give the night's number: days since 1970 of the noon before it, where the person lives."""
    return (clock_of(time_zone).wall(at_ms) - DAY_MS // 2) // DAY_MS
