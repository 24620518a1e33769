"""Both sides of a comparison hold the same samples: a real Prometheus 2.42, and our store.

Prometheus is fed in order by remote write and cuts and joins its blocks as it pleases. Ours is
written as the blocks that its compaction leaves (162 h), as `append` would take the samples one
scrape at a time. With BENCH_METRICS_DIR set, both are kept there and found again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.servers.prometheus_server import Prometheus, prometheus

from bench.metrics_data import (
    DAY_MS,
    START_MS,
    Part,
    Phases,
    WriteRequests,
    offsets,
    parts,
    series,
    targets,
)
from llm_research_lab.promql.values import Block, Floats, Grid
from llm_research_lab.storage.timeseries.blocks import write_block
from llm_research_lab.storage.timeseries.pieces import Piece
from llm_research_lab.storage.timeseries.store import FileSeries
from llm_research_lab.vocabulary.labels import Labels, labels_of

BLOCK_MS = 162 * 3_600_000
POINTS = 10_800
"""Points of one query_range; Prometheus refuses more than 11,000."""
IN_ORDER = "global: {scrape_interval: 1h, evaluation_interval: 1m}\n"
FLAGS = ("--query.max-samples=2000000000", "--query.timeout=30m")


def days() -> int:
    """How many days the bench is about."""
    return max(1, min(90, int(os.environ.get("BENCH_METRICS_DAYS", "3"))))


def said(count: int, phases: Phases) -> str:
    """Name the size for a row."""
    samples = count * DAY_MS // 15_000 * len(series()) / 1e6
    told = "own phases" if phases == "own" else "aligned"
    return f"{count} days, {samples:.1f} M samples, {told}"


@contextmanager
def place() -> Iterator[Path]:
    """Give the folder of both sides."""
    kept = os.environ.get("BENCH_METRICS_DIR")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def our_store(folder: Path, count: int, phases: Phases) -> Path:
    """Write our side, where it is not there yet; give its root."""
    root = folder / f"ours-{phases}-{count}"
    if (root / "done").exists():
        return root
    FileSeries.open(root).close()
    names, shifts = series(), offsets(series(), phases)
    groups = targets(names) if phases == "aligned" else [[row] for row in range(len(names))]
    number, held = 0, list[Part]()
    for part in parts(count):
        held.append(part)
        if len(held) * DAY_MS >= BLOCK_MS:
            number, held = number + 1, _written(root, number, held, (names, shifts, groups))
    while held:
        number, held = number + 1, _written(root, number, held, (names, shifts, groups))
    (root / "done").write_text("")
    return root


def _written(
    root: Path, number: int, held: list[Part], shape: tuple[tuple[Labels, ...], object, object]
) -> list[Part]:
    """Write one block of the samples held; give what goes on after it."""
    names, shifts, groups = shape
    times = np.concatenate([part.times for part in held])
    values = np.concatenate([part.values for part in held], axis=1)
    end = (times[0] // BLOCK_MS + 1) * BLOCK_MS
    pieces = []
    high = int(np.searchsorted(times, end))
    for rows in groups:  # type: ignore[attr-defined]
        own = times[:high] + shifts[rows[0]]  # type: ignore[index]
        pieces.append(Piece(tuple(names[row] for row in rows), own, values[rows, :high]))
    write_block(root / "blocks", f"{number + 1:010d}", pieces)
    return [] if high == len(times) else [Part(times[high:], values[:, high:])]


@contextmanager
def their_server(
    folder: Path, count: int, phases: Phases, chosen: list[int] | None = None
) -> Iterator[Prometheus]:
    """Run the other side, fed where it is not yet; with some rows of the series alone, if asked."""
    root = folder / f"theirs-{phases}-{count}{'' if chosen is None else f'-of-{len(chosen)}'}"
    fed = (root / "done").exists()
    with prometheus(root, IN_ORDER, FLAGS) as server:
        server.client.timeout = 1800
        if not fed:
            _feed(server, count, phases, chosen)
            settle(server)
            (root / "done").write_text("")
        yield server


def _feed(server: Prometheus, count: int, phases: Phases, chosen: list[int] | None) -> None:
    names = series()
    requests, shifts = WriteRequests(names), offsets(names, phases)
    rows, began = chosen or list(range(len(names))), time.monotonic()
    for day, part in enumerate(parts(count)):
        for low in range(0, len(part.times), 240):
            cut = slice(low, low + 240)
            body = requests.body(part.times[cut], part.values[:, cut], rows, shifts)
            send(server, body)
        taken = time.monotonic() - began
        print(f"  fed day {day + 1} after {taken:.0f} s", file=sys.stderr, flush=True)


def send(server: Prometheus, body: bytes) -> None:
    """Write by remote write. Raises RuntimeError for any answer but success."""
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    answer = server.client.post(f"{server.url}/api/v1/write", content=body, headers=headers)
    if answer.status_code >= 300:
        raise RuntimeError(answer.text)


def settle(server: Prometheus) -> None:
    """Wait until Prometheus has cut its head and joined its blocks."""
    before, quiet, end = "", 0, time.monotonic() + 600
    while time.monotonic() < end and quiet < 4:
        text = server.client.get(f"{server.url}/metrics").text
        names = ("prometheus_tsdb_compactions_total", "prometheus_tsdb_head_min_time ")
        now = "".join(line for line in text.splitlines() if line.startswith(names))
        quiet = quiet + 1 if now == before else 0
        before = now
        time.sleep(2)


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression on a grid."""

    text: str
    grid: Grid


