"""Samples of a lab like ours, made as they are needed: 600 series in 52 targets, one every 15 s.

144 request counters (12 targets; half of them weigh their requests, and are fractional), 288
buckets (24 targets), 84 gauges and 84 sums (16 targets): so two fifths of the series are floats.
Counters are reset about every ten days, targets apart. `phases` ``aligned``: all targets at the
same instants; ``own``: each series at its own offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cramjam  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Floats, Times
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

Phases = Literal["aligned", "own"]
STEP_MS = 15_000
DAY_MS = 86_400_000
START_MS = 1_699_920_000_000  # a midnight
STATUSES = ("200", "201", "400", "404", "429", "500")
BOUNDS = (*("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"), "+Inf")
COUNTERS = ("lab_requests_total", "lab_request_duration_seconds_bucket")
RESET_STEPS = 57_600
VERSION = "1"
"""To be changed with the samples: what was kept of others is made anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some days of all series: `times` [N] before a series' offset, `values` [S, N]."""

    times: Times
    values: Floats


def _instance(kind: str, number: int) -> dict[str, str]:
    return {"job": kind, "instance": f"{kind}-{number:02d}:9090"}


def series() -> tuple[Labels, ...]:
    """Name all series, those of a target side by side."""
    found = []
    for number in range(12):
        for status in STATUSES:
            for method in ("GET", "POST"):
                own = {"__name__": COUNTERS[0], "status": status, "method": method}
                found.append(own | _instance("api", number))
    for number in range(24):
        found += [
            {"__name__": COUNTERS[1], "le": le} | _instance("runner", number) for le in BOUNDS
        ]
    for number in range(16):
        for turn in range(6 if number < 12 else 3):
            own = {"device": str(turn)} | _instance("node", number)
            found.append({"__name__": "lab_load_ratio"} | own)
            found.append({"__name__": "lab_busy_seconds_total"} | own)
    return tuple(map(labels_of, found))


def targets(names: tuple[Labels, ...]) -> list[list[int]]:
    """Give the rows of each target."""
    found: dict[str, list[int]] = {}
    for row, one in enumerate(names):
        found.setdefault(label(one, "instance"), []).append(row)
    return list(found.values())


def integral(names: tuple[Labels, ...]) -> NDArray[np.bool_]:
    """Say which series are whole numbers."""
    return np.array([_whole(one) for one in names])


def _whole(labels: Labels) -> bool:
    name, instance = label(labels, "__name__"), label(labels, "instance")
    return name == COUNTERS[1] or (name == COUNTERS[0] and int(instance[4:6]) % 2 == 0)


def offsets(names: tuple[Labels, ...], phases: Phases) -> Times:
    """Give each series' offset in milliseconds."""
    if phases == "aligned":
        return np.zeros(len(names), dtype=np.int64)
    return np.random.default_rng(5).permutation(STEP_MS)[: len(names)].astype(np.int64)


def parts(days: int) -> Iterator[Part]:
    """Make the samples, a day at a time; equal whenever they are made."""
    names, rng = series(), np.random.default_rng(7)
    heights = np.exp(rng.normal(0, 1.5, len(names)))
    carried, seen = np.zeros(len(names)), 0
    target_of = np.empty(len(names), dtype=np.int64)
    for number, rows in enumerate(targets(names)):
        target_of[rows] = number
    count = DAY_MS // STEP_MS
    for day in range(days):
        steps = np.arange(seen, seen + count)
        grown = _grown(names, heights, steps, rng)
        values = np.cumsum(grown, axis=1) + carried[:, None]
        _reset(values, steps, target_of)
        carried = values[:, -1].copy()
        gauges = [row for row, one in enumerate(names) if label(one, "__name__").endswith("ratio")]
        wave = 0.5 + 0.3 * np.sin(steps / 917.0)
        values[gauges] = wave * np.exp(rng.normal(0, 0.1, (len(gauges), count)))
        seen += count
        yield Part(START_MS + day * DAY_MS + np.arange(count, dtype=np.int64) * STEP_MS, values)


def _grown(
    names: tuple[Labels, ...], heights: Floats, steps: NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    """How much each series grows a step: buckets cumulate, whole ones grow by whole numbers."""
    day = 1 + 0.5 * np.sin(steps * (2 * np.pi / 5760))
    grown = rng.poisson(heights[:, None] * day[None, :]).astype(np.float64)
    buckets = [row for row, one in enumerate(names) if label(one, "__name__") == COUNTERS[1]]
    shape = (len(buckets) // len(BOUNDS), len(BOUNDS), len(steps))
    grown[buckets] = np.cumsum(grown[buckets].reshape(shape), axis=1).reshape(-1, len(steps))
    rows = np.flatnonzero(~integral(names))
    grown[rows] *= rng.uniform(0.5, 1.5, (len(rows), len(steps)))
    return grown


def _reset(values: Floats, steps: NDArray[np.int64], target_of: NDArray[np.int64]) -> None:
    """Begin each target's counters again, at its own moment."""
    for target in range(int(target_of.max()) + 1):
        at = np.flatnonzero((steps + target * 1087 + 1) % RESET_STEPS == 0)
        for place in at.tolist():
            rows = np.flatnonzero(target_of == target)
            values[rows, place:] -= values[rows, place : place + 1]


_SAMPLE = np.dtype(
    [("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)], align=False
)


class WriteRequests:
    """Remote write bodies by arithmetic on bytes: a sample is always 18 bytes at these times."""

    def __init__(self, names: tuple[Labels, ...]) -> None:
        self._heads = [b"".join(map(_pair, one)) for one in names]

    def body(self, times: Times, values: Floats, rows: list[int], shifts: Times) -> bytes:
        """Pack the samples of the rows."""
        samples = np.empty((len(rows), len(times)), dtype=_SAMPLE)
        samples["head"] = (0x12, 16, 0x09)
        samples["tag"] = 0x10
        samples["value"] = values[rows]
        own = times[None, :] + shifts[rows][:, None]
        for place in range(6):
            more = 0x80 if place < 5 else 0
            samples["time"][:, :, place] = (own >> (7 * place)) & 0x7F | more
        told = []
        for row, packed in zip(rows, samples, strict=True):
            inner = self._heads[row] + packed.tobytes()
            told += [b"\x0a", _varint(len(inner)), inner]
        return bytes(cramjam.snappy.compress_raw(b"".join(told)))


def _pair(pair: tuple[str, str]) -> bytes:
    name, value = (one.encode() for one in pair)
    inner = b"\x0a" + _varint(len(name)) + name + b"\x12" + _varint(len(value)) + value
    return b"\x0a" + _varint(len(inner)) + inner


def _varint(number: int) -> bytes:
    told = bytearray()
    while number > 0x7F:
        told.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*told, number])
