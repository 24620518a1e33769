"""Both sides of a comparison hold the same samples: a real Prometheus 2.42, and our store.

Prometheus is fed in order by remote write, two requests at a time (half of the series each, an hour
in each), with blocks of 18 hours while it is fed, which spares it half of its joining; then it is
started anew as it comes, and cuts and joins as it pleases. Ours is written as the blocks that
compaction leaves. With BENCH_METRICS_DIR set, both are kept there and found again, unless the
samples or the format of our blocks have changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tests.servers.prometheus_server import Prometheus, prometheus

from bench.metrics_data import (
    DAY_MS,
    START_MS,
    STEP_MS,
    VERSION,
    Part,
    Phases,
    WriteRequests,
    offsets,
    parts,
    series,
    targets,
)
from bench.table import Row
from llm_research_lab.promql.values import Floats, Times
from llm_research_lab.storage.timeseries.blocks import write_block
from llm_research_lab.storage.timeseries.pieces import Piece
from llm_research_lab.storage.timeseries.store import FileSeries, Shape
from llm_research_lab.vocabulary.labels import Labels, labels_of

IN_ORDER = "global: {scrape_interval: 1h, evaluation_interval: 1m}\n"
FLAGS = ("--query.max-samples=2000000000", "--query.timeout=30m")
FED_BLOCKS = ("--storage.tsdb.min-block-duration=18h",)
REQUEST_STEPS = 240
HEAD_MS = 3 * 3_600_000
"""As much as Prometheus's head holds when it has cut what it may."""
QUIET_LOOKS = 5

_began = time.monotonic()


def progress(text: str) -> None:
    """Tell on stderr how far the bench is."""
    load = os.getloadavg()[0]
    print(
        f"  [{time.monotonic() - _began:5.0f} s, load {load:.1f}] {text}",
        file=sys.stderr,
        flush=True,
    )


def days() -> int:
    """How many days the bench is about."""
    return max(1, min(90, int(os.environ.get("BENCH_METRICS_DAYS", "3"))))


def said(count: int, phases: Phases) -> str:
    """Name the size for a row."""
    samples = count * DAY_MS // STEP_MS * len(series()) / 1e6
    told = "own phases" if phases == "own" else "aligned"
    return f"{count} d, {samples:.1f} M samples, {told}"


def row(what: str, goal: str, got: str, verdict: str, note: str = "") -> Row:
    """Make a row that says under which load it was measured, and tell it."""
    knobs = f"BENCH_METRICS_DAYS={days()}; load {os.getloadavg()[0]:.1f}"
    progress(f"{what}: {got} ({verdict}) {note}")
    return Row(what, goal, got, verdict, note, knobs)


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


def _is_kept(root: Path, mark: str) -> bool:
    """Say whether the folder is whole and as it would be made now; else make room for it."""
    done = root / "done"
    if done.exists() and done.read_text() == mark:
        return True
    if root.exists():
        progress(f"{root.name} is not as it would be made now: made anew")
        shutil.rmtree(root)
    return False


def as_installed() -> dict[str, str]:
    """Give the environment of a child: bytecode is kept, as an installed package's is."""
    kept = {name: one for name, one in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "bench-bytecode")}


def our_store(folder: Path, count: int, phases: Phases) -> Path:
    """Write our side, where it is not there yet; give its root."""
    root, mark = folder / f"ours-{phases}-{count}", f"{VERSION} {_format()}"
    if _is_kept(root, mark):
        return root
    FileSeries.open(root).close()
    names = series()
    groups = targets(names) if phases == "aligned" else [[row] for row in range(len(names))]
    shape = _Layout(names, offsets(names, phases), groups)
    low, number, held = START_MS, 0, list[Part]()
    ends = _block_ends(START_MS, START_MS + count * DAY_MS)
    for day, part in enumerate(parts(count), 1):
        held.append(part)
        progress(f"{root.name}: day {day} of {count}")
        while ends and (ends[0] <= int(part.times[-1]) or day == count):
            end, number = ends.pop(0), number + 1
            held = [_joined(held)]
            pieces = shape.pieces(held[0], low, end if ends else 1 << 62)
            write_block(root / "blocks", f"{number:010d}", pieces)
            low, held = end, [_after(held[0], end - STEP_MS)]
    (root / "done").write_text(mark)
    return root


def _joined(held: list[Part]) -> Part:
    if len(held) == 1:
        return held[0]
    times = np.concatenate([part.times for part in held])
    return Part(times, np.concatenate([part.values for part in held], axis=1))


def _after(part: Part, from_ms: int) -> Part:
    low = int(np.searchsorted(part.times, from_ms))
    return Part(part.times[low:], part.values[:, low:])


