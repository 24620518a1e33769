"""What the store takes: bytes a sample, a scrape, memory a series, an opening after a crash.

Bytes: all of a block (index too), ours as compaction leaves it, Prometheus's as its blocks say; the
newest hours, which its head keeps, do not count. A scrape: 10,000 series of one target as text,
read by scrape/, appended (log, sync, head). Memory: resident, two hours of samples in the head,
after less before, of a new process each. The crash: SIGKILL after two hours of 52 targets' scrapes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from tests.servers.prometheus_server import Prometheus, prometheus

from bench import metrics_sides as sides
from bench.metrics_data import DAY_MS, STEP_MS, WriteRequests, integral, parts, series
from bench.table import Row, percentile, verdict
from llm_research_lab.commands.metrics.engine import Engine
from llm_research_lab.promql.values import Floats, Grid
from llm_research_lab.scrape.jobs import Job
from llm_research_lab.scrape.samples import TargetSamples
from llm_research_lab.storage.timeseries.blocks import write_block
from llm_research_lab.storage.timeseries.pieces import Piece
from llm_research_lab.storage.timeseries.store import FileSeries
from llm_research_lab.vocabulary.labels import Labels, label, labels_of

BYTES_DAYS = 7
GAUGE = "lab_load_ratio"
SCRAPED, SCRAPE_MS = 10_000, 250
ACTIVE, TARGETS, TWO_HOURS = 20_000, 20, 480
PANEL_MS, PANELS = 20, 500
OPEN_SECONDS = 3


def measure() -> list[Row]:
    with sides.place() as folder, tempfile.TemporaryDirectory() as work:
        rows = [*_bytes(folder, Path(work)), *_scrape(Path(work)), *_memory(Path(work))]
        return [*rows, *_crash(Path(work))]


def _bytes(folder: Path, work: Path) -> list[Row]:
    count, names = min(sides.days(), BYTES_DAYS), series()
    whole = integral(names)
    gauge = np.array([label(one, "__name__") == GAUGE for one in names])
    kinds = {"counters": whole, "gauges": gauge, "sums": ~whole & ~gauge}
    found = {
        kind: _sizes(folder, work, kind, np.flatnonzero(here).tolist())
        for kind, here in kinds.items()
    }
    floats = [found["gauges"], found["sums"]]
    both = _Sizes(*(sum(one) for one in zip(*map(astuple, floats), strict=True)))
    told = ", ".join(f"{kind} {found[kind].said()}" for kind in ("gauges", "sums"))
    rows = []
    for what, sizes, goal, note in (
        ("counters", found["counters"], 0.5, ""),
        ("float gauges and sums", both, 1.0, f"; {told}"),
    ):
        rows.append(
            sides.row(
                f"bytes a sample on disk, {what} ({count} d, {sizes.series} series)",
                f"≤ {goal:g} of Prometheus's",
                f"{sizes.ours / sizes.theirs:.2f}: {sizes.said()}",
                verdict(sizes.ours <= goal * sizes.theirs),
                f"whole blocks, index included{note}",
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What the samples of some series take on both sides, in bytes."""

    series: float
    samples: float
    ours: float
    theirs: float

    def said(self) -> str:
        return f"{self.ours / self.samples:.2f} against {self.theirs / self.samples:.2f}"


