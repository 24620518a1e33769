"""Every statement, lock and commit is measured on the way, for a few microseconds each."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event

from llm_research_lab.storage.relational import troubles
from llm_research_lab.storage.relational.tables import metadata
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.instruments import SILENT, Instruments

if TYPE_CHECKING:
    from prometheus_client import Histogram
    from sqlalchemy.engine import ExceptionContext

    from llm_research_lab.storage.relational.tallies import Tally

SLOW_SECONDS = 0.1
"""A slower statement is counted as slow. Source: spec 5.3.2: it alone breaks the API's promise."""

STATEMENTS = 2_048
"""Texts whose verb and table are remembered; lists in them make new ones, so they are bounded."""

OTHER = "other"

REFUSALS = frozenset({sqlite3.SQLITE_CONSTRAINT})
"""What the database refuses because the data says so: an answer to its caller, and no error."""

ERROR_LENGTH = 300

_BEGAN = "lab.began"
_VERB = re.compile(r"\s*(select|insert|update|delete)\b", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:from|into|update)\s+\"?(\w+)", re.IGNORECASE)


def kind_of(statement: str) -> tuple[str, str]:
    """Give the statement's verb and its first table; ``other`` where there is none of ours."""
    verb, table = _VERB.match(statement), _TABLE.search(statement)
    known = table is not None and table[1] in metadata.tables
    return verb[1].lower() if verb else OTHER, table[1] if table and known else OTHER


class Watch:
    """One database's instruments; `silent` while nobody measures."""

    def __init__(self, instruments: Instruments = SILENT) -> None:
        self._instruments = instruments
        self._seconds = instruments.histogram("db_query_duration_seconds")
        self._errors = instruments.counter("db_errors_total")
        self._slow = instruments.counter("db_slow_queries_total")
        self._lock_wait = instruments.histogram("db_lock_wait_seconds")[()]
        self._lock_timeouts = instruments.counter("db_lock_timeouts_total")[()]
        self._commit_seconds = instruments.histogram("db_commit_duration_seconds")[()]
        self._commit_writes = instruments.histogram("db_commit_writes")[()]
        self._kinds: dict[str, tuple[Histogram, str]] = {}

    @property
    def silent(self) -> bool:
        """Whether nothing is kept."""
        return self._instruments.process is None

    def listen(self, engine: Engine) -> Engine:
        """Measure the statements of all of the engine's connections."""
        if not self.silent:
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "handle_error", self._failed)
        return engine

    def locked(self, seconds: float) -> None:
        """A group of writes has the lock, after so long."""
        self._lock_wait.observe(seconds)

    def gave_up(self, seconds: float) -> None:
        """A group of writes does not get the lock."""
        self._lock_wait.observe(seconds)
        self._lock_timeouts.inc()

    def broke(self, verb: str, error: BaseException) -> None:
        """Log that the database did not do what it was asked; it names no values."""
        said = str(error).partition("\n")[0][:ERROR_LENGTH]
        emit("database.error", query_type=verb, error=f"{type(error).__name__}: {said}")

    def committed(self, seconds: float, writes: int, tallies: Iterable[Tally]) -> None:
        """A group is on the disk, and what its units counted is true."""
        self._commit_seconds.observe(seconds)
        self._commit_writes.observe(writes)
        if not self.silent:
            self._instruments.tally(tallies)

    def _before(self, connection: Connection, *_: Any) -> None:
        connection.info[_BEGAN] = time.perf_counter()

    def _after(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        self._observe(connection, statement)

    def _failed(self, context: ExceptionContext) -> None:
        if context.connection is not None and context.statement is not None:
            verb = self._observe(context.connection, context.statement)
            self._errors[(verb,)].inc()
            if troubles.code_of(context.original_exception) not in REFUSALS:
                self.broke(verb, context.original_exception)

    def _observe(self, connection: Connection, statement: str) -> str:
        began: float | None = connection.info.get(_BEGAN)
        seconds = 0.0 if began is None else time.perf_counter() - began
        histogram, verb = self._kinds.get(statement) or self._learn(statement)
        histogram.observe(seconds)
        if seconds > SLOW_SECONDS:
            self._slow[(verb,)].inc()
        return verb

    def _learn(self, statement: str) -> tuple[Histogram, str]:
        if len(self._kinds) >= STATEMENTS:
            self._kinds.clear()
        verb, table = kind_of(statement)
        found = self._kinds[statement] = (self._seconds[(verb, table)], verb)
        return found