class _Layout:
    """Which series stand together, and when each has its samples."""

    def __init__(self, names: tuple[Labels, ...], shifts: Times, groups: list[list[int]]) -> None:
        self._names, self._shifts, self._groups = names, shifts, groups

    def pieces(self, part: Part, from_ms: int, to_ms: int) -> Iterator[Piece]:
        """Give what lies between both, the second left out."""
        for rows in self._groups:
            own = part.times + self._shifts[rows[0]]
            low, high = np.searchsorted(own, [from_ms, to_ms]).tolist()
            labels = tuple(self._names[row] for row in rows)
            yield Piece(labels, own[low:high], part.values[rows, low:high])


def _block_ends(start: int, end: int) -> list[int]:
    """Give where compaction's blocks end: the largest whole range that is over, then smaller."""
    shape, found = Shape(), list[int]()
    sizes = sorted((shape.block_ms * level for level in (1, *shape.levels)), reverse=True)
    while start < end:
        over = [(start // size + 1) * size for size in sizes]
        start = next((one for one in over if one <= end), end)
        found.append(start)
    return found


def _format() -> str:
    """Give a digest of what our blocks look like: it changes when their format does."""
    rng, steps = np.random.default_rng(1), 110_000
    times = START_MS + np.arange(steps, dtype=np.int64) * STEP_MS
    grown = rng.poisson(3.0, (2, steps)).astype(np.float64)
    values = np.cumsum(grown * [[1.0], [0.3]], axis=1)
    labels = tuple(labels_of({"__name__": "probe", "row": str(row)}) for row in range(3))
    told = hashlib.blake2b(repr(Shape().levels).encode(), digest_size=12)
    with tempfile.TemporaryDirectory() as work:
        piece = Piece(labels, times, np.vstack([values, rng.normal(0, 1, steps)]))
        block = write_block(Path(work), "1", [piece])
        assert block is not None
        for path in sorted(block.path.iterdir()):
            told.update(path.read_bytes())
    return told.hexdigest()


def their_root(folder: Path, count: int, phases: Phases, kind: str = "") -> Path:
    """Name the other side's folder."""
    return folder / f"theirs-{phases}-{count}{kind and f'-{kind}'}"


def feed(root: Path, count: int, phases: Phases, chosen: list[int] | None = None) -> Path:
    """Feed the other side, where it is not yet fed, with all series or some rows of them."""
    if _is_kept(root, VERSION):
        return root
    with prometheus(root, IN_ORDER, (*FLAGS, *FED_BLOCKS)) as server:
        server.client.timeout = 1800
        again = _feed(server, root.name, count, phases, chosen or list(range(len(series()))))
    with prometheus(root, IN_ORDER, FLAGS) as server:
        _settle(server, root / "data", again)
    (root / "done").write_text(VERSION)
    return root


@contextmanager
def their_server(folder: Path, count: int, phases: Phases) -> Iterator[Prometheus]:
    """Run the other side, fed where it is not yet."""
    with started(feed(their_root(folder, count, phases), count, phases)) as server:
        yield server


@contextmanager
def started(root: Path) -> Iterator[Prometheus]:
    """Run a Prometheus on what was fed."""
    with prometheus(root, IN_ORDER, FLAGS) as server:
        server.client.timeout = 1800
        yield server


def _feed(server: Prometheus, name: str, count: int, phases: Phases, rows: list[int]) -> bytes:
    """Feed all days; give one sample again, which changes nothing."""
    names = series()
    requests, shifts = WriteRequests(names), offsets(names, phases)
    halves = [half for half in (rows[::2], rows[1::2]) if half]
    with ThreadPoolExecutor(len(halves)) as pool:
        for day, part in enumerate(parts(count), 1):
            for low in range(0, len(part.times), REQUEST_STEPS):
                cut = slice(low, low + REQUEST_STEPS)
                own = part.times[cut], part.values[:, cut]
                sent = [
                    pool.submit(_sent, server, requests, own, (half, shifts)) for half in halves
                ]
                for one in sent:
                    one.result()
            progress(f"{name}: fed day {day} of {count}")
    return requests.body(part.times[-1:], part.values[:, -1:], rows[:1], shifts)


def _sent(
    server: Prometheus,
    requests: WriteRequests,
    own: tuple[Times, Floats],
    rows: tuple[list[int], Times],
) -> None:
    send(server, requests.body(*own, *rows))


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


def _settle(server: Prometheus, data: Path, again: bytes) -> None:
    """Wait until Prometheus has cut its head and joined its blocks: it looks when it is written to.

    Source: tsdb/db.go, `dbAppender.Commit`.
    """
    before, quiet, end = set[str](), 0, time.monotonic() + 900
    while time.monotonic() < end and quiet < QUIET_LOOKS:
        text = server.client.get(f"{server.url}/metrics").text
        told = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        low, high = (float(told[f"prometheus_tsdb_head_{one}_time"]) for one in ("min", "max"))
        now = {path.name for path in data.iterdir()}
        working = any("tmp" in name for name in now) or high - low > HEAD_MS
        quiet = 0 if working or now != before else quiet + 1
        before = now
        send(server, again)
        time.sleep(1)
    if quiet < QUIET_LOOKS:
        raise RuntimeError("Prometheus did not come to rest within a quarter of an hour")
