"""What rules wrote can be read by the rules after them, staleness markers included.

A sample must come after the last of its series; the same sample once more is taken for the last.
Source: Prometheus, tsdb/head_append.go, `appendable`; rules/group.go counts what is refused.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql import Columns, Flags, Floats, Need, Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label
from llm_research_lab.vocabulary.matchers import accepts

DUPLICATE = "duplicate sample for timestamp"
OUT_OF_ORDER = "out of order sample"

_LEAST = 16
"""Room for samples that a grown part begins with."""

_MOST = 1_024
"""A part that holds so many samples grows no more: the next ones begin another."""

Cut = tuple[int, int, int]
"""Which time column (its `id`), from where to where: equal ones can be shared."""


@dataclass(slots=True, eq=False)
class _Part:
    """Samples of one series; the first `count` of each column count, the rest is room.

    Shapes: `times` int64, `values` float64, `stale` bool, None while no marker stands.
    """

    times: Times
    values: Floats
    stale: Flags | None
    count: int
    last_ms: Instant

    def cut(self, need: Need) -> Cut:
        """Find what the need reads."""
        own = self.times[: self.count]
        low = 0 if need.from_ms <= int(own[0]) else int(own.searchsorted(need.from_ms))
        over = need.to_ms >= self.last_ms
        return (
            id(self.times),
            low,
            self.count if over else int(own.searchsorted(need.to_ms, "right")),
        )

    def extend(self, times: Times, values: Floats, stale: Flags | None) -> None:
        """Add samples that follow."""
        count = self.count + len(times)
        if count > len(self.times):
            self._grow(max(2 * count, _LEAST))
        if stale is not None and self.stale is None:
            self.stale = np.zeros(len(self.times), np.bool_)
        self.times[self.count : count] = times
        self.values[self.count : count] = values
        if self.stale is not None:
            self.stale[self.count : count] = False if stale is None else stale
        self.count, self.last_ms = count, int(times[-1])

    def _grow(self, room: int) -> None:
        """Take columns of its own: shared ones are never written to."""
        count, more = self.count, room - self.count
        self.times = np.concatenate([self.times[:count], np.zeros(more, np.int64)])
        self.values = np.concatenate([self.values[:count], np.zeros(more)])
        if self.stale is not None:
            self.stale = np.concatenate([self.stale[:count], np.zeros(more, np.bool_)])


@dataclass(slots=True, eq=False)
class Series:
    """Samples of one series, in parts that follow each other; never empty."""

    parts: list[_Part]

    @property
    def count(self) -> int:
        """How many samples, markers among them."""
        return sum(part.count for part in self.parts)

    @property
    def times(self) -> Times:
        """Milliseconds, increasing."""
        return np.concatenate([part.times[: part.count] for part in self.parts])

    @property
    def values(self) -> Floats:
        """Values; a marker's is NaN."""
        return np.concatenate([part.values[: part.count] for part in self.parts])

    @property
    def stale(self) -> Flags:
        """Where the sample is a staleness marker."""
        return np.concatenate([_flags(part, 0, part.count) for part in self.parts])

    @property
    def last_ms(self) -> Instant:
        """The last sample's time."""
        return self.parts[-1].last_ms

    @property
    def last(self) -> tuple[Instant, float, bool]:
        """The last sample: its time, its value, and whether it is a marker."""
        part = self.parts[-1]
        marked = part.stale is not None and bool(part.stale[part.count - 1])
        return part.last_ms, float(part.values[part.count - 1]), marked

    def cuts(self, need: Need) -> tuple[tuple[int, Cut], ...]:
        """Find what the need reads: of which parts, by their numbers, and from where to where."""
        found: list[tuple[int, Cut]] = []
        for number in range(len(self.parts) - 1, -1, -1):
            part = self.parts[number]
            if part.last_ms < need.from_ms:
                break
            cut = part.cut(need)
            if cut[1] < cut[2]:
                found.append((number, cut))
        return tuple(found[::-1])

    def refused(self, time_ms: Instant, value: float, *, stale: bool) -> str | None:
        """Why a sample cannot follow; None where it can, or stands already."""
        last_ms, last, marked = self.last
        if time_ms != last_ms:
            return OUT_OF_ORDER if time_ms < last_ms else None
        one, other = np.float64(last), np.float64(value)
        same = one.view(np.int64) == other.view(np.int64) or (stale and np.isnan(one))
        return None if same and marked == stale else DUPLICATE

    def extend(self, times: Times, values: Floats, stale: Flags | None) -> None:
        """Add samples that follow; the arrays must not change afterwards."""
        if self.parts[-1].count + len(times) <= _MOST:
            self.parts[-1].extend(times, values, stale)
        else:
            self.parts.append(_Part(times, values, stale, len(times), int(times[-1])))


