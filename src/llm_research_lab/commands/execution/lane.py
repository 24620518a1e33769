"""A lane is one provider as this process sees it: its slots, its breaker, its client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from llm_research_lab.commands.execution.plan import Plan
from llm_research_lab.experiments.breaking import Breaker, Event, allow, step
from llm_research_lab.models import Provider
from llm_research_lab.vocabulary import Instant

AHEAD = 4
"""Samples admitted before a slot is free, as a share of the slots (1 in 4): a model that runs here
never waits for a commit. Only for models inside the runner, where a slot is this process's own."""


@dataclass(slots=True)
class Lane:
    """`slots` bounds the calls, `desk` the samples admitted or asking; `backlog` counts samples
    taken from leases and not yet finished."""  # noqa: D205, D209

    provider: Provider
    concurrency: int
    slots: asyncio.Semaphore
    desk: asyncio.Semaphore
    now: Callable[[], Instant]
    backlog: int = 0
    breaker: Breaker = field(default_factory=Breaker)

    @classmethod
    def for_plan(cls, plan: Plan, provider: Provider, now: Callable[[], Instant]) -> Lane:
        """Make the lane of the plan's provider."""
        slots = plan.entry.limits.concurrency
        ahead = 0 if plan.shared else max(1, slots // AHEAD)
        return cls(provider, slots, asyncio.Semaphore(slots), asyncio.Semaphore(slots + ahead), now)

    @property
    def full(self) -> bool:
        """Whether a further chunk would only wait here: two rounds of the slots are at hand."""
        return self.backlog >= 2 * self.concurrency

    def breaker_wait_ms(self) -> int:
        """0 when a call may be made now (and counts as the probe of a half-open breaker)."""
        self.breaker, decision = allow(self.breaker, self.now())
        return decision.wait_ms

    def note(self, event: Event) -> None:
        """Tell the breaker how a call ended."""
        self.breaker, _ = step(self.breaker, event, self.now())