def _sizes(folder: Path, work: Path, kind: str, chosen: list[int]) -> _Sizes:
    count = min(sides.days(), BYTES_DAYS)
    root = sides.their_root(folder, count, "aligned", kind)
    theirs = _their_bytes(sides.feed(root, count, "aligned", chosen) / "data")
    samples = float(count * DAY_MS // STEP_MS * len(chosen))
    ours = _our_bytes(work / kind, count, chosen)
    return _Sizes(len(chosen), samples, ours * samples, theirs * samples)


def build(folder: Path) -> None:
    """Feed what the rows of bytes need."""
    with tempfile.TemporaryDirectory() as work:
        _bytes(folder, Path(work))


def _their_bytes(data: Path) -> float:
    size = samples = 0
    for meta in data.glob("*/meta.json"):
        samples += json.loads(meta.read_bytes())["stats"]["numSamples"]
        size += sum(file.stat().st_size for file in meta.parent.rglob("*") if file.is_file())
    return size / samples


def _our_bytes(root: Path, count: int, chosen: list[int]) -> float:
    names = series()
    held = list(parts(count))
    times = np.concatenate([part.times for part in held])
    values = np.concatenate([part.values[chosen] for part in held], axis=1)
    targets: dict[str, list[int]] = {}
    for row, place in enumerate(chosen):
        targets.setdefault(dict(names[place])["instance"], []).append(row)
    root.mkdir(parents=True)
    pieces = [
        Piece(tuple(names[chosen[row]] for row in rows), times, values[rows])
        for rows in targets.values()
    ]
    block = write_block(root, "1", pieces)
    assert block is not None
    return sum(file.stat().st_size for file in block.path.iterdir()) / values.size


def _exposed(count: int, turn: int) -> bytes:
    lines = [
        f'http_request_duration_seconds_bucket{{method="GET",path="/v1/things/{number // 12}",'
        f'le="{0.005 * 2 ** (number % 12):g}"}} {number * 7 + turn * (number % 13)}'
        if number % 5 < 3
        else f'process_load_ratio{{device="{number}"}} {float(np.sin(number + turn)) + 2!r}'
        for number in range(count)
    ]
    return "\n".join([*lines, ""]).encode()


def _target(number: int) -> TargetSamples:
    labels = labels_of({"job": "big", "instance": f"big-{number}:9090"})
    return TargetSamples(labels, Job("big", STEP_MS, STEP_MS))


def _scrape(work: Path) -> list[Row]:
    store, samples = FileSeries.open(work / "scrape"), _target(0)
    bodies = [_exposed(SCRAPED, turn) for turn in range(12)]
    taken = []
    for turn, body in enumerate(bodies):
        began = time.perf_counter()
        scraped = samples.scraped(body, "text/plain", turn * STEP_MS, lambda: 0.1)
        store.append(scraped.batch)
        taken.append((time.perf_counter() - began) * 1000)
        if scraped.counts.kept != SCRAPED:
            raise RuntimeError(scraped.error)
    store.close()
    usual = median(taken[1:])
    return [
        sides.row(
            f"a scrape of {SCRAPED:,} series: parse, log and sync, head",
            f"≤ {SCRAPE_MS} ms",
            f"{usual:.0f} ms",
            verdict(usual <= SCRAPE_MS),
            f"the first, all series new: {taken[0]:.0f} ms",
        )
    ]


def _memory(work: Path) -> list[Row]:
    ours = float(_child("memory", work / "memory").split()[-1])
    names = _active()
    flat, requests = [one for target in names for one in target], None
    with prometheus(work / "theirs", sides.IN_ORDER, sides.FLAGS) as server:
        before = _resident(server)
        requests = WriteRequests(tuple(flat))
        rows, shifts = list(range(len(flat))), np.zeros(len(flat), dtype=np.int64)
        start = 1_699_920_000_000
        for low in range(0, TWO_HOURS, 40):
            times = start + np.arange(low, low + 40, dtype=np.int64) * STEP_MS
            values = np.array([_values(len(flat), turn) for turn in range(low, low + 40)]).T
            sides.send(server, requests.body(times, values, rows, shifts))
        theirs = (_resident(server) - before) / len(flat)
    return [
        sides.row(
            f"memory per active series, {ACTIVE:,} series, two hours of samples in the head",
            "",
            f"{ours / 1000:.1f} kB beside {theirs / 1000:.1f} kB",
            "said",
            "resident after less before; Prometheus's with what its collector has not given back",
        )
    ]


def _resident(server: Prometheus) -> float:
    text = server.client.get(f"{server.url}/metrics").text
    line = next(one for one in text.splitlines() if one.startswith("process_resident_memory"))
    return float(line.split()[1])


def _active() -> list[tuple[Labels, ...]]:
    return [
        tuple(
            labels_of(
                {
                    "__name__": "lab_active",
                    "job": "many",
                    "instance": f"many-{target:02d}:9090",
                    "path": f"/v1/things/{number}",
                    "status": "200",
                }
            )
            for number in range(ACTIVE // TARGETS)
        )
        for target in range(TARGETS)
    ]


def _values(count: int, turn: int) -> Floats:
    numbers = np.arange(count, dtype=np.float64)
    return np.where(numbers % 5 < 3, numbers * 7 + turn * (numbers % 13), np.sin(numbers + turn))


def memory_child(root: Path) -> None:
    """Hold two hours of the active series; print the bytes a series."""
    from llm_research_lab.storage.timeseries.port import Batch

    store = FileSeries.open(root)
    before = _own_resident()
    names = _active()
    for turn in range(TWO_HOURS):
        for labels in names:
            times = np.full(len(labels), turn * STEP_MS, dtype=np.int64)
            store.append(Batch(labels, times, _values(len(labels), turn)))
    print((_own_resident() - before) / ACTIVE)


def _own_resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def crash_child(root: Path) -> None:
    """Take two hours of scrapes of all targets, one batch each; then die."""
    from bench.metrics_data import targets
    from llm_research_lab.storage.timeseries.port import Batch

    store, names = FileSeries.open(root), series()
    groups = [(rows, tuple(names[row] for row in rows)) for rows in targets(names)]
    part = next(parts(1))
    for turn in range(TWO_HOURS):
        for rows, labels in groups:
            times = np.full(len(rows), part.times[turn])
            store.append(Batch(labels, times, part.values[rows, turn]))
    print("taken", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def open_child(root: Path) -> None:
    """Open the store; print the seconds, then p50 and p99 of a panel in milliseconds."""
    began = time.perf_counter()
    store = FileSeries.open(root)
    seconds = time.perf_counter() - began
    samples = store.status().head_samples
    text, start = "sum by (status) (rate(lab_requests_total[5m]))", next(parts(1)).times[0]
    engine, rng, taken = Engine(store), np.random.default_rng(3), []
    for at in rng.integers(start + 600_000, start + TWO_HOURS * STEP_MS, PANELS).tolist():
        asked = time.perf_counter()
        engine.ask(text, Grid(at, at, 0))
        taken.append((time.perf_counter() - asked) * 1000)
    print(seconds, samples, percentile(taken[20:], 0.5), percentile(taken[20:], 0.99))


def _crash(work: Path) -> list[Row]:
    began = time.perf_counter()
    _child("crash", work / "crash", killed=True)
    each = (time.perf_counter() - began) / (TWO_HOURS * 52) * 1e6
    told = _child("open", work / "crash").split()
    seconds, samples, middle, last = (float(one) for one in told[-4:])
    return [
        sides.row(
            f"open after a crash, two hours in the log ({samples:,.0f} samples, 24,960 batches)",
            f"< {OPEN_SECONDS} s",
            f"{seconds:.2f} s",
            verdict(seconds < OPEN_SECONDS and samples == TWO_HOURS * len(series())),
            f"every acknowledged sample is there; a batch took {each:.0f} µs with its sync",
        ),
        sides.row(
            "instant query of a panel, 144 series, warm, from the head",
            f"p99 < {PANEL_MS} ms",
            f"p99 {last:.1f} ms",
            verdict(last < PANEL_MS),
            f"p50 {middle:.1f} ms; in process, {PANELS} random instants",
        ),
    ]


def _child(what: str, root: Path, *, killed: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.metrics_store", what, str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != (-signal.SIGKILL if killed else 0):
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    CHILDREN = {"memory": memory_child, "crash": crash_child, "open": open_child}
    CHILDREN[sys.argv[1]](Path(sys.argv[2]))
