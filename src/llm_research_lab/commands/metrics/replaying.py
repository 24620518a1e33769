"""Rule files are evaluated over the samples that a store holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llm_research_lab.alerting.rules.past import Asked, evaluate_past
from llm_research_lab.commands.metrics.engine import Source
from llm_research_lab.commands.metrics.ruling import load_rules
from llm_research_lab.commands.metrics.written import batch_of
from llm_research_lab.promql import Options
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, without

STATE = "alertstate"


@dataclass(frozen=True, slots=True)
class Interval:
    """An alert was in a state from one tick to another, both included."""

    rule: str
    labels: Labels
    state: str
    from_ms: Instant
    to_ms: Instant


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules would have said: states by interval, samples by record, failures in words."""

    intervals: tuple[Interval, ...]
    records: dict[str, int]
    failures: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "intervals": [
                {
                    "alert": one.rule,
                    "labels": dict(one.labels),
                    "state": one.state,
                    "from": rfc3339(one.from_ms),
                    "to": rfc3339(one.to_ms),
                }
                for one in self.intervals
            ],
            "records": self.records,
            "failures": list(self.failures),
        }


def evaluate_files(
    source: Source, files: Sequence[Path], from_ms: Instant, to_ms: Instant, interval_ms: int
) -> Replayed:
    """Evaluate the files' groups at their ticks in the range. Raises InvalidError for bad files."""
    groups = tuple(one.group for one in load_rules(files))
    asked = Asked(
        groups,
        lambda need: source.select(need.matchers, need.from_ms, need.to_ms),
        Options(default_step_ms=interval_ms),
        interval_ms,
    )
    past = evaluate_past(asked, from_ms, to_ms)
    failures = tuple(f"{one.rule} at {rfc3339(one.at_ms)}: {one.why}" for one in past.failures)
    batch = batch_of(past)
    if batch is None:
        return Replayed((), {}, failures)
    alerts: dict[Labels, list[tuple[Instant, bool]]] = {}
    records: Counter[str] = Counter()
    stale = np.zeros(len(batch.labels), np.bool_) if batch.stale is None else batch.stale
    for labels, at, gone in zip(batch.labels, batch.times.tolist(), stale.tolist(), strict=True):
        name = label(labels, METRIC_NAME)
        if name == "ALERTS":
            alerts.setdefault(labels, []).append((at, gone))
        elif name != "ALERTS_FOR_STATE" and not gone:
            records[name] += 1
    intervals = [one for labels, seen in alerts.items() for one in _intervals(labels, seen)]
    intervals.sort(key=lambda one: (one.from_ms, one.rule, one.labels))
    return Replayed(tuple(intervals), dict(records), failures)


def _intervals(labels: Labels, seen: list[tuple[Instant, bool]]) -> list[Interval]:
    """Join ticks up to a stale marker."""
    rule, state = label(labels, "alertname"), label(labels, STATE)
    own = without(labels, (METRIC_NAME, STATE))
    found, begun, last = [], None, 0
    for at, gone in seen:
        if not gone:
            begun, last = (at if begun is None else begun), at
        elif begun is not None:
            found.append(Interval(rule, own, state, begun, last))
            begun = None
    if begun is not None:
        found.append(Interval(rule, own, state, begun, last))
    return found
