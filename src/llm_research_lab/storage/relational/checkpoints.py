"""The write-ahead log stays bounded, and no caller waits for its checkpoint."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import DBAPIError

from llm_research_lab.storage.relational.connections import Line

ROWS = 2_000
"""Rows written between checkpoints: some 4 MB of log, SQLite's own default of 1,000 pages."""

LARGE_PAGES = 16_384
"""64 MB of log: readers who overlap without a gap kept it from starting anew, so it is forced."""

FORCE_MS = 100
"""How long the forced kind may hold the write lock while it waits for readers to end."""


class Checkpoints:
    """Runs in the writer's rests, after the waiters were told: a commit does not wait for it."""

    def __init__(self) -> None:
        self._rows_before = 0

    def ready(self, line: Line) -> None:
        """Leave SQLite's own checkpoint, which a commit waits for, to very large commits."""
        line.execute(f"PRAGMA wal_autocheckpoint={LARGE_PAGES}")
        line.execute(f"PRAGMA journal_size_limit={LARGE_PAGES * 4096}")

    def idle(self, line: Line, quiet: bool) -> None:
        """Copy the log into the database when enough was written, or when nothing is going on."""
        rows = line.driver.total_changes
        if not quiet and rows - self._rows_before < ROWS:
            return
        self._rows_before = rows
        with suppress(DBAPIError, line.driver.Error):  # full or locked: the log waits, whole
            _, pages, _ = line.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > LARGE_PAGES:
                self._force(line)

    def _force(self, line: Line) -> None:
        line.execute(f"PRAGMA busy_timeout={FORCE_MS}")
        try:
            line.execute("PRAGMA wal_checkpoint(RESTART)")
        finally:
            line.execute("PRAGMA busy_timeout=0")