def whole(count: int, step_ms: int) -> Grid:
    """Give the grid of all days but the first hour."""
    start = START_MS + 3_600_000
    return Grid(start, START_MS + count * DAY_MS - step_ms, step_ms)


def pieces_of(grid: Grid) -> list[Grid]:
    """Cut the grid as query_range has to be asked."""
    span = POINTS * grid.step_ms
    starts = range(grid.start_ms, grid.end_ms + 1, span)
    return [Grid(s, min(grid.end_ms, s + span - grid.step_ms), grid.step_ms) for s in starts]


def ask_them(server: Prometheus, asked: Asked) -> tuple[float, dict[Labels, Floats]]:
    """Ask query_range; give the seconds until the bytes are here, and NaN where there is none."""
    found: dict[Labels, Floats] = {}
    seconds, times = 0.0, asked.grid.times
    for grid in pieces_of(asked.grid):
        params = {
            "query": asked.text,
            "start": grid.start_ms / 1000,
            "end": grid.end_ms / 1000,
            "step": grid.step_ms / 1000,
        }
        began = time.perf_counter()
        body = server.client.post(f"{server.url}/api/v1/query_range", data=params).content
        seconds += time.perf_counter() - began
        told = json.loads(body)
        if told["status"] != "success":
            raise RuntimeError(told)
        for one in told["data"]["result"]:
            own = found.setdefault(labels_of(one["metric"]), np.full(len(times), np.nan))
            stamps = np.array([round(pair[0] * 1000) for pair in one["values"]])
            places = (stamps - asked.grid.start_ms) // asked.grid.step_ms
            own[places] = [float(pair[1]) for pair in one["values"]]
    return seconds, found


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
        if here.any():
            scale = np.maximum(np.abs(other[here]), 1e-300)
            worst = max(worst, float((np.abs(own[here] - other[here]) / scale).max()))
    return worst


def afresh(root: Path, asked: Asked) -> tuple[float, float]:
    """Answer in a new process: seconds of open, read, answer; and of the whole process.

    Bytecode is kept, as an installed package's is: what is measured is no compilation.
    """
    grid = asked.grid
    arguments = [str(root), asked.text, str(grid.start_ms), str(grid.end_ms), str(grid.step_ms)]
    kept = {name: one for name, one in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    prefix = {"PYTHONPYCACHEPREFIX": str(root.parent / "bytecode")}
    began = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-m", "bench.metrics_fresh", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=kept | prefix,
    )
    return float(told.stdout.split()[-1]), time.perf_counter() - began
