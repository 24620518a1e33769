"""Rules over a history, alerts through routes, pages to people: one replay, from files to records.

The range of time is walked in pieces of a month, so that memory does not grow with it, and so that
whoever waits is told how far it is; any cut gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from llm_research_lab.alerting.notifying import Silence, Told, course
from llm_research_lab.alerting.rules import Asked, Templates, evaluate_past, intervals
from llm_research_lab.alerting.rules.beginning import beginning
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.commands.replay.doubts import Doubt, doubts
from llm_research_lab.commands.replay.inputs import Inputs
from llm_research_lab.commands.replay.remembering import Evaluated, remembered
from llm_research_lab.promql import Options
from llm_research_lab.promql.values import Limits
from llm_research_lab.storage.timeseries import SeriesStore
from llm_research_lab.stories.replay import (
    Firing,
    Outcome,
    Record,
    arrivals,
    firings,
    outcomes,
    replay,
)
from llm_research_lab.stories.replay.firing import Sending
from llm_research_lab.vocabulary import Instant

PIECE_MS = 30 * 86_400_000
INTERVAL_MS = 60_000
"""Of groups that give none. Source: Prometheus's default of evaluation_interval."""

UNBOUNDED = Limits(samples=1 << 62, series=1_000_000, memory_bytes=1 << 62, steps=1 << 40)
"""A replay is asked for by whoever sits before the machine; what it reads is cut by its pieces."""

Said = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Span:
    """The range of a replay, both ends included."""

    from_ms: Instant
    to_ms: Instant


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have been: who fired, who was told, who was woken, and what is not known."""

    inputs: Inputs
    span: Span
    fired: tuple[Firing, ...]
    told: tuple[Told, ...]
    records: tuple[Record, ...]
    outcomes: tuple[Outcome, ...]
    never: tuple[str, ...]
    """Alerts of the rules that never fired, in the files' order."""
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """Where what rules gave is remembered, and a digest of the history that they read."""

    place: Path
    history: str


def replay_history(
    inputs: Inputs,
    source: SeriesStore,
    span: Span,
    *,
    silences: tuple[Silence, ...] = (),
    interval_ms: int = INTERVAL_MS,
    memory: Memory | None = None,
    said: Said = lambda _done, _of: None,
) -> Replayed:
    """Replay a history; `said` is told how much of the evaluation is done, and of how much."""
    found = _evaluated(inputs, source, span, interval_ms, memory, said)
    fired = firings(found.intervals)
    intervals_ms = {one.name: one.interval_ms for one in inputs.groups if one.interval_ms}
    sent = arrivals(fired, span.to_ms, Sending(intervals_ms, interval_ms))
    told = tuple(course(inputs.configuration, sent, silences, span.from_ms, span.to_ms))
    records = tuple(replay(told, inputs.roster, inputs.responders, span.to_ms))
    names = [rule.name for group in inputs.groups for rule in group.rules if rule.kind == "alert"]
    known = {one.rule for one in fired}
    return Replayed(
        inputs,
        span,
        tuple(fired),
        told,
        records,
        tuple(outcomes(fired, told, records)),
        tuple(name for name in dict.fromkeys(names) if name not in known),
        tuple(doubts(inputs, source, span, found.failures, silences)),
    )


def _evaluated(  # noqa: PLR0917 - the whole of it
    inputs: Inputs,
    source: SeriesStore,
    span: Span,
    interval_ms: int,
    memory: Memory | None,
    said: Said,
) -> Evaluated:
    options = replace(Options(default_step_ms=interval_ms), limits=UNBOUNDED)
    asked = Asked(
        inputs.groups,
        lambda need: source.select(need.matchers, need.from_ms, need.to_ms),
        options,
        interval_ms,
        templates=Templates(expanding(span.to_ms)),
    )
    asked, past = beginning(asked, span.from_ms)
    if memory is not None:
        whole = (span.from_ms, span.to_ms)
        return remembered(asked, past, whole, memory.history, place=memory.place, said=said)
    length = span.to_ms - span.from_ms + 1
    for start in range(span.from_ms, span.to_ms + 1, PIECE_MS):
        end = min(start + PIECE_MS - 1, span.to_ms)
        past = evaluate_past(asked, start, end, past)
        said((end - span.from_ms + 1) // 1000, length // 1000)
    return Evaluated(tuple(intervals(inputs.groups, past)), tuple(past.failures))
