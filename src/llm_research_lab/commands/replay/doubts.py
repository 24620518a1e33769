"""What a history cannot tell is said, at the head of the report and wherever it touches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_research_lab.alerting.notifying import Silence
from llm_research_lab.alerting.rules import Failure
from llm_research_lab.commands.replay.inputs import Inputs
from llm_research_lab.promql import Grid, Options, needs
from llm_research_lab.storage.timeseries import SeriesStore
from llm_research_lab.vocabulary import rfc3339
from llm_research_lab.vocabulary.labels import METRIC_NAME
from llm_research_lab.vocabulary.matchers import Matcher

if TYPE_CHECKING:
    from llm_research_lab.commands.replay.running import Span

GRACE_MS = 60 * 60_000
"""A series that begins within the first hour has been there all along."""

OF_THE_RULES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that is not known: what kind, in words, and which rules it touches."""

    kind: str
    told: str
    rules: tuple[str, ...] = ()


def doubts(
    inputs: Inputs,
    source: SeriesStore,
    span: Span,
    failures: Sequence[Failure],
    silences: Sequence[Silence],
) -> Iterator[Doubt]:
    """Give all doubts, the general ones first."""
    yield Doubt("late samples", "Samples are taken to have arrived when they were made.")
    yield Doubt(
        "beginning",
        f"Nothing is known of the time before {rfc3339(span.from_ms)[:19]}Z: what was pending or "
        "firing then begins anew, and nobody had been told of it.",
    )
    if not silences:
        yield Doubt("silences", "No silences were recorded: whatever was silenced is told here.")
    if inputs.roster.from_ms > span.from_ms:
        yield Doubt(
            "roster",
            f"The roster begins at {rfc3339(inputs.roster.from_ms)[:19]}Z: nobody is known to be "
            "on call before.",
        )
    if inputs.assumed:
        yield Doubt(
            "responders",
            "How soon people acknowledge is assumed: four minutes by day, nine at night.",
        )
    yield from _missing(inputs, source, span)
    failed: dict[tuple[str, str], int] = {}
    for one in failures:
        failed[one.rule, one.why] = failed.get((one.rule, one.why), 0) + 1
    for (rule, why), count in failed.items():
        yield Doubt("failure", f"{rule} could not be evaluated {count} times: {why}.", (rule,))


def is_name(matcher: Matcher) -> bool:
    """Whether the matcher asks for one metric's name."""
    return (matcher.name, matcher.op) == (METRIC_NAME, "=")


def _missing(inputs: Inputs, source: SeriesStore, span: Span) -> Iterator[Doubt]:
    """Name the metrics that rules read and that the history has not, or has later only."""
    recorded = {rule.name for group in inputs.groups for rule in group.rules}
    grid = Grid(span.from_ms, span.to_ms, max(1, span.to_ms - span.from_ms))
    readers: dict[str, list[str]] = {}
    for group in inputs.groups:
        for rule in group.rules:
            for need in needs(rule.expr, grid, Options()):
                name = next(
                    (
                        one.value
                        for one in need.matchers
                        if (one.name, one.op) == (METRIC_NAME, "=")
                    ),
                    "",
                )
                if name and name not in recorded | OF_THE_RULES:
                    readers.setdefault(name, []).append(rule.name)
    for name, rules in sorted(readers.items()):
        matchers = [Matcher(METRIC_NAME, "=", name)]
        touched = tuple(dict.fromkeys(rules))
        if not source.series(matchers, span.from_ms, span.to_ms):
            yield Doubt("no series", f"The history has no {name}.", touched)
        elif not source.series(matchers, span.from_ms, span.from_ms + GRACE_MS):
            yield Doubt("later series", f"{name} is not there from the beginning.", touched)
