"""Series of the world: counters that count by chance and start anew, histograms, gauges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from llm_research_lab.promql.values import Columns, Flags, Floats, Times
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of


def counted(chance: Generator, rate: Floats, restarts: Flags) -> Floats:
    """Count events of a rate a step, by chance; from 0 again where the process starts again."""
    return _since(np.cumsum(chance.poisson(np.maximum(rate, 0.0)), dtype=np.float64), restarts)


def summed(amount: Floats, restarts: Flags) -> Floats:
    """Sum amounts a step; from 0 again where the process starts again."""
    return _since(np.cumsum(amount), restarts)


def _since(total: Floats, restarts: Flags) -> Floats:
    """Take off what was counted before the last restart."""
    before = np.concatenate([[0.0], total[:-1]])
    return total - np.maximum.accumulate(np.where(restarts, before, 0.0))


def below(edge: float, median: Floats, spread: float) -> Floats:
    """Give the part of a log-logistic distribution that lies at or below an edge.

    `spread` is the scale of its logarithm: 0.25 puts one in a thousand beyond 5.6 medians.
    """
    return np.asarray(1.0 / (1.0 + (median / edge) ** (1.0 / spread)))


@dataclass(slots=True)
class Target:
    """One scraped target: its rows, and when it answers no scrape."""

    job: str
    instance: str
    down: Flags
    unseen: Flags
    """Where nothing is scraped at all, `up` neither."""
    begins: int = 0
    """The scrape that sees the rows first; `up` is there before."""
    labels: list[Labels] = field(default_factory=list)
    rows: list[Floats] = field(default_factory=list)

    def add(self, name: str, values: Floats, **labels: str) -> None:
        """Add a series."""
        own = {METRIC_NAME: name, "job": self.job, "instance": self.instance, **labels}
        self.labels.append(labels_of(own))
        self.rows.append(values)

    def histogram(
        self,
        name: str,
        buckets: Sequence[float],
        *,
        chance: Generator,
        rate: Floats,
        median: Floats,
        restarts: Flags,
        labels: Mapping[str, str],
        spread: float = 0.25,
    ) -> None:
        """Add a classic histogram of `rate` observations a step around a median."""
        count = np.zeros(len(rate))
        under = np.zeros(len(rate))
        for edge in (*buckets, float("inf")):
            part = np.ones(len(rate)) if edge == float("inf") else below(edge, median, spread)
            count = count + counted(chance, rate * (part - under), restarts)
            under = part
            text = "+Inf" if edge == float("inf") else f"{edge:g}"
            self.add(f"{name}_bucket", count, **labels, le=text)
        self.add(f"{name}_count", count, **labels)
        self.add(f"{name}_sum", summed(rate * median * 1.1, restarts), **labels)

    def columns(self, times: Times) -> list[Columns]:
        """Give what was scraped: `up` whenever somebody looked, the rest while it answered.

        Where it stops to answer, a marker ends each series.
        """
        seen = ~self.unseen
        answers = ~self.down & seen & (np.arange(len(times)) >= self.begins)
        up = labels_of({METRIC_NAME: "up", "job": self.job, "instance": self.instance})
        found = [Columns((up,), times[seen], (~self.down[seen]).astype(np.float64)[None, :])]
        ends = seen & ~answers & np.concatenate([[False], answers[:-1]])
        kept = answers | ends
        values = np.ascontiguousarray(np.array(self.rows)[:, kept])
        stale = None
        if ends.any():
            stale = np.ascontiguousarray(np.broadcast_to(ends[kept], values.shape))
            values[:, ends[kept]] = np.nan
        found.append(Columns(tuple(self.labels), times[kept], values, stale))
        return found
