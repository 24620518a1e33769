"""One expression is asked of both sides; their answers are compared; each is timed warm and afresh.

Warm: asked before. Prometheus is asked by HTTP on the loopback, in pieces of 10,800 points where it
refuses more, until the last byte is here; ours in process, without JSON. Afresh: of our side a new
Python process, from its start until it has ended; of Prometheus a server started on the same
directory, from its start until the answer's last byte (its end does not count). Files are in the
page cache on both sides, and numba's compiled code and Python's are on the disk: one process ran
before that is not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast

import numpy as np
from tests.servers.prometheus_server import Prometheus

from bench import metrics_sides as sides
from bench.metrics_data import DAY_MS, START_MS
from bench.metrics_fresh import digest
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Block, Floats, Grid, Limits, Options
from llm_research_lab.vocabulary.labels import Labels, labels_of

POINTS = 10_800
"""Points of one query_range; Prometheus refuses more than 11,000."""
ROUNDS = 3
LONG_SECONDS = 10
"""What takes Prometheus longer is asked once."""
EQUAL = 1e-9
OPTIONS = Options(compat=2, limits=Limits(samples=1 << 40, memory_bytes=8 << 30))


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression on a grid."""

    text: str
    grid: Grid


def whole(count: int, step_ms: int) -> Grid:
    """Give the grid of all days: 43,200 steps of a minute in thirty."""
    return Grid(START_MS + step_ms, START_MS + count * DAY_MS, step_ms)


def pieces_of(grid: Grid) -> list[Grid]:
    """Cut the grid as query_range has to be asked."""
    span = POINTS * grid.step_ms
    starts = range(grid.start_ms, grid.end_ms + 1, span)
    return [Grid(s, min(grid.end_ms, s + span - grid.step_ms), grid.step_ms) for s in starts]


@dataclass(frozen=True, slots=True)
class Ours:
    """Our answer, the median of three and the processor time of one."""

    block: Block
    seconds: float
    used: float


def ask_us(engine: Engine, asked: Asked, rounds: int = ROUNDS) -> Ours:
    """Ask once, and then so many times."""
    block = cast("Block", engine.ask(asked.text, asked.grid).answer.value)
    used = time.process_time()
    seconds = taken_by(engine, asked, rounds)
    return Ours(block, median(seconds), (time.process_time() - used) / rounds)


def taken_by(engine: Engine, asked: Asked, rounds: int) -> list[float]:
    """Give the seconds of each time."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        engine.ask(asked.text, asked.grid)
        taken.append(time.perf_counter() - began)
    return taken


def ask_them(server: Prometheus, asked: Asked) -> tuple[float, dict[Labels, Floats], str]:
    """Give the seconds, the answer, and how often it was asked."""
    first, found = _ask_once(server, asked)
    if first > LONG_SECONDS:
        return first, found, "asked once"
    rest = [_ask_once(server, asked)[0] for _ in range(ROUNDS)]
    return median(rest), found, f"median of {ROUNDS}"


def _ask_once(server: Prometheus, asked: Asked) -> tuple[float, dict[Labels, Floats]]:
    """Ask query_range; give the seconds until the bytes are here, and NaN where there is none."""
    seconds, bodies = _bodies(server, asked)
    found: dict[Labels, Floats] = {}
    for body in bodies:
        told = json.loads(body)
        if told["status"] != "success":
            raise RuntimeError(told)
        for one in told["data"]["result"]:
            _take(found, one, asked.grid)
    return seconds, found


def read_them(server: Prometheus, text: str, grid: Grid) -> dict[Labels, Floats]:
    """Give Prometheus's answer."""
    return _ask_once(server, Asked(text, grid))[1]


def _bodies(server: Prometheus, asked: Asked) -> tuple[float, list[bytes]]:
    seconds, bodies = 0.0, []
    for grid in pieces_of(asked.grid):
        params = {
            "query": asked.text,
            "start": grid.start_ms / 1000,
            "end": grid.end_ms / 1000,
            "step": grid.step_ms / 1000,
        }
        began = time.perf_counter()
        bodies.append(server.client.post(f"{server.url}/api/v1/query_range", data=params).content)
        seconds += time.perf_counter() - began
    return seconds, bodies


def _take(found: dict[Labels, Floats], one: dict[str, object], grid: Grid) -> None:
    pairs = cast("Sequence[tuple[float, str]]", one["values"])
    labels = labels_of(cast("dict[str, str]", one["metric"]))
    own = found.setdefault(labels, np.full(grid.count, np.nan))
    stamps = np.rint(np.array([pair[0] for pair in pairs]) * 1000).astype(np.int64)
    own[(stamps - grid.start_ms) // grid.step_ms] = [float(pair[1]) for pair in pairs]


def difference(block: Block, theirs: dict[Labels, Floats]) -> float:
    """Give the largest relative difference; infinite where series or presence differ."""
    if set(block.labels) != set(theirs):
        return float("inf")
    worst = 0.0
    for row, labels in enumerate(block.labels):
        own, other = block.values[row], theirs[labels]
        here = block.present[row] & ~np.isnan(own)
        if (here != ~np.isnan(other)).any():
            return float("inf")
        unlike = here & (own != other)
        if unlike.any():
            scale = np.maximum(np.abs(other[unlike]), 1e-300)
            worst = max(worst, float((np.abs(own[unlike] - other[unlike]) / scale).max()))
    return worst


def equality(apart: float) -> str:
    """Say how equal two answers are."""
    if apart > EQUAL:
        return f"DIFFERENT by {apart:.0e}"
    return "equal" if apart == 0 else f"equal to {apart:.0e}"


@dataclass(frozen=True, slots=True)
class Fresh:
    """Seconds from start to end, those of opening, reading and answering alone, equality."""

    seconds: float
    inside: float
    peak_gib: float
    same: bool


def us_afresh(root: Path, asked: Asked, block: Block) -> Fresh:
    """Answer in a new process. The best of three after one that fills the caches on the disk."""
    return min((_us_afresh(root, asked, block) for _ in range(4)), key=lambda one: one.seconds)


def _us_afresh(root: Path, asked: Asked, block: Block) -> Fresh:
    grid = asked.grid
    arguments = [str(root), asked.text, str(grid.start_ms), str(grid.end_ms), str(grid.step_ms)]
    began = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-m", "bench.metrics_fresh", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=sides.as_installed(),
    )
    seconds = time.perf_counter() - began
    inside, peak, seen = told.stdout.split()[-3:]
    return Fresh(seconds, float(inside), float(peak), seen == digest(block))


def them_afresh(root: Path, asked: Asked, rounds: int = ROUNDS) -> float:
    """Start the server, ask, and end it; the best of so many times, one where it takes long."""
    taken: list[float] = []
    while len(taken) < rounds and not (taken and taken[-1] > LONG_SECONDS):
        began = time.perf_counter()
        with sides.started(root) as server:
            _, bodies = _bodies(server, asked)
            taken.append(time.perf_counter() - began)
        if any(b'"status":"success"' not in body[:100] for body in bodies):
            raise RuntimeError(bodies[0][:200])
    return min(taken)
