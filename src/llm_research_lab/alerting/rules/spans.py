"""An alert's state over the past is a row of spans, each from one tick to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from llm_research_lab.alerting.rules.state import INACTIVE, STATES, State, StateColumns
from llm_research_lab.promql import Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

RulePlace = tuple[int, int]
"""A rule's group and its place within it, both as numbers."""


@dataclass(frozen=True, slots=True)
class Span:
    """A state from the first tick with it to the first without; `to_ms` None: it lasts."""

    state: State
    from_ms: Instant
    to_ms: Instant | None


@dataclass(slots=True)
class Spans:
    """Spans of every alert, in the order of time; only the last one may last."""

    found: dict[tuple[RulePlace, Labels], list[Span]] = field(default_factory=dict)

    def take(
        self, place: RulePlace, labels: list[Labels], columns: StateColumns, times: Times
    ) -> None:
        """Note the states of a rule's alerts over a grid."""
        for row, one in enumerate(labels):
            states = columns.states[row]
            edges = [0, *(np.flatnonzero(np.diff(states)) + 1).tolist()]
            turns = list(zip(states[edges].tolist(), times[edges].tolist(), strict=True))
            self._turn(place, one, *turns[0])
            if len(turns) > 1:
                self._turns(self.found.setdefault((place, one), []), turns)

    @staticmethod
    def _turns(spans: list[Span], turns: list[tuple[int, Instant]]) -> None:
        """Add what follows the first turn, which stands; each state differs from the one before."""
        if turns[0][0] != INACTIVE:
            last = spans.pop()
            spans.append(Span(last.state, last.from_ms, turns[1][1]))
        spans += [
            Span(STATES[state], time, until)
            for (state, time), (_, until) in pairwise(turns[1:])
            if state != INACTIVE
        ]
        state, time = turns[-1]
        if state != INACTIVE:
            spans.append(Span(STATES[state], time, None))

    def end(self, place: RulePlace, time_ms: Instant) -> None:
        """Note that all alerts of a rule are gone."""
        for where, labels in self.found:
            if where == place:
                self._turn(place, labels, INACTIVE, time_ms)

    def _turn(self, place: RulePlace, labels: Labels, state: int, time_ms: Instant) -> None:
        spans = self.found.get((place, labels))
        last = spans[-1] if spans and spans[-1].to_ms is None else None
        if (STATES.index(last.state) if last else INACTIVE) == state:
            return
        if spans and last:
            spans[-1] = Span(last.state, last.from_ms, time_ms)
        if state != INACTIVE:
            self.found.setdefault((place, labels), []).append(Span(STATES[state], time_ms, None))
