"""What a past says of its alerts: each rule's alerts, state by state, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.alerting.rules.read import Group
from llm_research_lab.alerting.rules.running import Past
from llm_research_lab.alerting.rules.state import State
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Interval:
    """An alert in a state, from its first tick to the first without; `to_ms` None: it lasts."""

    group: str
    rule: str
    labels: Labels
    state: State
    from_ms: Instant
    to_ms: Instant | None


def intervals(groups: Sequence[Group], past: Past) -> list[Interval]:
    """List all spans, by rule, labels and time."""
    return [
        Interval(
            groups[group].name,
            groups[group].rules[index].name,
            labels,
            span.state,
            span.from_ms,
            span.to_ms,
        )
        for ((group, index), labels), spans in sorted(past.spans.found.items())
        for span in spans
    ]
