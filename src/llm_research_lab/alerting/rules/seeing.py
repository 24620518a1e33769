"""Annotations see what the rule's expression saw: nothing that it, or a rule after it, wrote since.

Source: Prometheus, rules/alerting.go, `Eval`: templates are expanded before a sample is appended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llm_research_lab.alerting.rules.labelling import Query
from llm_research_lab.alerting.rules.running import Asked, Past, answer
from llm_research_lab.alerting.rules.spans import RulePlace
from llm_research_lab.alerting.rules.writes import Writes, writes
from llm_research_lab.promql import Columns, Flags, Need
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import accepts

Later = tuple[Instant, Writes]
"""From when on what a rule writes was not there."""


def seen_by(
    asked: Asked,
    past: Past,
    place: RulePlace,
    at_ms: Instant,
    given: frozenset[Labels] = frozenset(),
) -> Query:
    """Answer as the rule at a place would have been at its tick; `given`: no rule wrote these."""
    earlier, later = _parted(asked, place, at_ms)

    def fetch(need: Need) -> list[Columns]:
        written = past.written.select(need)
        parts = [part for one in written for part in _without(one, earlier, later, given)]
        return [*asked.fetch(need), *parts]

    return answer(replace(asked, fetch=fetch), Past(), at_ms)


def _parted(
    asked: Asked, place: RulePlace, at_ms: Instant
) -> tuple[Sequence[Writes], Sequence[Later]]:
    """Part what rules before the place write from what it and those after it do."""
    earlier: list[Writes] = []
    later: list[Later] = []
    for number, group in enumerate(asked.groups):
        since = at_ms - (group.query_offset_ms or 0)
        for index, rule in enumerate(group.rules):
            ordered = asked.in_order or number == place[0]
            if ordered and (number, index) >= place:
                later += [(since, one) for one in writes(group, rule)]
            else:
                earlier += writes(group, rule)
    return earlier, later


def _without(
    columns: Columns, earlier: Sequence[Writes], later: Sequence[Later], given: frozenset[Labels]
) -> Iterator[Columns]:
    """Leave out what was written since; what a rule before may have written as well stays."""
    ends: dict[Instant, list[int]] = {}
    end = int(columns.times[-1]) + 1
    for row, labels in enumerate(columns.labels):
        since = [at for at, one in later if at < end and accepts(one, labels)]
        before = labels in given or any(accepts(one, labels) for one in earlier)
        hidden = since and not before
        ends.setdefault(min(since) if hidden else end, []).append(row)
    if [*ends] == [end]:
        yield columns
        return
    for until, rows in ends.items():
        inside = columns.times < until
        if inside.any():
            yield _part(columns, rows, inside)


def _part(columns: Columns, rows: list[int], inside: Flags) -> Columns:
    labels = tuple(columns.labels[row] for row in rows)
    stale = None if columns.stale is None else columns.stale[rows][:, inside]
    return Columns(labels, columns.times[inside], columns.values[rows][:, inside], stale)
