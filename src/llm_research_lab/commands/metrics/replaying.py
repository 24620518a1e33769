"""Rule files are evaluated over the samples that a store holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_research_lab.alerting.rules import Asked, Interval, Templates, evaluate_past, intervals
from llm_research_lab.alerting.rules.beginning import beginning
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.commands.metrics.engine import Source
from llm_research_lab.commands.metrics.ruling import load_rules
from llm_research_lab.promql import Options
from llm_research_lab.vocabulary import Instant, rfc3339
from llm_research_lab.vocabulary.labels import METRIC_NAME, label

ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules would have said: states by interval, samples by record, failures in words."""

    intervals: tuple[Interval, ...]
    until_ms: Instant
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
                    "to": rfc3339(self.until_ms if one.to_ms is None else one.to_ms),
                    "lasts": one.to_ms is None,
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
        templates=Templates(expanding(to_ms)),
    )
    asked, past = beginning(asked, from_ms)
    before = {
        labels: one.count - int(one.stale.sum()) for labels, one in past.written.series.items()
    }
    evaluate_past(asked, from_ms, to_ms, past)
    failures = tuple(f"{one.rule} at {rfc3339(one.at_ms)}: {one.why}" for one in past.failures)
    records: Counter[str] = Counter()
    for labels, one in past.written.series.items():
        name = label(labels, METRIC_NAME)
        if name not in ALERTS:
            records[name] += one.count - int(one.stale.sum()) - before.get(labels, 0)
    found = [one for one in intervals(groups, past) if one.state != "inactive"]
    found.sort(key=lambda one: (one.from_ms, one.rule, one.labels))
    return Replayed(tuple(found), to_ms, dict(records), failures)
