"""The database's clock is the one that all processes share: leases expire by it."""

from __future__ import annotations

from sqlalchemy import Connection

from llm_research_lab.vocabulary import Instant

_NOW = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
"""Exact to the millisecond in every SQLite (``unixepoch('subsec')`` needs 3.42): a Julian day of
this century has steps of 0.04 ms. 2440587.5 is 1970-01-01. Source: sqlite.org/lang_datefunc.html.
"""


def now_ms(conn: Connection) -> Instant:
    """Read the database's clock: milliseconds since 1970 UTC."""
    moment: int = conn.exec_driver_sql(_NOW).scalar_one()
    return moment
