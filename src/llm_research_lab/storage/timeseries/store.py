"""The store on files: a log, a head and blocks below one folder; one writer, many readers.

Layout: ``lock``, ``log/``, ``blocks/``, ``quarantine/``, ``tombstones.json``.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]

from llm_research_lab.promql.values import Columns
from llm_research_lab.storage.lock import Lock, take
from llm_research_lab.storage.private import (
    PRIVATE_DIRECTORY,
    explained,
    sync_directory,
    write_private,
)
from llm_research_lab.storage.timeseries.blocks import (
    INDEX,
    Block,
    Cache,
    pieces_of,
    read_block,
    verify_block,
    write_block,
)
from llm_research_lab.storage.timeseries.head import Head
from llm_research_lab.storage.timeseries.log import (
    Deletion,
    Floor,
    Log,
    Reading,
    segments,
)
from llm_research_lab.storage.timeseries.pieces import ABSENT, Piece, gathered, joined
from llm_research_lab.storage.timeseries.port import Appended, Batch
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import ConflictError, Finding, Instant, UnavailableError
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher, accepts

HOUR_MS = 3_600_000
_FOLDERS = ("log", "blocks", "quarantine")
_RETRIES = 5
"""Times that a reader looks again when the writer replaced a file under it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a store keeps its samples; ranges as Prometheus's: two hours, then by three."""

    block_ms: int = 2 * HOUR_MS
    late_ms: int = HOUR_MS
    """How much older than the newest a sample may come."""
    retention_ms: int | None = 100 * 24 * HOUR_MS
    retention_bytes: int | None = None
    levels: tuple[int, ...] = (3, 9, 27, 81, 243)
    """Compacted blocks cover so many of the smallest ranges."""
    cache_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Status:
    """What a store holds."""

    head_series: int
    head_samples: int
    blocks: int
    block_samples: int
    block_bytes: int
    log_bytes: int
    first_ms: int | None
    last_ms: int | None
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _View:
    """What a select sees: blocks, head and tombstones of one moment."""

    blocks: tuple[Block, ...] = ()
    head: Head = field(default_factory=Head)
    floor_ms: int | None = None
    tombstones: dict[str, list[Deletion]] = field(default_factory=dict)
    readings: dict[Path, Reading] = field(default_factory=dict)


