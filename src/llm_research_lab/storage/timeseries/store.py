"""The store on files: a log, a head and blocks below one folder; one writer, many readers.

Layout: ``lock``, ``log/``, ``blocks/``, ``quarantine/``, ``tombstones.json``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from llm_research_lab.promql.values import Columns
from llm_research_lab.storage.lock import Lock, take
from llm_research_lab.storage.private import PRIVATE_DIRECTORY, explained
from llm_research_lab.storage.timeseries import upkeep
from llm_research_lab.storage.timeseries.batches import Timely, since
from llm_research_lab.storage.timeseries.blocks import verify_block
from llm_research_lab.storage.timeseries.cache import Cache
from llm_research_lab.storage.timeseries.damage import Damage
from llm_research_lab.storage.timeseries.history import Waiting
from llm_research_lab.storage.timeseries.loading import begin, load, read_log, tombstones_of
from llm_research_lab.storage.timeseries.log import Deletion, Reading, segments
from llm_research_lab.storage.timeseries.pieces import Piece, columns_of, gathered, piece_of
from llm_research_lab.storage.timeseries.port import Appended, Batch
from llm_research_lab.storage.timeseries.shape import HOUR_MS, Shape, Status
from llm_research_lab.storage.timeseries.snapshots import FOLDERS, snapshot
from llm_research_lab.storage.timeseries.tombstones import write_tombstones
from llm_research_lab.storage.timeseries.view import Held, Moment
from llm_research_lab.vocabulary import Finding, Instant, UnavailableError
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher

__all__ = ["HOUR_MS", "FileSeries", "Shape", "Status"]

_RETRIES = 5
"""Times that a reader looks again when the writer replaced a file under it."""


def _now() -> Instant:
    return time.time_ns() // 1_000_000


class FileSeries:
    """Safe to be used from many threads. A reader has no lock, and sees what the writer wrote."""

    def __init__(
        self, root: Path, shape: Shape, lock: Lock | None, clock: Callable[[], Instant]
    ) -> None:
        self.root, self.shape = root, shape
        self._lock_file = lock
        self._damage = Damage(root, writes=lock is not None)
        view = load(root, self._damage)
        self._held = Held(root, shape, clock, self._damage, view, Cache(shape.cache_bytes))
        self._timely = Timely(clock, shape.ahead_ms)
        if lock is not None:
            self._timely.went_back(view.head.max_ms)
            self._held.log = begin(root, view, self._damage)

    @classmethod
    def open(
        cls,
        root: Path,
        shape: Shape | None = None,
        *,
        read_only: bool = False,
        clock: Callable[[], Instant] = _now,
    ) -> FileSeries:
        """Open the store, made where there is none.

        Raises ConflictError when another process writes it, and what `explained` makes of OSErrors.
        """
        try:
            if not read_only:
                for folder in FOLDERS:
                    (root / folder).mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            lock = None if read_only else take(root / "lock")
        except OSError as error:
            raise explained(error, root) from error
        try:
            return cls(root, shape or Shape(), lock, clock)
        except OSError as error:
            if lock is not None:
                lock.release()
            raise explained(error, root) from error
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found damaged, or out of time, since the store was opened."""
        return (*self._damage.findings, *self._timely.findings)

    # Appending

    def append(self, batch: Batch) -> Appended:
        """Keep the batch's samples; return when they are on the disk.

        Raises UnavailableError when the disk takes no more: then nothing of the batch is promised.
        """
        held = self._held
        log = held.writing()
        with held.guard:
            batch, too_new = self._timely.not_ahead(batch)
            batch, too_old = since(batch, self._oldest())
            if not len(batch.values):
                return Appended(0, too_old=too_old, too_new=too_new)
            position = log.write(batch)
            done = held.view.head.put(batch.labels, batch.times, batch.values, batch.stale)
        log.sync(position)
        return Appended(done.taken, done.duplicate, done.conflicting, too_old, too_new)

    def _oldest(self) -> int | None:
        newest, floor = self._held.newest_ms(), self._held.view.floor_ms
        bounds = [] if floor is None else [floor]
        bounds += [] if newest is None else [newest - self.shape.late_ms]
        return max(bounds, default=None)

    # Reading

    def select(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> list[Columns]:
        """Give the samples of the series that all matchers accept, both ends included."""
        in_blocks, in_head = self._read(tuple(matchers), from_ms, to_ms)
        if not in_blocks:  # a series of the head stands in one of its pieces alone
            return [one for piece in in_head for one in columns_of(piece)]
        newest = {one for piece in in_head for one in piece.labels}
        apart = [one for one in in_blocks if newest.isdisjoint(one.labels)]
        mixed = [piece_of(one) for one in in_blocks if not newest.isdisjoint(one.labels)]
        return [*apart, *gathered([*mixed, *in_head])]

    def series(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> list[Labels]:
        """Name the series that all matchers accept and that may have samples in the time."""
        self._refresh()
        asked, held = tuple(matchers), self._held
        with held.guard:
            blocks, head = held.view.blocks, held.view.head.pieces(asked, from_ms, to_ms)
        found = dict.fromkeys(one for piece in head if len(piece.times) for one in piece.labels)
        for block in blocks:
            for file in block.files:
                if file.start_ms <= to_ms and file.end_ms >= from_ms:
                    cols = block.chosen(asked)[file.name]
                    found |= dict.fromkeys(file.series[col].labels for col in cols)
        return list(found)

    def _read(
        self, matchers: tuple[Matcher, ...], from_ms: int, to_ms: int
    ) -> tuple[list[Columns], list[Piece]]:
        held = self._held
        for _ in range(_RETRIES):
            self._refresh()
            with held.guard:
                moment = Moment(held.view.blocks, held.view.tombstones)
                head = held.view.head.pieces(matchers, from_ms, to_ms)
            try:
                return held.columns(moment, matchers, from_ms, to_ms), head
            except FileNotFoundError:
                continue
        raise UnavailableError(
            f"store {self.root}", "files that stay", "files that vanish", "verify the store"
        )

    def _refresh(self) -> None:
        """A reader follows the writer: the log's end, or all of it when files came or went."""
        if self._lock_file is not None:
            return
        held, root = self._held, self.root
        with held.guard:
            names = {path.name for path in (root / "blocks").glob("*") if not path.suffix}
            known = {block.path for block in held.view.blocks}
            same = names == {path.name for path in known} and set(segments(root / "log")) == set(
                held.view.readings
            )
            if same and tombstones_of(root, self._damage) == held.view.tombstones:
                read_log(root, held.view, self._damage)
                return
            for _ in range(_RETRIES):
                try:
                    held.view = load(root, self._damage)
                except FileNotFoundError:
                    continue
                for path in known - {block.path for block in held.view.blocks}:
                    held.cache.forget(path)
                return

    # Keeping house

    def maintain(self) -> None:
        """Write full ranges as blocks, join small blocks, drop what is over the retention."""
        upkeep.maintain(self._held)

    def flush(self) -> None:
        """Write all that the head holds as a block; later samples of its time come too late."""
        upkeep.flush(self._held)

    def compact(self) -> None:
        """Maintain, and carry out the deletes in blocks."""
        upkeep.compact(self._held)

    def delete(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> None:
        """Drop the samples that are there now; blocks lose theirs when they are compacted."""
        held = self._held
        log = held.writing()
        told = tuple((one.name, one.op, one.value) for one in matchers)
        deletion = Deletion(told, from_ms, to_ms)
        with held.maintaining:
            with held.guard:
                stones = {name: list(ones) for name, ones in held.view.tombstones.items()}
                for block in held.view.blocks:
                    if block.start_ms <= to_ms and block.end_ms >= from_ms:
                        stones.setdefault(block.path.name, []).append(deletion)
                write_tombstones(self.root, stones)
                held.view.tombstones = stones
                position = log.delete(deletion)
                held.view.head.delete(matchers, from_ms, to_ms)
            log.sync(position)

    def snapshot(self, place: Path) -> None:
        """Make a store of this moment at `place`, of links where the file system has them."""
        snapshot(self._held, place)

    def add_history(self, parts: Iterable[Batch | Columns]) -> Appended:
        """Write samples of any age as blocks; where a sample is there, it stays.

        So many samples are in memory at once as the shape says. Those counted as duplicate or
        conflicting are among the samples of batches alone.
        """
        self._held.writing()
        waiting = Waiting(self.shape.history_samples)
        for part in parts:
            if isinstance(part, Batch):
                waiting.add(*self._timely.not_ahead(part))
            else:
                waiting.add(*self._timely.columns_not_ahead(part))
            if waiting.full:
                upkeep.add(self._held, waiting.take())
        upkeep.add(self._held, waiting.take())
        return waiting.done

    def verify(self) -> list[Finding]:
        """Read everything, and say what is not as it was written, or was not and is set aside."""
        found = {finding.where: finding for finding in self._damage.findings}
        for path in sorted((self.root / "blocks").glob("*")):
            if path.suffix != ".tmp":
                found |= {finding.where: finding for finding in verify_block(path)}
        paths = segments(self.root / "log")
        for path in paths:
            reading = Reading(path)
            for _ in reading.entries(last=path == paths[-1]):
                pass
            found |= {finding.where: finding for finding in reading.bad}
        return [*found.values(), *self._damage.aside()]

    def status(self) -> Status:
        """Say what is there."""
        self._refresh()
        held = self._held
        with held.guard:
            blocks, head = held.view.blocks, held.view.head
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

    def close(self) -> None:
        """Sync the log and let go of the lock."""
        try:
            if self._held.log is not None:
                self._held.log.close()
        except OSError as error:
            raise explained(error, self.root) from error
        finally:
            if self._lock_file is not None:
                self._lock_file.release()
