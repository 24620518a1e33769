"""A circle of rules is evaluated in one pass too: on guesses of what it writes, until one is right.

What a rule writes at a tick hangs on what its circle wrote before it alone. So where an evaluation
gives what it was given, that is what stepping would give; and each evaluation is right up to the
first tick at which its guess was not. States rarely change, and a few evaluations do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.alerting.rules.graph import Circle, Node, mutual_reads
from llm_research_lab.alerting.rules.labelling import Row, Rows
from llm_research_lab.alerting.rules.outcomes import Outcome, outcome_of, write
from llm_research_lab.alerting.rules.running import LimitError, Run
from llm_research_lab.alerting.rules.spans import RulePlace
from llm_research_lab.promql import (
    Columns,
    ExpressionError,
    Grid,
    Need,
    Options,
    QueryLimitError,
    Times,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher, accepts

GUESSES = 8
"""Evaluations of one range; a rule that counts its own samples needs one a tick."""

Reads = Mapping[tuple[Matcher, ...], frozenset[RulePlace]]


class _UnsettledError(Exception):
    """Something else than the circle wrote its series, or a series of it was left open."""


def settle(run: Run, circle: Circle, grid: Grid) -> bool:
    """Evaluate over the range and write; False, and nothing is written, where that does not do."""
    reads = mutual_reads(run.asked.groups, circle)
    if reads is None or grid.step_ms >= run.asked.options.lookback_ms:
        return False
    guess = _Guess(run, reads, grid.times - run.offset(circle.nodes[0]))
    try:
        for node in circle.nodes:
            guess.take(node, _lasting(run, node, grid.count))
        for _ in range(GUESSES):
            outcomes = [guess.evaluated(node, grid) for node in circle.nodes]
            right = [guess.take(one.node, one.rows) for one in outcomes]
            if all(right):
                return write(run, outcomes)
    except (ExpressionError, QueryLimitError, LimitError, _UnsettledError):
        return False
    return False


def _lasting(run: Run, node: Node, count: int) -> Rows:
    """Guess that what a rule wrote last goes on."""
    seen = run.past.seen.get((node.group, node.index), frozenset())
    series = run.past.written.series
    return {
        labels: Row(np.full(count, series[labels].last[1]), np.ones(count, np.bool_))
        for labels in seen
        if labels in series
    }


@dataclass(slots=True)
class _Guess:
    """What the circle's rules write over a range, as far as is known. `times` of samples, [T]."""

    run: Run
    reads: Reads
    times: Times
    rows: dict[RulePlace, Rows] = field(default_factory=dict)
    before: dict[Labels, float | None] = field(default_factory=dict)
    """What a selector sees of a series just before the range."""
    outside: dict[Need, tuple[Sequence[Columns], Sequence[Columns]]] = field(default_factory=dict)
    """What was fetched for a need, and what rules had written."""

    def take(self, node: Node, rows: Rows) -> bool:
        """Put a rule's rows in place of those that were guessed; tell whether they are equal."""
        place = node.group, node.index
        old, seen = self.rows.get(place, {}), self.run.past.seen.get(place, frozenset())
        nothing = Row(np.zeros(len(self.times)), np.zeros(len(self.times), np.bool_))
        self.rows[place] = {**dict.fromkeys(seen, nothing), **rows}
        for labels in self.rows[place]:
            if labels not in self.before:
                self.before[labels] = self._visible(labels, open_=labels in seen)
        return _equal(old, rows)

    def _visible(self, labels: Labels, *, open_: bool) -> float | None:
        series, options = self.run.past.written.series.get(labels), self.run.asked.options
        if series is None:
            return None
        time_ms, value, stale = series.last
        if stale or time_ms < _oldest(int(self.times[0]), options):
            return None
        if not open_:
            raise _UnsettledError
        return value

    def evaluated(self, node: Node, grid: Grid) -> Outcome:
        """Evaluate a rule on the guess."""

        def read(need: Need) -> list[Columns]:
            if need.matchers not in self.reads:
                return self.run.read(need)
            return [*self._outside(need), *self._columns(need.matchers, node)]

        return outcome_of(self.run, node, grid, read)

    def _outside(self, need: Need) -> list[Columns]:
        """Read what others write, and what the circle wrote that it will not write again."""
        if need not in self.outside:
            self.outside[need] = self.run.fetched.read(need), self.run.past.written.select(need)
        fetched, written = self.outside[need]
        if any(one in self.before for part in fetched for one in part.labels):
            raise _UnsettledError
        return [*fetched, *(part for one in written if (part := self._others(one)).labels)]

    def _others(self, columns: Columns) -> Columns:
        rows = [row for row, one in enumerate(columns.labels) if one not in self.before]
        if len(rows) == len(columns.labels):
            return columns
        stale = None if columns.stale is None else columns.stale[rows]
        labels = tuple(columns.labels[row] for row in rows)
        return Columns(labels, columns.times, columns.values[rows], stale)

    def _columns(self, matchers: tuple[Matcher, ...], reader: Node) -> list[Columns]:
        """Give the circle's series: what a rule writes at a tick is seen by the rules after it."""
        found = [
            (labels, self._delayed(labels, row) if reader.index <= place[1] else row)
            for place in sorted(self.reads[matchers])
            for labels, row in self.rows.get(place, {}).items()
            if accepts(matchers, labels)
        ]
        if not found:
            return []
        values, present = (
            np.stack([row.values for _, row in found]),
            np.stack([row.present for _, row in found]),
        )
        return [Columns(tuple(labels for labels, _ in found), self.times, values, ~present)]

    def _delayed(self, labels: Labels, row: Row) -> Row:
        before = self.before[labels]
        values = np.concatenate([[np.nan if before is None else before], row.values[:-1]])
        return Row(values, np.concatenate([[before is not None], row.present[:-1]]))


def _oldest(time_ms: Instant, options: Options) -> Instant:
    """Give the time of the oldest sample that a selector takes."""
    return time_ms - options.lookback_ms + (1 if options.compat == 3 else 0)  # noqa: PLR2004


def _equal(one: Rows, other: Rows) -> bool:
    mine, yours = (
        {labels: row for labels, row in rows.items() if row.present.any()} for rows in (one, other)
    )
    return mine.keys() == yours.keys() and all(
        np.array_equal(row.present, yours[labels].present)
        and row.values[row.present].tobytes() == yours[labels].values[row.present].tobytes()
        for labels, row in mine.items()
    )
