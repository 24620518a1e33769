"""The log keeps batches in order; what it has synced is read again after any crash.

A segment is a file of records: ``LABR``, length, CRC-32, position, payload. It is zlib's: CRC32C
would need a compiled package that nothing else here uses, and finds no more of what disks do.
A batch names its series by a layout that the same segment holds, so segments stand alone.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from llm_research_lab.storage.private import explained, sync_directory
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import Finding, LabError, UnavailableError
from llm_research_lab.vocabulary.labels import Labels

MAGIC = b"LABR"
_HEADER = struct.Struct("<4sIIQ")
_BATCH = struct.Struct("<cIIB")
_ONE_TIME, _STALE, _INDEX = 1, 2, 4

SEGMENT_BYTES = 64 << 20
"""A segment is closed beyond this. Source: Prometheus's are 128 MiB; ours hold less a sample."""


_LOST_KNOWN = 1_000
"""Failed syncs that are remembered; whoever waits for one hears of it within moments."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A delete, as the log keeps it: matchers as (name, op, value)."""

    matchers: tuple[tuple[str, str, str], ...]
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything before `floor_ms` is in blocks."""

    floor_ms: int


Entry = Batch | Deletion | Floor


class Reading:
    """Reads one segment on from where it was; `bad` says what could not be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.position = 0
        self.max_ms: int | None = None
        self.bad: list[Finding] = []
        self._layouts: dict[int, tuple[Labels, ...]] = {}

    def entries(self, *, last: bool) -> Iterator[Entry]:
        """Give what is new. Behind a damaged record it goes on at the next whole one.

        In the last segment a torn tail is what a crash leaves of a batch that nobody was told of.
        """
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        base, at = self.offset, 0
        while at < len(data):
            payload = self._payload(data, at)
            if payload is None:
                at = self._skip(data, at, base, last=last)
                if at < 0:
                    return
                continue
            at += _HEADER.size + len(payload)
            self.offset = base + at
            entry = self._entry(payload)
            if entry is not None:
                yield entry

    def _payload(self, data: bytes, at: int) -> bytes | None:
        if at + _HEADER.size > len(data):
            return None
        magic, length, crc, position = _HEADER.unpack_from(data, at)
        payload = data[at + _HEADER.size : at + _HEADER.size + length]
        if magic != MAGIC or len(payload) != length or _crc(position, payload) != crc:
            return None
        self.position = position
        return payload

    def _skip(self, data: bytes, at: int, base: int, *, last: bool) -> int:
        """Find the next whole record; -1 when there is none."""
        after = data.find(MAGIC, at + 1)
        while after >= 0 and self._payload(data, after) is None:
            after = data.find(MAGIC, after + 1)
        if after >= 0 or not last:
            end = len(data) if after < 0 else after
            where = f"file {self.path}, bytes {base + at} to {base + end}"
            fix = "restore the samples of this time from a backup, if they are wanted"
            self.bad.append(Finding(where, "a record is as it was written", "it is damaged", fix))
        return after

    def _entry(self, payload: bytes) -> Entry | None:
        kind = payload[:1]
        if kind == b"B":
            return self._batch(payload)
        told: Any = orjson.loads(payload[1:])
        if kind == b"L":
            self._layouts[told["id"]] = tuple(
                tuple((name, value) for name, value in one) for one in told["series"]
            )
            return None
        if kind == b"F":
            return Floor(told["floor_ms"])
        return Deletion(
            tuple((name, op, value) for name, op, value in told["matchers"]),
            told["from_ms"],
            told["to_ms"],
        )

    def _batch(self, payload: bytes) -> Batch | None:
        _, layout, count, flags = _BATCH.unpack_from(payload)
        labels = self._layouts.get(layout)
        if labels is None:
            where, fix = f"file {self.path}, position {self.position}", "restore it from a backup"
            law = "a batch follows the names of its series"
            self.bad.append(Finding(where, law, "their record is damaged", fix))
            return None
        at = _BATCH.size
        size = 1 if flags & _ONE_TIME else count
        times = np.frombuffer(payload, np.int64, size, at)
        at += 8 * size
        values = np.frombuffer(payload, np.float64, count, at)
        at += 8 * count
        stale = None
        if flags & _STALE:
            stale = np.frombuffer(payload, np.uint8, count, at).astype(np.bool_)
            at += count
        if flags & _INDEX:
            labels = tuple(labels[i] for i in np.frombuffer(payload, np.int32, count, at).tolist())
        top = int(times.max()) if size > 1 else int(times[0])
        if flags & _ONE_TIME:
            times = np.full(count, top)
        self.max_ms = top if self.max_ms is None else max(self.max_ms, top)
        return Batch(labels, times, values, stale)


def segments(folder: Path) -> list[Path]:
    """Give the segments, oldest first."""
    return sorted(folder.glob("*.log"))


