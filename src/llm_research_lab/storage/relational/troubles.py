"""What the database cannot do now is UnavailableError; what the code did wrong stays as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from llm_research_lab.vocabulary import UnavailableError

WHERE = "database"

BUSY = sqlite3.SQLITE_BUSY

PRIMARY = 0xFF
"""The low byte of an extended result code is its primary code. Source: sqlite.org/rescode.html."""


def locked() -> UnavailableError:
    """Another process held the database for longer than the busy timeout."""
    return UnavailableError(
        WHERE, "the write lock in time", "database locked", "end the process that holds it, or wait"
    )


def full() -> UnavailableError:
    """The file system takes no more bytes."""
    return UnavailableError(
        WHERE, "room on the disk", "disk full", "free some space; the lab goes on by itself"
    )


def failing(text: str) -> UnavailableError:
    """The file system refused to read or write, for a reason that only it knows."""
    return UnavailableError(
        WHERE, "a disk that reads and writes", text, "check free space, quota and the disk's health"
    )


def unwritable() -> UnavailableError:
    """The file may be read and not written."""
    return UnavailableError(
        WHERE, "a writable file", "a read-only one", "check its mode, its owner and the mount"
    )


def damaged() -> UnavailableError:
    """The file is not what SQLite wrote."""
    return UnavailableError(
        WHERE, "a SQLite database", "a damaged or foreign file", "restore the newest backup"
    )


def closed() -> UnavailableError:
    """The database was closed before the work began."""
    return UnavailableError(WHERE, "an open database", "a closed one", "start the lab again")


def flooded(waiting: int) -> UnavailableError:
    """More work waits than can be done in reasonable time."""
    return UnavailableError(
        WHERE, "a queue with room", f"{waiting} waiting already", "send less at once, and retry"
    )


_TROUBLES: dict[int, Callable[[], UnavailableError]] = {
    sqlite3.SQLITE_BUSY: locked,
    sqlite3.SQLITE_LOCKED: locked,
    sqlite3.SQLITE_FULL: full,
    sqlite3.SQLITE_CANTOPEN: unwritable,
    sqlite3.SQLITE_READONLY: unwritable,
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_NOTADB: damaged,
}


def code_of(error: BaseException) -> int | None:
    """SQLite's primary result code, also through SQLAlchemy's wrapping; None when it has none."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & PRIMARY


def told(error: BaseException) -> BaseException:
    """Turn the database's trouble into UnavailableError; give any other error back unchanged."""
    code = code_of(error)
    trouble = _TROUBLES.get(code or sqlite3.SQLITE_OK)
    if code == sqlite3.SQLITE_IOERR:
        answer = failing(str(error).partition("\n")[0])
    elif trouble is None:
        return error
    else:
        answer = trouble()
    answer.__cause__ = error
    return answer
