"""Worlds of series to ask both engines about: counters, gauges, gaps, markers, spikes, histograms."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass, field

import numpy as np

from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary.labels import labels_of

START_MS = 1_700_000_000_000
SCRAPE_MS = 15_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


@dataclass(repr=False)
class World:
    """Samples by series: `(labels, [(time, value, stale)])`."""

    start_ms: int
    end_ms: int
    series: list = field(default_factory=list)

    def batch(self):
        """All samples, oldest first."""
        rows = [
            (time, labels, value, stale)
            for labels, samples in self.series
            for time, value, stale in samples
        ]
        rows.sort(key=lambda row: row[0])
        return Batch(
            tuple(row[1] for row in rows),
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([STALE if row[3] else row[2] for row in rows], dtype=np.float64),
            np.array([row[3] for row in rows], dtype=np.bool_),
        )


def world(seed, minutes=40):
    """Make a world; the same seed gives the same one."""
    chance = random.Random(seed)
    made = World(START_MS, START_MS + minutes * 60_000)
    for job, instance in (("a", "1"), ("a", "2"), ("b", "1"), ("b", "3")):
        phase = chance.choice([0, 0, chance.randrange(SCRAPE_MS)])
        times = list(range(made.start_ms + phase, made.end_ms, SCRAPE_MS))
        target = {"job": job, "instance": instance}
        for name, labels, values in _of_target(chance, len(times)):
            pairs = labels_of({"__name__": name, **target, **labels})
            made.series.append((pairs, _holed(chance, times, values)))
    return made


def _of_target(chance, n):
    for status in ("200", "404", "500"):
        yield "c_total", {"status": status}, _counter(chance, n, lambda: chance.randrange(0, 40))
    yield "f_total", {}, _counter(chance, n, lambda: chance.expovariate(3))
    yield "g", {"kind": "walk"}, _walk(chance, n)
    yield "g", {"kind": "odd"}, _odd(chance, n)
    yield "spiky", {}, [1e9 if chance.random() < 0.05 else chance.random() * 1e-3 for _ in range(n)]
    yield "big", {}, [8e9 + chance.uniform(-1e6, 1e6) for _ in range(n)]
    yield "flat", {}, [float(chance.randrange(3))] * n
    yield "build_info", {"version": chance.choice(["v1", "v2"])}, [1.0] * n
    bounds = ["0.1", "0.5", "1", "2.5", "+Inf"]
    counts = [_counter(chance, n, lambda: chance.randrange(0, 5)) for _ in bounds]
    broken = chance.random() < 0.4
    total = [0.0] * n
    for bound, own in zip(bounds, counts, strict=True):
        total = [a + b for a, b in zip(total, own, strict=True)]
        told = [v - chance.choice([0, 0, 7]) for v in total] if broken else total
        yield "h_seconds_bucket", {"le": bound}, told
    yield "h_seconds_count", {}, total
    yield "h_seconds_sum", {}, [v * 0.7 for v in total]


def _counter(chance, n, step):
    value, values = float(chance.randrange(1000)), []
    for _ in range(n):
        value = 0.0 if chance.random() < 0.01 else value + step()
        values.append(float(value))
    return values


def _walk(chance, n):
    value, values = 0.0, []
    for _ in range(n):
        value += chance.gauss(0, 1)
        values.append(value)
    return values


def _odd(chance, n):
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, 5e-324]
    return [chance.choice(odd) if chance.random() < 0.08 else chance.gauss(0, 10) for _ in range(n)]


def _holed(chance, times, values):
    """Leave out runs of samples; end some with a marker; send a few twice."""
    samples, hole, marked = [], 0, chance.random() < 0.5
    for time, value in zip(times, values, strict=True):
        if hole:
            hole -= 1
            continue
        if chance.random() < 0.01:
            hole = chance.choice([1, 3, 25])
            if marked:
                samples.append((time, 0.0, True))
            continue
        samples.append((time, value, False))
        if chance.random() < 0.005:
            samples.append((time, value, False))
    return samples
