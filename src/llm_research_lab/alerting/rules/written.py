"""What rules wrote can be read by the rules after them, staleness markers included.

A sample must come after the last of its series; the same sample once more is taken for the last.
Source: Prometheus, tsdb/head_append.go, `appendable`; rules/group.go counts what is refused.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql import Columns, Flags, Floats, Need, Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label
from llm_research_lab.vocabulary.matchers import accepts

DUPLICATE = "duplicate sample for timestamp"
OUT_OF_ORDER = "out of order sample"

_LEAST = 16
"""Room for samples that a grown series begins with."""


@dataclass(slots=True, eq=False)
class Series:
    """Samples of one series; the first `count` of each column count, the rest is room.

    Shapes: `_times` int64, `_values` float64, `_stale` bool, None while no marker stands.
    """

    _times: Times
    _values: Floats
    _stale: Flags | None
    count: int

    @property
    def times(self) -> Times:
        """Milliseconds, increasing."""
        return self._times[: self.count]

    @property
    def values(self) -> Floats:
        """Values; a marker's is NaN."""
        return self._values[: self.count]

    @property
    def stale(self) -> Flags:
        """Where the sample is a staleness marker."""
        if self._stale is None:
            return np.zeros(self.count, np.bool_)
        return self._stale[: self.count]

    def shared(self, need: Need) -> tuple[int, int, int]:
        """Which time column, and which part of it, the need reads: equal ones can be shared."""
        low = int(self.times.searchsorted(need.from_ms))
        high = int(self.times.searchsorted(need.to_ms, "right"))
        return id(self._times), low, high

    def part(self, need: Need) -> tuple[Times, Floats, Flags]:
        """Give the columns between the need's ends."""
        _, low, high = self.shared(need)
        return self.times[low:high], self.values[low:high], self.stale[low:high]

    def refused(self, time_ms: Instant, value: float, *, stale: bool) -> str | None:
        """Why a sample cannot follow; None where it can, or stands already."""
        last = int(self._times[self.count - 1])
        if time_ms != last:
            return OUT_OF_ORDER if time_ms < last else None
        one, other = self._values[self.count - 1], np.float64(value)
        same = one.view(np.int64) == other.view(np.int64) or (stale and np.isnan(one))
        return None if same and bool(self.stale[-1]) == stale else DUPLICATE

    def extend(self, times: Times, values: Floats, stale: Flags | None) -> None:
        """Add samples that follow."""
        count = self.count + len(times)
        if count > len(self._times):
            self._grow(max(2 * count, _LEAST))
        if stale is not None and self._stale is None:
            self._stale = np.zeros(len(self._times), np.bool_)
        self._times[self.count : count] = times
        self._values[self.count : count] = values
        if self._stale is not None:
            self._stale[self.count : count] = False if stale is None else stale
        self.count = count

    def _grow(self, room: int) -> None:
        """Take columns of its own: shared ones are never written to."""
        self._times = np.concatenate([self.times, np.zeros(room - self.count, np.int64)])
        self._values = np.concatenate([self.values, np.zeros(room - self.count)])
        if self._stale is not None:
            gap = np.zeros(room - self.count, np.bool_)
            self._stale = np.concatenate([self._stale[: self.count], gap])


@dataclass(slots=True)
class Written:
    """Series in memory, found by their name."""

    series: dict[Labels, Series] = field(default_factory=dict)
    _named: dict[str, list[Labels]] = field(default_factory=lambda: defaultdict(list))

    def append(self, labels: Labels, time_ms: Instant, value: float, *, stale: bool) -> str | None:
        """Add a sample to a series, or say why it is refused."""
        found = self.series.get(labels)
        times, values = np.array([time_ms], np.int64), np.array([value], np.float64)
        flags = np.array([True]) if stale else None
        if found is None:
            self.extend(labels, times, values, flags)
            return None
        refusal = found.refused(time_ms, value, stale=stale)
        if refusal is None and found.times[-1] < time_ms:
            found.extend(times, values, flags)
        return refusal

    def extend(self, labels: Labels, times: Times, values: Floats, stale: Flags | None) -> None:
        """Add samples that follow the series' last; the arrays must not change afterwards."""
        found = self.series.get(labels)
        if found is not None:
            found.extend(times, values, stale)
            return
        self.series[labels] = Series(times, values, stale, len(times))
        insort(self._named[label(labels, METRIC_NAME)], labels)

    def reaches(self, labels: Labels, time_ms: Instant) -> bool:
        """Whether the series has a sample at or after an instant."""
        found = self.series.get(labels)
        return found is not None and int(found.times[-1]) >= time_ms

    def select(self, need: Need) -> list[Columns]:
        """Give what a need reads, in the order of labels; series that share times share columns."""
        groups: dict[tuple[int, int, int], list[Labels]] = {}
        for labels in self._candidates(need):
            if accepts(need.matchers, labels):
                groups.setdefault(self.series[labels].shared(need), []).append(labels)
        equal: dict[bytes, list[Labels]] = {}
        for (_, low, high), members in groups.items():
            if low < high:
                times = self.series[members[0]].times[low:high]
                equal.setdefault(times.tobytes(), []).extend(members)
        return [self._columns(members, need) for members in equal.values()]

    def _candidates(self, need: Need) -> list[Labels]:
        for one in need.matchers:
            if one.name == METRIC_NAME and one.op == "=":
                return self._named.get(one.value, [])
        return sorted(self.series)

    def _columns(self, members: list[Labels], need: Need) -> Columns:
        parts = [self.series[labels].part(need) for labels in members]
        values = np.stack([values for _, values, _ in parts])
        stale = np.stack([stale for _, _, stale in parts])
        return Columns(tuple(members), parts[0][0], values, stale if stale.any() else None)