class FileSeries:
    """Safe to be used from many threads. A reader has no lock, and sees what the writer wrote."""

    def __init__(self, root: Path, shape: Shape, lock: Lock | None) -> None:
        self.root, self.shape = root, shape
        self._lock_file = lock
        self._guard = threading.RLock()
        self._maintaining = threading.Lock()
        self._cache = Cache(shape.cache_bytes)
        self._found: dict[str, Finding] = {}
        self._bad: set[Path] = set()
        self._log: Log | None = None
        self._view = self._load()
        if lock is not None:
            self._begin()

    @classmethod
    def open(cls, root: Path, shape: Shape | None = None, *, read_only: bool = False) -> FileSeries:
        """Open the store, made where there is none.

        Raises ConflictError when another process writes it, and what `explained` makes of OSErrors.
        """
        try:
            if not read_only:
                for folder in _FOLDERS:
                    (root / folder).mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            lock = None if read_only else take(root / "lock")
        except OSError as error:
            raise explained(error, root) from error
        try:
            return cls(root, shape or Shape(), lock)
        except OSError as error:
            if lock is not None:
                lock.release()
            raise explained(error, root) from error
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    # Opening

    def _load(self) -> _View:
        view = _View(self._read_blocks(), tombstones=self._read_tombstones())
        floors = [block.floor_ms for block in view.blocks if block.floor_ms is not None]
        view.floor_ms = max(floors, default=None)
        self._read_log(view)
        return view

    def _read_blocks(self) -> tuple[Block, ...]:
        blocks = []
        for path in sorted((self.root / "blocks").glob("*")):
            if path.suffix == ".tmp":
                continue
            try:
                blocks.append(read_block(path))
            except FileNotFoundError:
                if self._lock_file is not None:
                    self._isolate(path, "it has no index")
            except (OSError, ValueError, KeyError) as error:
                self._isolate(path, str(error))
        replaced = frozenset[str]().union(*(block.replaces for block in blocks))
        return tuple(block for block in blocks if block.path.name not in replaced)

    def _read_log(self, view: _View) -> None:
        paths = segments(self.root / "log")
        for path in paths:
            reading = view.readings.setdefault(path, Reading(path))
            for entry in reading.entries(last=path == paths[-1]):
                if isinstance(entry, Floor):
                    view.floor_ms = max(entry.floor_ms, view.floor_ms or entry.floor_ms)
                    view.head.forget(view.floor_ms)
                elif isinstance(entry, Deletion):
                    view.head.delete(_matchers(entry), entry.from_ms, entry.to_ms)
                else:
                    _put(view.head, entry, view.floor_ms)
            for finding in reading.bad:
                self._found[finding.where] = finding

    def _read_tombstones(self) -> dict[str, list[Deletion]]:
        try:
            told = orjson.loads((self.root / "tombstones.json").read_bytes())
            return {
                name: [Deletion(tuple(map(tuple, one[0])), one[1], one[2]) for one in ones]
                for name, ones in told.items()
            }
        except FileNotFoundError:
            return {}
        except ValueError as error:
            self._say(self.root / "tombstones.json", str(error))
            return {}

    def _begin(self) -> None:
        """As the writer: clear what a crash left, set damaged records aside, begin a segment."""
        for path in (self.root / "blocks").iterdir():
            if path.suffix == ".tmp" or path not in {block.path for block in self._view.blocks}:
                shutil.rmtree(path, ignore_errors=True)
        paths, position = segments(self.root / "log"), 0
        for path in paths:
            reading = self._view.readings[path]
            position = max(position, reading.position)
            if reading.bad or reading.offset < path.stat().st_size:
                shutil.copy2(path, self.root / "quarantine" / path.name)
            if reading.offset < path.stat().st_size:
                os.truncate(path, reading.offset)
        self._log = Log(self.root / "log", position, self._view.floor_ms)
        self._log.sealed = {path: self._view.readings[path].max_ms for path in paths}
        self._view.readings = {}

    # Saying and setting aside what is damaged

    def _say(self, path: Path, told: str) -> None:
        fix = "restore it from a snapshot; the rest is served"
        finding = Finding(f"file {path}", "a file is as it was written", told, fix)
        self._found[finding.where] = finding

    def _isolate(self, path: Path, told: str) -> None:
        self._say(path, told)
        if self._lock_file is not None and path.exists():
            place = self.root / "quarantine" / path.name
            shutil.rmtree(place, ignore_errors=True)
            path.rename(place)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found damaged since the store was opened."""
        return tuple(self._found.values())

    # Appending

    def append(self, batch: Batch) -> Appended:
        """Keep the batch's samples; return when they are on the disk.

        Raises UnavailableError when the disk takes no more: then nothing of the batch is promised.
        """
        log = self._writing()
        with self._guard:
            batch, too_old = self._timely(batch)
            if not len(batch.values):
                return Appended(0, too_old=too_old)
            position = log.write(batch)
            done = self._view.head.put(batch.labels, batch.times, batch.values, batch.stale)
        log.sync(position)
        return Appended(done.taken, done.duplicate, done.conflicting, too_old)

    def _timely(self, batch: Batch) -> tuple[Batch, int]:
        newest, floor = self._view.head.max_ms, self._view.floor_ms
        bounds = [floor] if floor is not None else []
        if newest is not None:
            bounds.append(newest - self.shape.late_ms)
        kept, count = _from(batch, max(bounds, default=None))
        return kept, count

    def _writing(self) -> Log:
        if self._log is None:
            raise ConflictError(
                f"store {self.root}", "a store opened to write", "a reader", "open it as the writer"
            )
        return self._log

    # Reading

    def select(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> list[Columns]:
        """Give the samples of the series that all matchers accept, both ends included."""
        return gathered(self._pieces(tuple(matchers), from_ms, to_ms))

    def series(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> list[Labels]:
        """Name the series that all matchers accept and that may have samples in the time."""
        self._refresh()
        asked = tuple(matchers)
        with self._guard:
            blocks, head = self._view.blocks, self._view.head.pieces(asked, from_ms, to_ms)
        found = dict.fromkeys(one for piece in head if len(piece.times) for one in piece.labels)
        for block in blocks:
            for file in block.files:
                if file.start_ms <= to_ms and file.end_ms >= from_ms:
                    cols = block.chosen(asked)[file.name]
                    found |= dict.fromkeys(file.series[col].labels for col in cols)
        return list(found)

    def _pieces(self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int) -> list[Piece]:
        for _ in range(_RETRIES):
            self._refresh()
            with self._guard:
                blocks, tombstones = self._view.blocks, self._view.tombstones
                head = self._view.head.pieces(matchers, from_ms, to_ms)
            try:
                found = [
                    piece
                    for block in blocks
                    for piece in self._block(
                        block, matchers, from_ms, to_ms, tombstones.get(block.path.name, [])
                    )
                ]
            except FileNotFoundError:
                continue
            return [*found, *head]
        raise UnavailableError(
            f"store {self.root}", "files that stay", "files that vanish", "verify the store"
        )

    def _block(
        self,
        block: Block,
        matchers: tuple[Matcher, ...],
        from_ms: int,
        to_ms: int,
        deletions: list[Deletion],
    ) -> Iterator[Piece]:
        chosen = block.chosen(matchers)
        for file in block.files:
            cols, path = chosen[file.name], block.path / file.name
            if not cols or file.start_ms > to_ms or file.end_ms < from_ms or path in self._bad:
                continue
            try:
                piece = pieces_of(block, file, cols, (from_ms, to_ms), self._cache)
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                if isinstance(error, FileNotFoundError) and self._gone(block):
                    raise
                self._bad.add(path)
                self._say(path, str(error))
                continue
            if piece is not None:
                yield _without(piece, deletions)

    def _gone(self, block: Block) -> bool:
        """Whether the block was replaced, not damaged."""
        return not (block.path / INDEX).exists()

    def _refresh(self) -> None:
        """A reader follows the writer: the log's end, or all of it when files came or went."""
        if self._lock_file is not None:
            return
        with self._guard:
            names = {path.name for path in (self.root / "blocks").glob("*") if not path.suffix}
            known = {block.path.name for block in self._view.blocks}
            tombstones = self._read_tombstones()
            same = names == known and set(segments(self.root / "log")) == set(self._view.readings)
            if same and tombstones == self._view.tombstones:
                self._read_log(self._view)
                return
            for _ in range(_RETRIES):
                try:
                    self._view = self._load()
                except FileNotFoundError:
                    continue
                return

    # Keeping house

    def maintain(self) -> None:
        """Write full ranges as blocks, join small blocks, drop what is over the retention."""
        self._writing()
        with self._maintaining:
            while self._due():
                self._cut(self._next_end())
            while (group := self._joinable()) is not None:
                self._replace(group)
            self._retain()

    def flush(self) -> None:
        """Write all that the head holds as a block; later samples of its time come too late."""
        self._writing()
        with self._maintaining:
            if self._view.head.max_ms is not None and len(self._view.head):
                self._cut(self._view.head.max_ms + 1)

    def compact(self) -> None:
        """Maintain, and carry out the deletes in blocks."""
        self.maintain()
        with self._maintaining:
            for block in self._view.blocks:
                if block.path.name in self._view.tombstones:
                    self._replace([block])

    def _due(self) -> bool:
        head = self._view.head
        if head.min_ms is None or head.max_ms is None:
            return False
        return head.max_ms - self.shape.late_ms >= self._next_end()

    def _next_end(self) -> int:
        low = self._view.head.min_ms or 0
        return (low // self.shape.block_ms + 1) * self.shape.block_ms

    def _cut(self, end_ms: int) -> None:
        log = self._writing()
        with self._guard:
            before, self._view.floor_ms = self._view.floor_ms, end_ms
            pieces = self._view.head.pieces((), -(1 << 62), end_ms - 1)
        try:
            block = self._written(pieces, end_ms)
        except OSError as error:
            with self._guard:
                self._view.floor_ms = before
            raise explained(error, self.root) from error
        with self._guard:
            if block is not None:
                self._view.blocks = (*self._view.blocks, block)
            self._view.head.forget(end_ms)
            log.rotate(end_ms)
        log.drop(end_ms)

    def _written(
        self,
        pieces: Iterable[Piece],
        floor_ms: int | None,
        replaces: frozenset[str] = frozenset(),
    ) -> Block | None:
        names = [int(path.stem) for path in (self.root / "blocks").iterdir() if path.stem.isdigit()]
        names += [int(name) for name in self._view.tombstones]
        name = f"{max(names, default=0) + 1:010d}"
        return write_block(self.root / "blocks", name, pieces, floor_ms=floor_ms, replaces=replaces)

    def _joinable(self) -> list[Block] | None:
        """Find blocks of one larger range that is over: at least two, or that overlap."""
        floor = self._view.floor_ms
        if floor is None:
            return None
        for level in self.shape.levels:
            span = level * self.shape.block_ms
            if self.shape.retention_ms is not None and span * 10 > self.shape.retention_ms:
                break
            ranges: dict[int, list[Block]] = {}
            for block in self._view.blocks:
                start = block.start_ms // span
                if start == block.end_ms // span and (start + 1) * span <= floor:
                    ranges.setdefault(start, []).append(block)
            for blocks in ranges.values():
                if len(blocks) > 1:
                    return blocks
        return None

    def _replace(self, blocks: list[Block]) -> None:
        pieces = joined(
            [
                piece
                for block in blocks
                for piece in self._block(
                    block, (), -(1 << 62), 1 << 62, self._view.tombstones.get(block.path.name, [])
                )
            ]
        )
        floors = [block.floor_ms for block in blocks if block.floor_ms is not None]
        gone = frozenset(block.path.name for block in blocks)
        for path in [path for path in self._bad if path.parent.name in gone]:
            place = self.root / "quarantine" / f"{path.parent.name}-{path.name}"
            shutil.copy2(path, place)
        try:
            block = self._written(pieces, max(floors, default=None), gone)
        except OSError as error:
            raise explained(error, self.root) from error
        with self._guard:
            rest = tuple(one for one in self._view.blocks if one not in blocks)
            self._view.blocks = rest if block is None else (*rest, block)
        self._delete(blocks)

    def _delete(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            away = block.path.with_suffix(".tmp")
            block.path.rename(away)
            crash_point("timeseries.block_dropped")
            shutil.rmtree(away, ignore_errors=True)
        sync_directory(self.root / "blocks")
        gone = {block.path.name for block in blocks} & set(self._view.tombstones)
        if gone:
            with self._guard:
                stones = {n: ones for n, ones in self._view.tombstones.items() if n not in gone}
                self._write_tombstones(stones)

    def _retain(self) -> None:
        newest = self._view.head.max_ms
        if newest is None:
            newest = max((block.end_ms for block in self._view.blocks), default=0)
        by_age = sorted(self._view.blocks, key=lambda block: block.end_ms)
        total = sum(block.bytes for block in by_age)
        gone = []
        for block in by_age[:-1]:
            age, size = self.shape.retention_ms, self.shape.retention_bytes
            old = age is not None and block.end_ms < newest - age
            if not old and not (size is not None and total > size):
                break
            gone.append(block)
            total -= block.bytes
        with self._guard:
            self._view.blocks = tuple(one for one in self._view.blocks if one not in gone)
        self._delete(gone)

    # Deleting, looking after, taking along

    def delete(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> None:
        """Drop the samples that are there now; blocks lose theirs when they are compacted."""
        log = self._writing()
        told = tuple((one.name, one.op, one.value) for one in matchers)
        deletion = Deletion(told, from_ms, to_ms)
        with self._maintaining:
            with self._guard:
                stones = {name: list(ones) for name, ones in self._view.tombstones.items()}
                for block in self._view.blocks:
                    if block.start_ms <= to_ms and block.end_ms >= from_ms:
                        stones.setdefault(block.path.name, []).append(deletion)
                self._write_tombstones(stones)
                position = log.delete(deletion)
                self._view.head.delete(matchers, from_ms, to_ms)
            log.sync(position)

    def _write_tombstones(self, stones: dict[str, list[Deletion]]) -> None:
        content = {
            name: [[one.matchers, one.from_ms, one.to_ms] for one in ones]
            for name, ones in stones.items()
        }
        write_private(self.root / "tombstones.json", orjson.dumps(content))
        crash_point("timeseries.tombstones_written")
        self._view.tombstones = stones

    def snapshot(self, place: Path) -> None:
        """Make a store of this moment at `place`, of links where the file system has them."""
        log = self._writing()
        with self._maintaining:
            with self._guard:
                log.rotate(self._view.floor_ms)
                blocks, sealed = self._view.blocks, sorted(log.sealed)
            try:
                for folder in _FOLDERS:
                    (place / folder).mkdir(PRIVATE_DIRECTORY, parents=True)
                for block in blocks:
                    (place / "blocks" / block.path.name).mkdir(PRIVATE_DIRECTORY)
                    for file in block.path.iterdir():
                        _link(file, place / "blocks" / block.path.name / file.name)
                for path in sealed:
                    _link(path, place / "log" / path.name)
                stones = self.root / "tombstones.json"
                if stones.exists():
                    shutil.copy2(stones, place / stones.name)
                crash_point("timeseries.snapshot_linked")
                sync_directory(place)
            except OSError as error:
                raise explained(error, place) from error

    def verify(self) -> list[Finding]:
        """Read everything, and say what is not as it was written."""
        found = dict(self._found)
        for path in sorted((self.root / "blocks").glob("*")):
            if path.suffix != ".tmp":
                found |= {finding.where: finding for finding in verify_block(path)}
        paths = segments(self.root / "log")
        for path in paths:
            reading = Reading(path)
            for _ in reading.entries(last=path == paths[-1]):
                pass
            found |= {finding.where: finding for finding in reading.bad}
        return list(found.values())

    def status(self) -> Status:
        """Say what is there."""
        self._refresh()
        with self._guard:
            blocks, head = self._view.blocks, self._view.head
            firsts = [block.start_ms for block in blocks]
            lasts = [block.end_ms for block in blocks]
            return Status(
                len(head),
                head.samples,
                len(blocks),
                sum(block.samples for block in blocks),
                sum(block.bytes for block in blocks),
                sum(path.stat().st_size for path in segments(self.root / "log")),
                min([*firsts, *([] if head.min_ms is None else [head.min_ms])], default=None),
                max([*lasts, *([] if head.max_ms is None else [head.max_ms])], default=None),
                self.findings,
            )

    def add_history(self, batches: Iterable[Batch]) -> Appended:
        """Write batches of any age as blocks; where a sample is there, it stays."""
        self._writing()
        head, totals = Head(), [0, 0, 0]
        for batch in batches:
            done = head.put(batch.labels, batch.times, batch.values, batch.stale)
            counts = (done.taken, done.duplicate, done.conflicting)
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
        span = self.shape.block_ms
        with self._maintaining:
            while head.min_ms is not None:
                end = (head.min_ms // span + 1) * span
                try:
                    block = self._written(head.pieces((), -(1 << 62), end - 1), None)
                except OSError as error:
                    raise explained(error, self.root) from error
                if block is not None:
                    with self._guard:
                        self._view.blocks = (*self._view.blocks, block)
                head.forget(end)
        return Appended(*totals)

    def close(self) -> None:
        """Sync the log and let go of the lock."""
        try:
            if self._log is not None:
                self._log.close()
        except OSError as error:
            raise explained(error, self.root) from error
        finally:
            if self._lock_file is not None:
                self._lock_file.release()


def _matchers(deletion: Deletion) -> tuple[Matcher, ...]:
    return tuple(Matcher(name, op, value) for name, op, value in deletion.matchers)  # type: ignore[arg-type]


def _from(batch: Batch, bound_ms: int | None) -> tuple[Batch, int]:
    """Leave out what is before the bound; give how many that is."""
    if bound_ms is None or not len(batch.times) or batch.times.min() >= bound_ms:
        return batch, 0
    kept = np.flatnonzero(batch.times >= bound_ms)
    stale = None if batch.stale is None else batch.stale[kept]
    labels = tuple(batch.labels[i] for i in kept.tolist())
    left = len(batch.times) - len(kept)
    return Batch(labels, batch.times[kept], batch.values[kept], stale), left


def _put(head: Head, batch: Batch, floor_ms: int | None) -> None:
    kept, _ = _from(batch, floor_ms)
    head.put(kept.labels, kept.times, kept.values, kept.stale)


def _without(piece: Piece, deletions: list[Deletion]) -> Piece:
    states = None if piece.states is None else piece.states.copy()
    for deletion in deletions:
        matchers = _matchers(deletion)
        rows = [i for i, labels in enumerate(piece.labels) if accepts(matchers, labels)]
        held = (piece.times >= deletion.from_ms) & (piece.times <= deletion.to_ms)
        if rows and held.any():
            if states is None:
                states = np.ones(piece.values.shape, dtype=np.uint8)
            states[np.ix_(np.asarray(rows), np.flatnonzero(held))] = ABSENT
    return piece if states is None else Piece(piece.labels, piece.times, piece.values, states)


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:
        shutil.copy2(source, place)
