"""What rules wrote becomes a batch for the store's log, or columns for its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.alerting.rules import Past, Written
from llm_research_lab.promql.values import Columns, Need
from llm_research_lab.storage.timeseries import Batch, SeriesStore
from llm_research_lab.storage.timeseries.pieces import gathered, piece_of

EVERYTHING = Need((), -(1 << 62), 1 << 62)


def batch_of(past: Past) -> Batch | None:
    """Take the samples out of what was written; None when there are none."""
    series = past.written.series
    past.written = Written()
    if not series:
        return None
    return Batch(
        tuple(labels for labels, one in series.items() for _ in range(one.count)),
        np.concatenate([one.times for one in series.values()]),
        np.concatenate([one.values for one in series.values()]),
        np.concatenate([one.stale for one in series.values()]),
    )


def columns_of(past: Past) -> list[Columns]:
    """Take the samples out of what was written; series of equal times stand together."""
    written, past.written = past.written, Written()
    return written.select(EVERYTHING)


@dataclass(frozen=True, slots=True)
class Pending:
    """What a group's rules write at a tick: read by the rules after them, and stored at once.

    One append a group costs one sync; one a rule would cost as many as there are rules.
    """

    store: SeriesStore
    batches: list[Batch] = field(default_factory=list)
    written: Written = field(default_factory=Written)

    def add(self, batch: Batch) -> None:
        """Take what a rule wrote."""
        self.batches.append(batch)
        stale = [False] * len(batch.labels) if batch.stale is None else batch.stale.tolist()
        rows = zip(batch.labels, batch.times.tolist(), batch.values.tolist(), stale, strict=True)
        for labels, time_ms, value, marked in rows:
            self.written.append(labels, time_ms, value, stale=marked)

    def select(self, need: Need) -> list[Columns]:
        """Give what is stored and what is not yet; where both have a sample, the stored one."""
        stored = self.store.select(need.matchers, need.from_ms, need.to_ms)
        written = self.written.select(need)
        if not written:
            return stored
        named = {one for columns in written for one in columns.labels}
        apart = [one for one in stored if named.isdisjoint(one.labels)]
        mixed = [one for one in stored if not named.isdisjoint(one.labels)]
        return [*apart, *gathered(map(piece_of, [*mixed, *written]))]

    def append(self) -> None:
        """Store it. Raises what the store raises."""
        if self.batches:
            self.store.append(_one(self.batches))


def _one(batches: Sequence[Batch]) -> Batch:
    marks = [
        np.zeros(len(one.times), np.bool_) if one.stale is None else one.stale for one in batches
    ]
    return Batch(
        tuple(labels for one in batches for labels in one.labels),
        np.concatenate([one.times for one in batches]),
        np.concatenate([one.values for one in batches]),
        np.concatenate(marks),
    )
