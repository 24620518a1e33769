"""A database at this code's revision is opened without Alembic; an older one is migrated first."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from llm_research_lab.storage.relational import troubles
from llm_research_lab.storage.relational.connections import Line, engine_over, raw
from llm_research_lab.vocabulary import InvalidError

HEAD = "0004"
"""The newest revision: the number that starts the name of the newest file in versions/."""

HERE = Path(__file__).parent
POLL_SECONDS = 0.02


def migrate(path: Path, *, wait_seconds: float = 60.0) -> None:
    """Bring the file to HEAD, making it if there is none; processes that come together take turns.

    SQLite's DDL is transactional: a process killed in between leaves the old schema whole.
    Raises InvalidError for a foreign or newer database, UnavailableError when it cannot be had.
    """
    deadline = time.monotonic() + wait_seconds
    line: Line | None = None
    try:
        line = Line(engine_over(lambda: raw(str(path))))
        _patiently(line, _log_ahead, deadline)
        if _revision(line, path) != HEAD:
            line.execute("PRAGMA foreign_keys=OFF")  # rebuilt tables; checked before the commit
            _patiently(line, _begin, deadline)
            _upgrade(line, path)
    except Exception as error:  # noqa: BLE001 - raised again, in the user's words
        raise troubles.told(error) from error.__cause__
    finally:
        if line is not None:
            line.roll_back()
            line.close()


def _patiently(line: Line, step: Callable[[Line], None], deadline: float) -> None:
    """Try a step until no other process is in its way, or the deadline has passed."""
    while True:
        try:
            step(line)
        except sqlite3.OperationalError as error:
            if troubles.code_of(error) != troubles.BUSY or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _log_ahead(line: Line) -> None:
    if line.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        line.execute("PRAGMA journal_mode=WAL")


def _begin(line: Line) -> None:
    line.execute("BEGIN IMMEDIATE")


def _revision(line: Line, path: Path) -> str | None:
    """Read which revision the database has; None is an empty one, all else older or HEAD."""
    names = {row[0] for row in line.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if not names:
        return None
    row = None
    if "alembic_version" in names:
        row = line.execute("SELECT version_num FROM alembic_version").fetchone()
    known = {file.name.partition("_")[0] for file in (HERE / "versions").glob("[0-9]*.py")}
    if row is None or (row[0] not in known and not row[0] > HEAD):
        raise InvalidError(
            f"database {path}", "a database of the lab", "another one", "name another directory"
        )
    revision: str = row[0]
    if revision not in known:
        raise InvalidError(
            f"database {path}",
            f"schema {HEAD} or older",
            f"schema {revision}, written by a newer lab",
            "start the newer version of the lab, or restore a backup made before it",
        )
    return revision


def _upgrade(line: Line, path: Path) -> None:
    """Run the missing revisions, unless another process did while we waited for the lock."""
    if _revision(line, path) == HEAD:
        return
    # Heavy, and needed only here: a database at HEAD must open without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = line.connection
    command.upgrade(config, "head")
    broken = line.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise InvalidError(
            f"database {path}",
            "references that hold",
            f"a broken one: {broken}",
            "restore a backup",
        )
    line.execute("COMMIT")
