"""A write is acknowledged after its fsync; a read sees one snapshot; neither blocks the loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from llm_research_lab.storage.relational.checkpoints import Checkpoints
from llm_research_lab.storage.relational.connections import Line, engine_over, raw
from llm_research_lab.storage.relational.filesystems import refuse_network
from llm_research_lab.storage.relational.migrations import migrate
from llm_research_lab.storage.relational.published import Published
from llm_research_lab.storage.relational.readers import READERS, Readers
from llm_research_lab.storage.relational.unit import Unit
from llm_research_lab.storage.relational.watching import Watch
from llm_research_lab.storage.relational.writer import BUSY_SECONDS, REST_SECONDS, Writer
from llm_research_lab.telemetry.instruments import SILENT, Instruments
from llm_research_lab.telemetry.spans import child

T = TypeVar("T")

CACHE_KIB = 8_192
"""Pages that a connection keeps; the operating system keeps the rest."""

_READ = {"db.system.name": "sqlite", "db.operation.name": "read"}
_WRITE = {"db.system.name": "sqlite", "db.operation.name": "write"}


@dataclass(frozen=True, slots=True)
class DatabaseStatistics:
    """What waits now, and counters since the start; `busy` counts refused tries for the lock."""

    reads_waiting: int
    writes_waiting: int
    units: int
    commits: int
    failed_commits: int
    busy: int
    connections: int
    connections_idle: int


class Database:
    """One writer thread and a few readers over one SQLite database.

    A unit of work is a function of a connection. It runs on another thread, holds the lock while
    it runs, returns plain values, and neither commits nor waits for anything but the database.
    A caller that is cancelled before its unit starts leaves no trace; after that, it is carried
    out. UnavailableError says: locked, disk full, flooded, closed.
    """

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        rest_seconds: float = REST_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
        instruments: Instruments = SILENT,
    ) -> Database:
        """Open the file, made and migrated if need be: WAL, synchronous=FULL, foreign keys.

        Raises InvalidError on a network file system, a foreign file or a newer schema;
        UnavailableError when the file cannot be opened or written now.
        """
        refuse_network(path)
        migrate(path, wait_seconds=max(busy_seconds, 60.0))
        watch = Watch(instruments)
        engine = watch.listen(engine_over(lambda: raw(str(path))))
        checkpoints = Checkpoints()
        timeout = f"busy_timeout={int(busy_seconds * 1000)}"

        def writing() -> Line:
            # Patient while another process that starts or ends has the whole file to itself; later
            # the writer waits for locks by itself.
            line = _line(Line(engine), timeout, "synchronous=FULL")
            checkpoints.ready(line)
            line.execute("PRAGMA busy_timeout=0")
            return line

        writer = Writer(
            writing,
            committed=_nothing,
            idle=checkpoints.idle,
            watch=watch,
            rest_seconds=rest_seconds,
            busy_seconds=busy_seconds,
        )
        return cls(writer, Readers(lambda: _line(Line(engine), timeout, "query_only=ON"), _nothing))

    @classmethod
    def memory(cls, *, instruments: Instruments = SILENT) -> Database:
        """Make the twin in memory: the same promises but durability, and no rests."""
        watch = Watch(instruments)
        engine = watch.listen(engine_over(lambda: raw(":memory:")))
        published = Published()

        def writing() -> Line:
            line = Line(engine)
            published.refresh(line)
            return line

        writer = Writer(
            writing,
            committed=published.publish,
            idle=lambda _line, _quiet: None,
            watch=watch,
            rest_seconds=0.0,
        )
        return cls(writer, Readers(lambda: _line(Line(engine), "query_only=ON"), published.refresh))

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a reader's thread in one snapshot; a write inside it is refused."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with child("database_read", _READ, kind="client"):
            self._readers.put(Unit(fn, future, loop, 0.0))
            return await future

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in the writer's next group; return its value once that is on the disk.

        An exception of `fn` undoes what `fn` did, reaches this caller, and no other.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with child("database_write", _WRITE, kind="client"):
            self._writer.put(Unit(fn, future, loop, time.monotonic()))
            return await future

    def read_now(self, fn: Callable[[Connection], T]) -> T:
        """Block until `read` would have answered."""
        if self._readers.is_current_thread():
            raise RuntimeError("read_now inside a read: use the connection that is there")
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with child("database_read", _READ, kind="client"):
            self._readers.put(Unit(fn, future, None, 0.0))
            return future.result()

    def write_now(self, fn: Callable[[Connection], T]) -> T:
        """Block until `write` would have answered."""
        if self._writer.is_current_thread():
            raise RuntimeError("write_now inside a write: use the connection that is there")
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with child("database_write", _WRITE, kind="client"):
            self._writer.put(Unit(fn, future, None, time.monotonic()))
            return future.result()

    def statistics(self) -> DatabaseStatistics:
        """Count what waits and what was done, for metrics and readiness."""
        written = self._writer.statistics
        return DatabaseStatistics(
            reads_waiting=self._readers.waiting,
            writes_waiting=self._writer.waiting,
            units=written.units,
            commits=written.commits,
            failed_commits=written.failed_commits,
            busy=written.busy,
            connections=1 + READERS,
            connections_idle=1 + READERS - self._readers.busy - self._writer.busy,
        )

    def close(self) -> None:
        """Finish what is queued, then end the threads. A second call does nothing."""
        self._readers.close()
        self._writer.close()


def _line(line: Line, *pragmas: str) -> Line:
    for pragma in (*pragmas, f"cache_size=-{CACHE_KIB}", "temp_store=MEMORY"):
        line.execute(f"PRAGMA {pragma}")
    return line


def _nothing(_line: Line) -> None: ...
