"""Of the rules of a group that write one series at one tick, the first one's sample stands.

Source: Prometheus, rules/group.go, `Eval`: a duplicate makes the later rule fail, a duplicate
marker does not; a sample that was refused is not marked stale when it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan

import numpy as np

from llm_research_lab.promql import Flags
from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Taken:
    """What the rules of a group have written at a tick: value, and whether it is a marker."""

    samples: dict[Labels, tuple[float, bool]] = field(default_factory=dict)

    def sift(self, batch: Batch) -> tuple[Batch, frozenset[Labels]]:
        """Give what can be stored of a rule's samples, and the series that it may not write now."""
        stale = [False] * len(batch.labels) if batch.stale is None else batch.stale.tolist()
        kept: list[bool] = []
        refused: set[Labels] = set()
        for labels, value, marked in zip(batch.labels, batch.values.tolist(), stale, strict=True):
            first = self.samples.setdefault(labels, (value, marked))
            kept.append(_same(first, (value, marked)))
            if not kept[-1] and not marked:
                refused.add(labels)
        if all(kept):
            return batch, frozenset()
        return _part(batch, np.array(kept, np.bool_)), frozenset(refused)


def _same(one: tuple[float, bool], other: tuple[float, bool]) -> bool:
    if one[1] or other[1]:
        return one[1] and other[1]
    return one[0] == other[0] or (isnan(one[0]) and isnan(other[0]))


def _part(batch: Batch, kept: Flags) -> Batch:
    labels = tuple(one for one, here in zip(batch.labels, kept.tolist(), strict=True) if here)
    stale = None if batch.stale is None else batch.stale[kept]
    return Batch(labels, batch.times[kept], batch.values[kept], stale)
