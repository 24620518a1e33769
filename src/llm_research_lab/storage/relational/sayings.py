"""What is said inside a unit of work is written when that is committed, and not otherwise."""

from __future__ import annotations

from sqlalchemy import Connection

from llm_research_lab.telemetry.events import Line

KEY = "lab.sayings"
"""Where a connection keeps what its transaction has said so far."""


def say(connection: Connection, line: Line | None) -> None:
    """Keep an event's line, as `events.made` gives it, until this transaction is committed."""
    if line is not None:
        sayings_of(connection).append(line)


def sayings_of(connection: Connection) -> list[Line]:
    """Give the list itself, which the writer empties."""
    found: list[Line] = connection.info.setdefault(KEY, [])
    return found
