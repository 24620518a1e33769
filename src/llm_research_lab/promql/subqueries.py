"""A subquery's answers are samples, at absolute multiples of its step."""

from __future__ import annotations

from llm_research_lab.promql.sampling import Dense, dense
from llm_research_lab.promql.values import Block, Times


def samples_of(block: Block, times: Times) -> list[Dense]:
    """Let series that answered at the same instants share times; an absent answer is no sample."""
    if not block.labels:
        return []
    return dense(block.labels, times, block.values, ~block.present)
