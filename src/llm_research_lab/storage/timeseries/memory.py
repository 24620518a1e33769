"""The store's twin in memory: the same answers, kept until the process ends."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.promql.values import Columns, Flags, Floats, Times
from llm_research_lab.storage.timeseries.port import Appended, Batch
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher, accepts


@dataclass(slots=True)
class _Series:
    """Samples by time; sorted when they are read."""

    samples: dict[int, tuple[float, bool]] = field(default_factory=dict)
    columns: tuple[Times, Floats, Flags] | None = None

    def sorted(self) -> tuple[Times, Floats, Flags]:
        if self.columns is None:
            times = np.array(sorted(self.samples), dtype=np.int64)
            pairs = [self.samples[time] for time in times.tolist()]
            values = np.array([value for value, _ in pairs], dtype=np.float64)
            stale = np.array([marked for _, marked in pairs], dtype=np.bool_)
            self.columns = (times, values, stale)
        return self.columns


class MemorySeries:
    """Safe to be used from many threads."""

    def __init__(self) -> None:
        self._series: dict[Labels, _Series] = {}
        self._lock = threading.Lock()

    def append(self, batch: Batch) -> Appended:
        """Keep the batch's samples."""
        stale = [False] * len(batch.labels) if batch.stale is None else batch.stale.tolist()
        counts = dict.fromkeys(("taken", "duplicate", "conflicting"), 0)
        rows = zip(batch.labels, batch.times.tolist(), batch.values.tolist(), stale, strict=True)
        with self._lock:
            for labels, time, value, marked in rows:
                counts[self._add(labels, time, value, marked=marked)] += 1
        return Appended(**counts)

    def _add(self, labels: Labels, time: int, value: float, *, marked: bool) -> str:
        series = self._series.setdefault(labels, _Series())
        known = series.samples.get(time)
        if known is None:
            series.samples[time] = (value, marked)
            series.columns = None
            return "taken"
        same = known[1] == marked and (marked or known[0] == value or known[0] != value != value)  # noqa: PLR0124
        return "duplicate" if same else "conflicting"

    def select(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> list[Columns]:
        """Give the samples, series with equal times together."""
        groups: dict[bytes, list[tuple[Labels, Times, Floats, Flags]]] = defaultdict(list)
        for labels, times, values, stale in self._cut(matchers, from_ms, to_ms):
            groups[times.tobytes()].append((labels, times, values, stale))
        return [_together(group) for group in groups.values()]

    def series(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> list[Labels]:
        """Name the series that have samples in the time."""
        return [labels for labels, *_ in self._cut(matchers, from_ms, to_ms)]

    def close(self) -> None:
        """Keep everything: a twin may be looked at afterwards."""

    def _cut(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> Iterable[tuple[Labels, Times, Floats, Flags]]:
        with self._lock:
            for labels, series in self._series.items():
                if not accepts(tuple(matchers), labels):
                    continue
                times, values, stale = series.sorted()
                low = int(np.searchsorted(times, from_ms, "left"))
                high = int(np.searchsorted(times, to_ms, "right"))
                if low < high:
                    yield labels, times[low:high], values[low:high], stale[low:high]


def _together(group: list[tuple[Labels, Times, Floats, Flags]]) -> Columns:
    stale = np.stack([one[3] for one in group])
    return Columns(
        tuple(one[0] for one in group),
        group[0][1],
        np.stack([one[2] for one in group]),
        stale if stale.any() else None,
    )
