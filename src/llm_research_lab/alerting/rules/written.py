"""What rules wrote can be read by the rules after them, staleness markers included."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql import Columns, Need
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import accepts


@dataclass(slots=True)
class _Series:
    times: list[Instant] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    stale: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Written:
    """Series in memory, appended in the order of time; a sample at or before the last is dropped.

    Source: Prometheus, rules/group.go, which counts and drops out-of-order and duplicate samples.
    """

    series: dict[Labels, _Series] = field(default_factory=dict)

    def append(self, labels: Labels, time_ms: Instant, value: float, *, stale: bool) -> None:
        """Add a sample to a series."""
        found = self.series.setdefault(labels, _Series())
        if found.times and found.times[-1] >= time_ms:
            return
        found.times.append(time_ms)
        found.values.append(value)
        found.stale.append(stale)

    def select(self, need: Need) -> list[Columns]:
        """Give what a need reads, a series each."""
        found = []
        for labels in sorted(self.series):
            if not accepts(need.matchers, labels):
                continue
            one = self.series[labels]
            low, high = bisect_left(one.times, need.from_ms), bisect_right(one.times, need.to_ms)
            if low < high:
                stale = np.array([one.stale[low:high]], np.bool_)
                times = np.array(one.times[low:high], np.int64)
                values = np.array([one.values[low:high]], np.float64)
                found.append(Columns((labels,), times, values, stale))
        return found
