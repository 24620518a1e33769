"""A connection holds one long logical transaction; BEGIN, SAVEPOINT and COMMIT are written out.

SQLAlchemy compiles and reads rows; it never begins or commits. The driver is in autocommit
(``isolation_level=None``), which means the same from Python 3.11 to 3.14.
Source: SQLAlchemy, "Serializable isolation / Savepoints / Transactional DDL" of pysqlite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from llm_research_lab.storage.relational.sayings import sayings_of
from llm_research_lab.storage.relational.tallies import tallies_of

CACHED_STATEMENTS = 512
"""Prepared statements kept by a connection: more than the lab's code has."""


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def engine_over(connect: Callable[[], sqlite3.Connection]) -> Engine:
    """Make an engine whose connections come from `connect`; its cache of statements is shared.

    No error of it shows a statement's values: prompts and answers are among them.
    """
    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=NullPool,
        hide_parameters=True,
        json_serializer=_json,
        json_deserializer=orjson.loads,
    )


def raw(path: str) -> sqlite3.Connection:
    """Open SQLite in the driver's autocommit, with foreign keys held."""
    driver = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,  # opened by one thread, then handed to its only user
        cached_statements=CACHED_STATEMENTS,
        timeout=0,
    )
    driver.execute("PRAGMA foreign_keys=ON")
    return driver


class Line:
    """One connection used by one thread: SQLAlchemy's for statements, the driver's for bounds."""

    def __init__(self, engine: Engine) -> None:
        self.connection: Connection = engine.connect()
        self.connection.begin()
        driver = self.connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            raise TypeError(f"expected SQLite's driver, got {type(driver).__name__}")
        self.driver: sqlite3.Connection = driver
        self.execute: Callable[[str], sqlite3.Cursor] = driver.execute
        self.tallies = tallies_of(self.connection)
        self.sayings = sayings_of(self.connection)

    @property
    def inside(self) -> bool:
        """Whether a transaction is open on the driver."""
        return self.driver.in_transaction

    def roll_back(self) -> None:
        """End the transaction, if one is open, without its changes."""
        if self.driver.in_transaction:
            self.execute("ROLLBACK")

    def reset(self) -> None:
        """Roll back, and forget what a unit of work did to the logical transaction."""
        self.roll_back()
        self.connection.rollback()
        self.connection.begin()

    def close(self) -> None:
        """Give the connection back to the file system."""
        self.connection.close()
