"""A lane is one model version as this process sees it: its slots, its breaker, its client."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from llm_research_lab.commands.execution.plan import Plan
from llm_research_lab.experiments.breaking import Breaker, Event, allow, step
from llm_research_lab.models import Provider
from llm_research_lab.telemetry.instruments import SILENT
from llm_research_lab.telemetry.running import ModelInstruments
from llm_research_lab.vocabulary import Instant

COMMITS_SECONDS = 0.03
"""Two commits with their rests. For a model inside the runner so much work is admitted ahead that
its slots never wait for the store; a remote one's slots belong to all runners, so nothing is."""

AHEAD_MOST = 100
"""Two chunks: what is admitted ahead counts as repeated when the runner dies."""

SMOOTHING = 0.1
"""Weight of the newest call in the running mean of their durations."""


def _unwatched() -> ModelInstruments:
    return ModelInstruments(SILENT, "", "", "")


class Door:
    """At most `width` are inside; the width may change while they are."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._places = asyncio.Semaphore(width)
        self._made = width

    def resize(self, width: int) -> None:
        """Widen at once; narrow as those inside leave."""
        self.width = width
        while self._made < width:
            self._made += 1
            self._places.release()

    async def __aenter__(self) -> None:
        await self._places.acquire()

    async def __aexit__(self, *_: object) -> None:
        if self._made > self.width:
            self._made -= 1
        else:
            self._places.release()


@dataclass(slots=True)
class Lane:
    """`slots` bounds the calls, `desk` the samples admitted or asking to be."""

    provider: Provider
    concurrency: int
    shared: bool
    now: Callable[[], Instant]
    slots: asyncio.Semaphore
    desk: Door
    instruments: ModelInstruments = field(default_factory=_unwatched)
    in_flight: int = 0
    call_seconds: float | None = None
    breaker: Breaker = field(default_factory=Breaker)

    @classmethod
    def for_plan(
        cls,
        plan: Plan,
        provider: Provider,
        now: Callable[[], Instant],
        instruments: ModelInstruments,
    ) -> Lane:
        """Make the lane of the plan's model."""
        slots = plan.entry.limits.concurrency
        ahead = 0 if plan.shared else 1
        return cls(
            provider,
            slots,
            plan.shared,
            now,
            asyncio.Semaphore(slots),
            Door(slots + ahead),
            instruments,
        )

    @property
    def most(self) -> int:
        """Samples that are enough for two rounds: a further chunk would only wait here."""
        return 2 * self.desk.width

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one slot for one call, and learn how long calls take."""
        asked = time.monotonic()
        async with self.slots:
            self.in_flight += 1
            started = time.monotonic()
            self.instruments.waited("concurrency", started - asked)
            try:
                yield
            finally:
                self.in_flight -= 1
                self._learn(time.monotonic() - started)

    def _learn(self, seconds: float) -> None:
        before = seconds if self.call_seconds is None else self.call_seconds
        self.call_seconds = before + SMOOTHING * (seconds - before)
        if not self.shared:
            rounds = COMMITS_SECONDS / max(self.call_seconds, 1e-6)
            ahead = min(math.ceil(self.concurrency * rounds), AHEAD_MOST)
            self.desk.resize(self.concurrency + ahead)

    def ask_breaker(self) -> tuple[int, bool]:
        """How long to wait before a call, 0 for not at all; and whether the call is a probe."""
        breaker, decision = allow(self.breaker, self.now())
        self._become(breaker)
        return decision.wait_ms, decision.wait_ms == 0 and self.breaker.state == "half_open"

    def note(self, event: Event) -> None:
        """Tell the breaker how a call ended."""
        breaker, _ = step(self.breaker, event, self.now())
        self._become(breaker)

    def lose_probe(self) -> None:
        """The probe's call was not made, or cut off: the next sample may be the probe at once."""
        if self.breaker.state == "half_open":
            now = self.now()
            self._become(replace(self.breaker, state="open", since=now, until=now))

    def _become(self, breaker: Breaker) -> None:
        if breaker.state != self.breaker.state:
            self.instruments.state(self.breaker.state, breaker.state)
        self.breaker = breaker
