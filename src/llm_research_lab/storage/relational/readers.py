"""A read sees one snapshot: it never waits for the writer, and the writer never for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from llm_research_lab.storage.relational import troubles
from llm_research_lab.storage.relational.connections import Line
from llm_research_lab.storage.relational.unit import Unit, settle

READERS = 2
"""Threads. More do not help: they share one interpreter lock, and the SQL is short."""

QUEUE_LIMIT = 10_000
"""Reads waiting at 10,000/s: a second behind, after which refusing is kinder."""


class Readers:
    """Threads, each with its own connection; `opened` makes one, `refreshed` readies it."""

    def __init__(self, opened: Callable[[], Line], refreshed: Callable[[Line], None]) -> None:
        self._queue: SimpleQueue[Unit | None] = SimpleQueue()
        self._refreshed = refreshed
        self._lines = [opened() for _ in range(READERS)]
        self._busy: set[Line] = set()
        self._closed = False
        self._door = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(line,), name=f"reader-{n}", daemon=True)
            for n, line in enumerate(self._lines)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many reads no thread has taken yet."""
        return self._queue.qsize()

    @property
    def busy(self) -> int:
        """How many threads read now."""
        return len(self._busy)

    def put(self, unit: Unit) -> None:
        """Queue a read, or raise UnavailableError when closed or flooded."""
        with self._door:
            if self._closed:
                raise troubles.closed()
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise troubles.flooded(QUEUE_LIMIT)
            self._queue.put(unit)

    def is_current_thread(self) -> bool:
        """Whether the caller runs inside a read, where waiting for another may never end."""
        return threading.current_thread() in self._threads

    def close(self) -> None:
        """Finish what is queued, then end the threads. A second call does nothing."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for line in self._lines:
            line.close()

    def _work(self, line: Line) -> None:
        while (unit := self._queue.get()) is not None:
            if not unit.future.cancelled():
                self._busy.add(line)
                self._read(line, unit)
                self._busy.discard(line)
                settle((unit,))
            del unit  # what it holds is not kept until the next read

    def _read(self, line: Line, unit: Unit) -> None:
        try:
            self._refreshed(line)
            line.execute("BEGIN")
            try:
                unit.carry_out(line.connection)
            finally:
                line.roll_back()
        except BaseException as error:  # noqa: BLE001 - handed to the waiter, who raises it
            unit.error = troubles.told(error)
