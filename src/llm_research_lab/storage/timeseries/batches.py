"""Which samples of a batch come in time: neither too late, nor ahead of the writer's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from llm_research_lab.promql.values import Columns, Flags
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.vocabulary import Finding, Instant, rfc3339


def since(batch: Batch, bound_ms: int | None) -> tuple[Batch, int]:
    """Leave out what is before the bound; give how many that is."""
    if bound_ms is None or not len(batch.times) or batch.times.min() >= bound_ms:
        return batch, 0
    return _kept(batch, batch.times >= bound_ms)


def until(batch: Batch, bound_ms: int) -> tuple[Batch, int]:
    """Leave out what is after the bound; give how many that is."""
    if not len(batch.times) or batch.times.max() <= bound_ms:
        return batch, 0
    return _kept(batch, batch.times <= bound_ms)


def _kept(batch: Batch, held: Flags) -> tuple[Batch, int]:
    kept = np.flatnonzero(held)
    stale = None if batch.stale is None else batch.stale[kept]
    labels = tuple(batch.labels[i] for i in kept.tolist())
    left = len(batch.times) - len(kept)
    return Batch(labels, batch.times[kept], batch.values[kept], stale), left


@dataclass(slots=True)
class Timely:
    """Keeps what the clocks of senders and writer disagree about, said once each and counted."""

    clock: Callable[[], Instant]
    ahead_ms: int
    _seen_ms: int | None = None
    """The newest that the clock has shown."""
    _ahead: tuple[int, int] | None = None
    _went_back: tuple[int, int] | None = None

    def not_ahead(self, batch: Batch) -> tuple[Batch, int]:
        """Leave out what is too far ahead of the clock; give how many that is."""
        now = self._look()
        kept, count = until(batch, now + self.ahead_ms)
        if count:
            self._refuse(count, int(batch.times.max()), now)
        return kept, count

    def columns_not_ahead(self, columns: Columns) -> tuple[Columns, int]:
        """Leave out what is too far ahead of the clock; give how many that is."""
        now = self._look()
        high = int(np.searchsorted(columns.times, now + self.ahead_ms, "right"))
        count = (len(columns.times) - high) * len(columns.labels)
        if not count:
            return columns, 0
        self._refuse(count, int(columns.times[-1]), now)
        stale = None if columns.stale is None else columns.stale[:, :high]
        values = np.ascontiguousarray(columns.values[:, :high])
        return Columns(columns.labels, columns.times[:high], values, stale), count

    def _look(self) -> Instant:
        """Look at the clock, and whether it went back."""
        now, before = self.clock(), self._seen_ms
        self._seen_ms = now if before is None else max(before, now)
        if now < self._seen_ms - self.ahead_ms:
            self._went_back = (self._seen_ms, now)
        return now

    def _refuse(self, count: int, newest_ms: Instant, now: Instant) -> None:
        refused, newest = self._ahead or (0, now)
        self._ahead = (refused + count, max(newest, newest_ms))

    def went_back(self, newest_ms: int | None) -> None:
        """Take note of a store that opens with samples ahead of the clock."""
        now = self.clock()
        if newest_ms is not None and newest_ms > now + self.ahead_ms:
            self._seen_ms = newest_ms
            self._went_back = (newest_ms, now)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found since the store was opened."""
        found = []
        if self._ahead is not None:
            count, newest = self._ahead
            law = f"samples are at most {self.ahead_ms // 1000:,} s ahead of the store's clock"
            told = f"{count:,} were refused, the newest of {_shown(newest)}"
            fix = "set the clock of whoever sends them"
            found.append(Finding("samples ahead of the clock", law, told, fix))
        if self._went_back is not None:
            was, now = self._went_back
            told = f"it, or a sample, was at {_shown(was)} and then it was {_shown(now)}"
            fix = "samples of the time between may be too old; keep the clock by NTP"
            found.append(Finding("the store's clock", "a clock goes forward", told, fix))
        return tuple(found)


def _shown(time_ms: int) -> str:
    try:
        return rfc3339(time_ms)
    except (OverflowError, ValueError):
        return f"{time_ms} ms"
