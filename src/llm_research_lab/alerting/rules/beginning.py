"""Where a range begins, what was recorded before stands; from there on rules alone write theirs.

A store in which the same rules are evaluated live holds what they recorded: read beside what they
write over the past, every series of theirs would be there twice, and a changed rule would be
outvoted by what it once was. A rule's series are known by its name and the labels it gives; what a
template's ``query`` or ``info`` reads of them before the range is what other rules reach back to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from llm_research_lab.alerting.rules.running import Asked, Fetch, Past
from llm_research_lab.alerting.rules.writes import Writes, writes
from llm_research_lab.promql import Columns, Grid, Need, needs
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label
from llm_research_lab.vocabulary.matchers import accepts


def beginning(asked: Asked, from_ms: Instant) -> tuple[Asked, Past]:
    """Give what to ask from `from_ms` on, and the past to hand to `evaluate_past` with it."""
    written = [
        (group, one)
        for group in asked.groups
        for rule in group.rules
        for one in writes(group, rule)
    ]
    past = Past()
    earliest = _earliest(asked, from_ms)
    for group, one in written:
        before = from_ms - (group.query_offset_ms or 0) - 1
        if earliest <= before:
            _take(past, asked.fetch(Need(one, earliest, before)))
    rest = _Rest(asked.fetch)
    for _, one in written:
        rest.writes[one[0].value].append(one)
    return replace(asked, fetch=rest), past


def _earliest(asked: Asked, from_ms: Instant) -> Instant:
    """Find how far the rules reach back at the first tick."""
    reached = [from_ms]
    for group in asked.groups:
        at = from_ms - (group.query_offset_ms or 0)
        for rule in group.rules:
            reached += [one.from_ms for one in needs(rule.expr, Grid(at, at, 0), asked.options)]
    return min(reached)


def _take(past: Past, found: Sequence[Columns]) -> None:
    """Keep series as if the rules had written them."""
    for columns in found:
        for row, labels in enumerate(columns.labels):
            if labels not in past.written.series:
                stale = None if columns.stale is None else columns.stale[row]
                past.written.extend(labels, columns.times, columns.values[row], stale)


@dataclass(frozen=True, slots=True)
class _Rest:
    """Fetches what no rule writes; `writes` by name."""

    fetch: Fetch
    writes: dict[str, list[Writes]] = field(default_factory=lambda: defaultdict(list))
    known: dict[Labels, bool] = field(default_factory=dict)

    def __call__(self, need: Need) -> list[Columns]:
        parts = (self._part(one) for one in self.fetch(need))
        return [one for one in parts if one.labels]

    def _part(self, columns: Columns) -> Columns:
        kept = [not self._written(labels) for labels in columns.labels]
        if all(kept):
            return columns
        rows = np.flatnonzero(kept)
        return Columns(
            tuple(columns.labels[row] for row in rows.tolist()),
            columns.times,
            columns.values[rows],
            None if columns.stale is None else columns.stale[rows],
            starts=None if columns.starts is None else columns.starts[rows],
        )

    def _written(self, labels: Labels) -> bool:
        known = self.known.get(labels)
        if known is None:
            writes = self.writes.get(label(labels, METRIC_NAME), ())
            known = any(accepts(one, labels) for one in writes)
            self.known[labels] = known
        return known
