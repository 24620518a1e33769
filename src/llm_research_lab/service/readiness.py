"""Ready means that a request would be served now; if not, every reason is named."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from llm_research_lab.vocabulary import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm_research_lab.storage.relational import Database

ANSWER_SECONDS = 1.0
"""A database that takes longer is not ready: ten times what the API's p99 may be."""

EVERY_SECONDS = 1.0
LEAST_FREE_BYTES = 50_000_000
"""Below it a checkpoint of the write-ahead log (up to 64 MB) may find no room."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of the database and the disk; seconds are of one monotonic clock.

    `asked_at` is None when no question is open; `trouble` is what the last one ended in.
    """

    asked_at: float | None
    trouble: str | None
    free_bytes: int


def reasons(seen: Observation, now: float, *, stopping: bool) -> list[str]:
    """Say all that keeps the lab from being ready; nothing means that it is."""
    found = ["stopping"] if stopping else []
    if seen.asked_at is not None and now - seen.asked_at > ANSWER_SECONDS:
        found.append(f"database: no answer for {now - seen.asked_at:.0f} s")
    elif seen.trouble is not None:
        found.append(f"database: {seen.trouble}")
    if seen.free_bytes < LEAST_FREE_BYTES:
        found.append(f"disk: {seen.free_bytes // 1_000_000} MB free")
    return found


class Readiness:
    """Asks the database for its write lock every second, on a thread: nobody waits for it."""

    def __init__(self, database: Database, root: Path, stopping: Callable[[], bool]) -> None:
        self._database = database
        self._root = root
        self._stopping = stopping
        self._seen = Observation(None, None, LEAST_FREE_BYTES)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="readiness", daemon=True)

    def start(self) -> None:
        """Look once, then go on looking until closed."""
        self._look()
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join(ANSWER_SECONDS)

    def reasons(self) -> list[str]:
        """Give the reasons of this moment; never waits."""
        return reasons(self._seen, time.monotonic(), stopping=self._stopping())

    def _work(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        free = _free(self._root)
        self._seen = Observation(time.monotonic(), self._seen.trouble, free)
        self._seen = Observation(None, self._ask(), free)

    def _ask(self) -> str | None:
        try:
            self._database.write_now(_nothing)
        except LabError as error:
            return error.got
        return None


def _nothing(_connection: Connection) -> None:
    """Write nothing: to get the lock is the question."""


def _free(root: Path) -> int:
    try:
        found = os.statvfs(root)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
