"""A lease at work knows which outcome is its last: that one completes the chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llm_research_lab.experiments.result import SampleResult
from llm_research_lab.storage.relational.ledger import Intent, Outcome
from llm_research_lab.storage.relational.queue import Lease


@dataclass(slots=True)
class Portion:
    """`left` samples have no result yet; `settled` hears how many fewer they became."""

    lease: Lease
    left: int
    settled: Callable[[int], None]

    def settle(self, samples: int) -> None:
        """So many samples fewer are left."""
        self.left -= samples
        self.settled(samples)

    def outcome(
        self,
        result: SampleResult,
        intent: Intent | None = None,
        charged_picousd: int = 0,
        response_key: str | None = None,
    ) -> Outcome:
        """Make the record of a result; without an intent no call gave it."""
        self.settle(1)
        return Outcome(
            self.lease.chunk_id,
            self.lease.fence,
            self.lease.experiment_id,
            result,
            None if intent is None else intent.ceiling_picousd,
            charged_picousd,
            response_key,
            last=self.left == 0,
            intent=intent,
        )
