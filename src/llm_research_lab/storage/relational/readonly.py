"""A lab's database is read while the lab runs, or does not: nothing is made, migrated or locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from llm_research_lab.storage.relational import troubles
from llm_research_lab.storage.relational.connections import Line, engine_over
from llm_research_lab.vocabulary import NotFoundError

PATIENCE_SECONDS = 5.0


@contextmanager
def read_only(path: Path) -> Iterator[Connection]:
    """Give a connection that sees one snapshot. Raises NotFoundError, UnavailableError."""
    if not path.is_file():
        fix = "name the directory of a lab that ran: --data-dir"
        raise NotFoundError(f"database {path}", "a lab's database", "none", fix)

    def connect() -> sqlite3.Connection:
        driver = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            timeout=PATIENCE_SECONDS,
        )
        driver.execute("PRAGMA query_only=ON")
        return driver

    line: Line | None = None
    try:
        line = Line(engine_over(connect))
        line.execute("BEGIN")
        yield line.connection
    except Exception as error:  # noqa: BLE001 - raised again, in the user's words
        raise troubles.told(error) from error.__cause__
    finally:
        if line is not None:
            line.roll_back()
            line.close()


def has_table(connection: Connection, name: str) -> bool:
    """Whether the database has the table: an older lab's has not those of this one."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.exec_driver_sql(query, (name,)).first() is not None
