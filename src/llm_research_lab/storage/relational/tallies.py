"""What is counted inside a unit of work counts when that is committed, and not otherwise."""

from __future__ import annotations

from sqlalchemy import Connection

Tally = tuple[str, tuple[str, ...], float]
"""A metric's name, its label values, and how much to add."""

KEY = "lab.tallies"
"""Where a connection keeps what its transaction has counted so far."""


def tally(connection: Connection, name: str, values: tuple[str, ...], amount: float = 1) -> None:
    """Count something that this transaction does; of a counter that the process declares."""
    tallies_of(connection).append((name, values, amount))


def tallies_of(connection: Connection) -> list[Tally]:
    """Give the list itself, which the writer empties."""
    found: list[Tally] = connection.info.setdefault(KEY, [])
    return found
