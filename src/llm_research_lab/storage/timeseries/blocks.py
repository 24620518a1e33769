"""A block is a folder that never changes: a Parquet file a target, wide, and an index with sums.

It appears whole by a rename. Integral values are int64 DELTA_BINARY_PACKED, others float64
BYTE_STREAM_SPLIT, both under zstd; a hole is a null, a stale marker is Prometheus's NaN.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from llm_research_lab.promql.values import STALE_BITS, Floats
from llm_research_lab.storage.private import PRIVATE_DIRECTORY, sync_directory
from llm_research_lab.storage.timeseries.pieces import ABSENT, PRESENT, STALE, Piece, States
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import Finding
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher, accepts

ROW_GROUP = 100_000
EXACT = float(1 << 53)
"""Integers up to here are the same as float64 and as int64."""
INDEX = "index.json"
TIME = "t"
_ZSTD_LEVEL = 3
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one series in one block; stale markers are not counted.

    `drops` is what a counter lost at its resets.
    """

    labels: Labels
    count: int
    first: float | None
    last: float | None
    sum: float | None
    drops: float | None


@dataclass(frozen=True, slots=True)
class File:
    """One target's file in a block."""

    name: str
    crc: int
    bytes: int
    rows: int
    start_ms: int
    end_ms: int
    series: tuple[Summary, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`floor_ms`: the log's samples before it are in this block or in older ones."""

    path: Path
    files: tuple[File, ...]
    floor_ms: int | None = None
    replaces: frozenset[str] = frozenset()
    _matched: dict[tuple[Matcher, ...], dict[str, list[int]]] = field(default_factory=dict)

    @property
    def start_ms(self) -> int:
        """The first sample's time."""
        return min(file.start_ms for file in self.files)

    @property
    def end_ms(self) -> int:
        """The last sample's time."""
        return max(file.end_ms for file in self.files)

    @property
    def bytes(self) -> int:
        """What its data takes on the disk."""
        return sum(file.bytes for file in self.files)

    @property
    def samples(self) -> int:
        """Samples, stale markers left out."""
        return sum(one.count for file in self.files for one in file.series)

    def chosen(self, matchers: tuple[Matcher, ...]) -> dict[str, list[int]]:
        """Give the columns that the matchers accept, by file."""
        found = self._matched.get(matchers)
        if found is None:
            found = {
                file.name: [i for i, one in enumerate(file.series) if accepts(matchers, one.labels)]
                for file in self.files
            }
            if len(self._matched) > 500:  # noqa: PLR2004 - as many as there are parsed expressions
                self._matched.clear()
            self._matched[matchers] = found
        return found


def write_block(
    folder: Path,
    name: str,
    pieces: Iterable[Piece],
    *,
    floor_ms: int | None = None,
    replaces: frozenset[str] = frozenset(),
) -> Block | None:
    """Write the pieces as a block; None without a sample. Raises OSError, leaving nothing."""
    work = folder / f"{name}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(PRIVATE_DIRECTORY)
    try:
        files = []
        for number, piece in enumerate(pieces):
            file = _write_file(work / f"{number:05d}.parquet", piece)
            if file is not None:
                files.append(file)
        if not files:
            shutil.rmtree(work)
            return None
        block = Block(folder / name, tuple(files), floor_ms, replaces)
        _write_synced(work / INDEX, _index(block))
        crash_point("timeseries.block_written")
        sync_directory(work)
        work.rename(block.path)
        crash_point("timeseries.block_renamed")
        sync_directory(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    crash_point("timeseries.block_synced")
    return block


def _write_file(path: Path, piece: Piece) -> File | None:
    rows = np.arange(len(piece.labels))
    if piece.states is not None:
        held = piece.states != ABSENT
        rows = np.flatnonzero(held.any(axis=1))
        piece = piece.of(rows.tolist())
    if not len(rows) or not len(piece.times):
        return None
    arrays, encodings = [pa.array(piece.times)], {TIME: "DELTA_BINARY_PACKED"}
    series = []
    for row, labels in enumerate(piece.labels):
        states = None if piece.states is None else piece.states[row]
        array, whole = _array(piece.values[row], states)
        arrays.append(array)
        encodings[str(row)] = "DELTA_BINARY_PACKED" if whole else "BYTE_STREAM_SPLIT"
        series.append(_summary(labels, piece.values[row], states))
    table = pa.table(arrays, names=list(encodings))
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        write_statistics=False,
        column_encoding=encodings,
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
        store_schema=False,
    )
    _sync_file(path)
    crash_point("timeseries.file_written")
    size, crc = path.stat().st_size, checksum(path)
    ends = int(piece.times[0]), int(piece.times[-1])
    return File(path.name, crc, size, len(piece.times), *ends, tuple(series))


def _array(values: Floats, states: States | None) -> tuple[pa.Array, bool]:
    hole = None if states is None else states == ABSENT
    marked = states is not None and bool((states == STALE).any())
    known = values if hole is None else np.where(hole, 0.0, values)
    with np.errstate(invalid="ignore"):
        whole = not marked and bool(
            (np.abs(known) <= EXACT).all() and (known == np.rint(known)).all()
        )
    if whole and not (np.signbit(known) & (known == 0)).any():
        return pa.array(known.astype(np.int64), mask=hole), True
    if states is not None:
        known = known.copy()
        known[states == STALE] = np.array(STALE_BITS, dtype=np.uint64).view(np.float64)
    return pa.array(known, mask=hole, from_pandas=False), False


def _summary(labels: Labels, values: Floats, states: States | None) -> Summary:
    own = values if states is None else values[states == PRESENT]
    if not len(own):
        return Summary(labels, 0, None, None, None, None)
    with np.errstate(all="ignore"):
        before = own[:-1]
        drops = float(before[own[1:] < before].sum())
        total = float(own.sum())
    first, last = float(own[0]), float(own[-1])
    return Summary(labels, len(own), *(_finite(one) for one in (first, last, total, drops)))


def _finite(value: float) -> float | None:
    """JSON has no NaN: None says that the statistic is of no use."""
    return value if np.isfinite(value) else None


def _index(block: Block) -> bytes:
    told = {
        "version": 1,
        "floor_ms": block.floor_ms,
        "replaces": sorted(block.replaces),
        "files": [
            {
                "name": file.name,
                "crc": file.crc,
                "bytes": file.bytes,
                "rows": file.rows,
                "start_ms": file.start_ms,
                "end_ms": file.end_ms,
                "series": [
                    [one.labels, one.count, one.first, one.last, one.sum, one.drops]
                    for one in file.series
                ],
            }
            for file in block.files
        ],
    }
    body = orjson.dumps(told)
    return b"%08x\n%s" % (zlib.crc32(body), body)


def read_block(path: Path) -> Block:
    """Read a block's index. Raises ValueError when it is not as it was written, OSError."""
    crc, _, body = (path / INDEX).read_bytes().partition(b"\n")
    if crc != b"%08x" % zlib.crc32(body):
        raise ValueError("the index's checksum differs")
    told = orjson.loads(body)
    files = tuple(
        File(
            file["name"],
            file["crc"],
            file["bytes"],
            file["rows"],
            file["start_ms"],
            file["end_ms"],
            tuple(
                Summary(tuple((name, value) for name, value in labels), *rest)
                for labels, *rest in file["series"]
            ),
        )
        for file in told["files"]
    )
    return Block(path, files, told["floor_ms"], frozenset(told["replaces"]))


def verify_block(path: Path) -> list[Finding]:
    """Say what in the block is not as it was written."""
    fix = "restore it from a snapshot; the rest is served"
    try:
        block = read_block(path)
    except (OSError, ValueError, KeyError) as error:
        return [Finding(f"block {path}", "the index is as it was written", str(error), fix)]
    found = []
    for file in block.files:
        try:
            whole = checksum(path / file.name) == file.crc
            told = "its checksum differs"
        except OSError as error:
            whole, told = False, error.strerror or str(error)
        if not whole:
            law = "the file is as it was written"
            found.append(Finding(f"file {path / file.name}", law, told, fix))
    return found


def checksum(path: Path) -> int:
    """Give the file's CRC-32."""
    crc = 0
    with path.open("rb") as file:
        while data := file.read(_PIECE_BYTES):
            crc = zlib.crc32(data, crc)
    return crc


def _sync_file(path: Path) -> None:
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
    _sync_file(path)
