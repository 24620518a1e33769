"""One thread writes: many units a commit, each in its own savepoint, and a rest in between."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from llm_research_lab.storage.relational import troubles
from llm_research_lab.storage.relational.connections import Line
from llm_research_lab.storage.relational.unit import Unit, settle
from llm_research_lab.storage.relational.watching import Watch
from llm_research_lab.telemetry import events
from llm_research_lab.telemetry.crash import crash_point

REST_SECONDS = 0.010
"""Between commits, so that other processes get their turn.

Source: design.md, "The relational store": without it their p99 is 0.9 to 2.9 s, with it 3 to 4 ms.
"""

GROUP_UNITS = 512
GROUP_SECONDS = 0.025
"""A group holds the write lock for no longer: about two rests, so half of the time is others'."""

QUEUE_LIMIT = 10_000
"""Units waiting at 3,000/s: three seconds behind, after which refusing is kinder."""

POLL_SECONDS = 0.001
"""How often the lock is asked for: an eighth of the others' rest, so that no rest is missed."""

BUSY_SECONDS = 5.0
"""How long a unit waits for another process's lock. Source: SQLite's usual busy timeout."""


@dataclass(slots=True)
class WriterStatistics:
    """Counters since the start: `busy` counts refused tries for the lock."""

    units: int = 0
    commits: int = 0
    failed_commits: int = 0
    busy: int = 0


class Writer:
    """The thread, its queue and its connection; `opened` makes the connection.

    `committed` runs after each commit, before anyone hears of it; `idle` runs in the rests.
    """

    def __init__(
        self,
        opened: Callable[[], Line],
        *,
        committed: Callable[[Line], None],
        idle: Callable[[Line, bool], None],
        watch: Watch | None = None,
        rest_seconds: float = REST_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.statistics = WriterStatistics()
        self._queue: SimpleQueue[Unit | None] = SimpleQueue()
        self._committed = committed
        self._idle = idle
        self._watch = watch or Watch()
        self.busy = False
        self._rest_seconds = rest_seconds
        self._busy_seconds = busy_seconds
        self._line = opened()
        self._closed = False
        self._door = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many units are not yet in a group."""
        return self._queue.qsize()

    def put(self, unit: Unit) -> None:
        """Queue a unit, or raise UnavailableError when closed or flooded."""
        with self._door:
            if self._closed:
                raise troubles.closed()
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise troubles.flooded(QUEUE_LIMIT)
            self._queue.put(unit)

    def is_current_thread(self) -> bool:
        """Whether the caller runs inside a unit, where waiting for another would never end."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Commit what is queued, then end the thread. A second call does nothing."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._line.close()

    def _work(self) -> None:
        quiet = True  # nothing was written since `idle` was last told so
        while not self._ended:
            try:
                first = self._queue.get(timeout=None if quiet else 1.0)
            except Empty:
                self._idle(self._line, True)
                quiet = True
                continue
            if first is None:
                return
            if first.future.cancelled():
                continue
            self.busy = True
            self._write(first)
            del first
            self.busy = False
            ended = time.monotonic()
            self._idle(self._line, False)
            quiet = False
            time.sleep(max(0.0, self._rest_seconds - (time.monotonic() - ended)))

    def _write(self, first: Unit) -> None:
        """Run one group to its commit, and tell each of its units how it ended."""
        group: list[Unit] = []
        try:
            self._begin(first.queued_at)
            self._run(first, group)
            until = time.monotonic() + GROUP_SECONDS
            while len(group) < GROUP_UNITS and time.monotonic() < until:
                unit = self._next()
                if unit is None:
                    break
                self._run(unit, group)
            self._commit(len(group))
        except BaseException as error:  # noqa: BLE001 - handed to the waiters, who raise it
            self._fail(group or [first], error, beginning=not group)
        self.statistics.units += len(group)
        settle(group or [first])
        self._say()

    def _next(self) -> Unit | None:
        """Take the next unit that somebody still waits for; None when there is none."""
        while True:
            try:
                unit = self._queue.get_nowait()
            except Empty:
                return None
            if unit is None:
                self._ended = True
                return None
            if not unit.future.cancelled():
                return unit

    def _begin(self, queued_at: float) -> None:
        began = time.monotonic()
        while True:
            try:
                self._line.execute("BEGIN IMMEDIATE")
            except Exception as error:
                if troubles.code_of(error) != troubles.BUSY:
                    raise
                self.statistics.busy += 1
                if time.monotonic() - queued_at > self._busy_seconds:
                    self._watch.gave_up(time.monotonic() - began)
                    raise
                time.sleep(POLL_SECONDS)
            else:
                self._watch.locked(time.monotonic() - began)
                return

    def _run(self, unit: Unit, group: list[Unit]) -> None:
        """Run a unit in its savepoint; its error undoes its own changes and no others."""
        group.append(unit)
        line = self._line
        counted, said = len(line.tallies), len(line.sayings)
        line.execute("SAVEPOINT unit")
        try:
            unit.carry_out(line.connection)
        except BaseException as error:
            unit.error = troubles.told(error)
            if not line.inside:  # SQLite gave the whole transaction up: a full disk
                raise
            self._undo()
            del line.tallies[counted:]
            del line.sayings[said:]
        if not line.inside:
            raise RuntimeError("a unit of work ended the writer's transaction")
        line.execute("RELEASE unit")

    def _undo(self) -> None:
        nested = self._line.connection.get_nested_transaction()
        if nested is not None:
            nested.rollback()
        self._line.execute("ROLLBACK TO unit")

    def _commit(self, writes: int) -> None:
        crash_point("writer.before_commit")
        began = time.perf_counter()
        self._line.execute("COMMIT")
        self._watch.committed(time.perf_counter() - began, writes, self._line.tallies)
        self._line.tallies.clear()
        crash_point("writer.after_commit")
        self._committed(self._line)
        self.statistics.commits += 1

    def _say(self) -> None:
        """Write what the group said, which is true now; whoever waits for it waits no longer."""
        said = list(self._line.sayings)
        self._line.sayings.clear()
        for line in said:
            events.write(line)

    def _fail(self, group: list[Unit], error: BaseException, *, beginning: bool) -> None:
        self.statistics.failed_commits += 1
        self._line.tallies.clear()
        self._line.sayings.clear()
        if isinstance(error, sqlite3.Error):  # a statement's own is SQLAlchemy's, and was logged
            group[0].context.run(self._watch.broke, "begin" if beginning else "commit", error)
        for unit in group:
            unit.error = unit.error or troubles.told(error)
        with suppress(Exception):  # if even this fails, the next group's BEGIN says so
            self._line.reset()