@dataclass(slots=True)
class Written:
    """Series in memory, found by their name."""

    series: dict[Labels, Series] = field(default_factory=dict)
    _named: dict[str, list[Labels]] = field(default_factory=lambda: defaultdict(list))

    def append(self, labels: Labels, time_ms: Instant, value: float, *, stale: bool) -> str | None:
        """Add a sample to a series, or say why it is refused."""
        found = self.series.get(labels)
        refusal = None if found is None else found.refused(time_ms, value, stale=stale)
        if refusal is None and not self.reaches(labels, time_ms):
            times, values = np.array([time_ms], np.int64), np.array([value], np.float64)
            self.extend(labels, times, values, np.array([True]) if stale else None)
        return refusal

    def extend(self, labels: Labels, times: Times, values: Floats, stale: Flags | None) -> None:
        """Add samples that follow the series' last; the arrays must not change afterwards."""
        found = self.series.get(labels)
        if found is not None:
            found.extend(times, values, stale)
            return
        self.series[labels] = Series([_Part(times, values, stale, len(times), int(times[-1]))])
        insort(self._named[label(labels, METRIC_NAME)], labels)

    def reaches(self, labels: Labels, time_ms: Instant) -> bool:
        """Whether the series has a sample at or after an instant."""
        found = self.series.get(labels)
        return found is not None and found.last_ms >= time_ms

    def select(self, need: Need) -> list[Columns]:
        """Give what a need reads, in the order of labels; series that share times share columns."""
        groups: dict[tuple[tuple[int, Cut], ...], list[Labels]] = {}
        for labels in self._candidates(need):
            if accepts(need.matchers, labels):
                cuts = self.series[labels].cuts(need)
                if cuts:
                    groups.setdefault(cuts, []).append(labels)
        equal: dict[bytes, tuple[Times, list[_Found]]] = {}
        for cuts, members in groups.items():
            times = _joined([self.series[members[0]].parts[n].times[a:b] for n, (_, a, b) in cuts])
            found = equal.setdefault(times.tobytes(), (times, []))[1]
            found += [(labels, self.series[labels], cuts) for labels in members]
        return [_columns(times, found) for times, found in equal.values()]

    def _candidates(self, need: Need) -> Sequence[Labels]:
        for one in need.matchers:
            if one.name == METRIC_NAME and one.op == "=":
                return self._named.get(one.value, [])
        return sorted(self.series)


_Found = tuple[Labels, Series, tuple[tuple[int, Cut], ...]]


def _columns(times: Times, found: Sequence[_Found]) -> Columns:
    shape = (len(found), len(times))
    values, stale = np.empty(shape), None
    for row, (_, series, cuts) in enumerate(found):
        at = 0
        for number, (_, low, high) in cuts:
            part, end = series.parts[number], at + high - low
            values[row, at:end] = part.values[low:high]
            if part.stale is not None and part.stale[low:high].any():
                stale = np.zeros(shape, np.bool_) if stale is None else stale
                stale[row, at:end] = part.stale[low:high]
            at = end
    return Columns(tuple(labels for labels, _, _ in found), times, values, stale)


def _flags(part: _Part, low: int, high: int) -> Flags:
    return np.zeros(high - low, np.bool_) if part.stale is None else part.stale[low:high]


def _joined(parts: Sequence[Times]) -> Times:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