class Log:
    """Writes one segment at a time. `write` is called by one thread at a time, `sync` by any."""

    def __init__(self, folder: Path, position: int, floor_ms: int | None) -> None:
        self.folder = folder
        self.written = self.synced = position
        self.sealed: dict[Path, int | None] = {}
        """Closed segments, and the newest time in each."""
        self._syncing = threading.Lock()
        self._descriptor = -1
        self._broken = False
        self._lost: deque[tuple[int, int]] = deque(maxlen=_LOST_KNOWN)
        self._start(floor_ms)

    def _start(self, floor_ms: int | None) -> None:
        self.size = self._synced_size = 0
        self.max_ms = None
        self.path = self.folder / f"{self.written:020d}.log"
        while self.path.exists():
            self.written += 1
            self.path = self.folder / f"{self.written:020d}.log"
        try:
            self._descriptor = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            sync_directory(self.folder)
        except OSError as error:
            raise explained(error, self.path) from error
        crash_point("timeseries.segment_started")
        self._ids: dict[tuple[Labels, ...], int] = {}
        self._known: dict[int, tuple[tuple[Labels, ...], int, bytes]] = {}
        self._floor_ms = floor_ms
        if floor_ms is not None:
            self._record(b"F" + orjson.dumps({"floor_ms": floor_ms}))

    max_ms: int | None

    def write(self, batch: Batch) -> int:
        """Write a batch; give the position to ask `sync` for. OSErrors are explained."""
        self._turn()
        layout, index = self._layout(batch.labels)
        count, flags = len(batch.values), 0
        times = batch.times
        if count and (times == times[0]).all():
            times, flags = times[:1], _ONE_TIME
        flags |= (_STALE if batch.stale is not None else 0) | (_INDEX if index else 0)
        parts = [_BATCH.pack(b"B", layout, count, flags), times.tobytes(), batch.values.tobytes()]
        if batch.stale is not None:
            parts.append(batch.stale.astype(np.uint8).tobytes())
        position = self._record(b"".join([*parts, index]))
        top = int(times.max())
        self.max_ms = top if self.max_ms is None else max(self.max_ms, top)
        return position

    def delete(self, deletion: Deletion) -> int:
        """Write a delete."""
        self._turn()
        told = {
            "matchers": deletion.matchers,
            "from_ms": deletion.from_ms,
            "to_ms": deletion.to_ms,
        }
        return self._record(b"D" + orjson.dumps(told))

    def _turn(self) -> None:
        if self._broken or self.size > SEGMENT_BYTES:
            self.rotate(self._floor_ms)

    def _layout(self, labels: tuple[Labels, ...]) -> tuple[int, bytes]:
        known = self._known.get(id(labels))
        if known is not None and known[0] is labels:
            return known[1], known[2]
        unique = tuple(dict.fromkeys(labels))
        index = b""
        if len(unique) != len(labels):
            places = {one: place for place, one in enumerate(unique)}
            index = np.array([places[one] for one in labels], dtype=np.int32).tobytes()
        layout = self._ids.get(unique)
        if layout is None:
            layout = len(self._ids)
            self._record(b"L" + orjson.dumps({"id": layout, "series": unique}))
            self._ids[unique] = layout
        if len(self._known) > 10_000:  # noqa: PLR2004 - as the head's
            self._known.clear()
        self._known[id(labels)] = (labels, layout, index)
        return layout, index

    def _record(self, payload: bytes) -> int:
        position = self.written + 1
        data = _HEADER.pack(MAGIC, len(payload), _crc(position, payload), position) + payload
        try:
            done = os.write(self._descriptor, data)
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError as error:
            self._undo()
            raise explained(error, self.path) from error
        self.size += len(data)
        self.written = position
        crash_point("timeseries.log_written")
        return position

    def _undo(self) -> None:
        """Take half a record away; where even that fails, the segment is left as it is."""
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self._broken = True

    def sync(self, position: int) -> None:
        """Return when the record is on the disk; those that wait share one sync.

        When a sync fails, the segment is given up with all in it that was not synced before: the
        kernel may drop what it could not write, and then call the next sync a success.
        Source: PostgreSQL, "Fsync Errors" (wiki.postgresql.org/wiki/Fsync_Errors).
        """
        with self._syncing:
            if any(low < position <= high for low, high in self._lost):
                raise self._given_up("a failed sync")
            if self.synced >= position:
                return
            if self._broken:
                raise self._given_up("a failed sync")
            self._sync()

    def _given_up(self, got: str) -> LabError:
        fix = "send the samples again; check the disk's health"
        return UnavailableError(f"path {self.folder}", "a disk that writes", got, fix)

    def _sync(self) -> None:
        upto, size = self.written, self.size
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._broken = True
            raise self._given_up(f"a failed sync: {error.strerror}") from error
        self.synced, self._synced_size = upto, size
        crash_point("timeseries.log_synced")

    def rotate(self, floor_ms: int | None) -> None:
        """Close the segment and begin another."""
        with self._syncing:
            if not self._broken:
                self._sync()
            self._give_up()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self.sealed[self.path] = self.max_ms
            self._descriptor, self._broken = -1, True  # until there is another
            self._start(floor_ms)
            self._broken = False

    def _give_up(self) -> None:
        """Promise nothing of what is written and not synced, and cut it off where that goes."""
        if self.synced < self.written:
            self._lost.append((self.synced, self.written))
            self.synced = self.written
        if self._broken:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._synced_size)

    def drop(self, before_ms: int) -> None:
        """Delete closed segments, oldest first, while all their samples are before the time."""
        for path, top in sorted(self.sealed.items()):
            if top is not None and top >= before_ms:
                break
            path.unlink(missing_ok=True)
            del self.sealed[path]
            crash_point("timeseries.segment_dropped")
        sync_directory(self.folder)

    def close(self) -> None:
        """Sync, and let go."""
        with self._syncing:
            if self._descriptor >= 0:
                try:
                    if not self._broken:
                        self._sync()
                finally:
                    os.close(self._descriptor)
                    self._descriptor = -1


def _crc(position: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(position.to_bytes(8, "little")))
