"""Rules over a history, alerts through routes, pages to people: one replay, from files to records.

The range of time is walked in pieces of a week, so that memory does not grow with it, and so that
whoever waits is told how far it is; any cut gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llm_research_lab.alerting.notifying import Silence, Told, course
from llm_research_lab.alerting.rules import Asked, Past, Templates, evaluate_past, intervals
from llm_research_lab.alerting.rules.beginning import beginning
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.commands.replay.doubts import Doubt, doubts
from llm_research_lab.commands.replay.inputs import Inputs
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
from llm_research_lab.vocabulary import Instant

PIECE_MS = 7 * 86_400_000
INTERVAL_MS = 60_000
"""Of groups that give none. Source: Prometheus's default of evaluation_interval."""

UNBOUNDED = Limits(samples=1 << 62, series=1_000_000, memory_bytes=1 << 62, steps=1 << 40)
"""A replay is asked for by whoever sits before the machine; what it reads is cut by its pieces."""

Said = Callable[[Instant], None]


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


def replay_history(
    inputs: Inputs,
    source: SeriesStore,
    span: Span,
    *,
    silences: tuple[Silence, ...] = (),
    interval_ms: int = INTERVAL_MS,
    said: Said = lambda _until: None,
) -> Replayed:
    """Replay a history; `said` is told up to when the rules are evaluated."""
    past = _evaluated(inputs, source, span, interval_ms, said)
    fired = firings(intervals(inputs.groups, past))
    sent = arrivals(fired, span.to_ms)
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
        tuple(doubts(inputs, source, span, past, silences)),
    )


def _evaluated(
    inputs: Inputs, source: SeriesStore, span: Span, interval_ms: int, said: Said
) -> Past:
    options = replace(Options(default_step_ms=interval_ms), limits=UNBOUNDED)
    asked = Asked(
        inputs.groups,
        lambda need: source.select(need.matchers, need.from_ms, need.to_ms),
        options,
        interval_ms,
        templates=Templates(expanding(span.to_ms)),
    )
    asked, past = beginning(asked, span.from_ms)
    start = span.from_ms
    while start <= span.to_ms:
        end = min(start + PIECE_MS - 1, span.to_ms)
        past = evaluate_past(asked, start, end, past)
        said(end)
        start = end + 1
    return past
