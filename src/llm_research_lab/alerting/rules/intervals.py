"""What a past says of its alerts: each rule's alerts, state by state, from when to when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.alerting.rules.read import Group
from llm_research_lab.alerting.rules.running import Failure, Past
from llm_research_lab.alerting.rules.spans import RulePlace, Span
from llm_research_lab.alerting.rules.state import RESOLVED_RETENTION_MS, State
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Interval:
    """An alert in a state, from its first tick to the first without; `to_ms` None: it lasts.

    `missed`: the ticks at which its rule could not be evaluated, while it lasts or is remembered.
    `forgotten_ms`: when its rule forgot it, since there were more alerts than the group's limit: at
    its end, which then is no resolution, or while it is remembered.
    """

    group: str
    rule: str
    labels: Labels
    state: State
    from_ms: Instant
    to_ms: Instant | None
    missed: tuple[Instant, ...] = ()
    forgotten_ms: Instant | None = None


def intervals(groups: Sequence[Group], past: Past) -> list[Interval]:
    """List all spans, by rule, labels and time."""
    failed: defaultdict[RulePlace, list[Failure]] = defaultdict(list)
    for one in past.failures:
        if one.kind != "writing":
            failed[one.place].append(one)
    return [
        Interval(
            groups[group].name,
            groups[group].rules[index].name,
            labels,
            span.state,
            span.from_ms,
            span.to_ms,
            *_failures(failed.get((group, index), ()), span),
        )
        for ((group, index), labels), spans in sorted(past.spans.found.items())
        for span in spans
    ]


def _failures(failed: Sequence[Failure], span: Span) -> tuple[tuple[Instant, ...], Instant | None]:
    """Find those of a rule's failures that touch a span: `missed` and `forgotten_ms`."""
    low = bisect_left(failed, span.from_ms, key=_at)
    if span.to_ms is None:
        return tuple(one.at_ms for one in failed[low:]), None
    high = bisect_right(failed, span.to_ms + RESOLVED_RETENTION_MS, key=_at)
    mine = failed[low:high]
    limits = (one.at_ms for one in mine if one.kind == "limit")
    return tuple(one.at_ms for one in mine), next(limits, None)


def _at(failure: Failure) -> Instant:
    return failure.at_ms
