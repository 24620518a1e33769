"""A request that is sent again with its key is answered again, and done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from llm_research_lab.storage.relational.tables import idempotency
from llm_research_lab.vocabulary import ConflictError, Instant, InvalidError

KEPT_MS = 24 * 3_600_000
"""Source: Stripe's API, "Idempotent requests": keys may be forgotten after 24 hours."""

ABANDONED_MS = 2 * 3_600_000
"""A request still running after this died with its process, unnoticed: none may take so long. The
usual end of a dead process's claims is `lapse`, at the next start."""

FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody has done this yet: do it, then `finish` in the same unit of work."""


@dataclass(frozen=True, slots=True)
class Replay:
    """It was done: answer with this, and do nothing."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """A request with this key ended so; it is this one if its digest is the same."""

    digest: str
    status: int
    body: bytes


def begin(conn: Connection, user: str, key: str, digest: str, now: Instant) -> Fresh | Replay:
    """Claim a user's key for the request whose body has this digest.

    Raises InvalidError when the key came with another body, ConflictError while the first request
    still runs. A claim of which nobody finished the work lapses after two hours, or at the next
    start.
    """
    row = _living(conn, user, key, now)
    if row is not None:
        return _replay(row, digest)
    mine = (idempotency.c.user == user, idempotency.c.key == key)
    conn.execute(delete(idempotency).where(*mine))  # a lapsed one
    values = {"user": user, "key": key, "digest": digest, "created_at": now}
    conn.execute(insert(idempotency).values(**values))
    return Fresh()


def begin_stream(conn: Connection, user: str, key: str, head: str, now: Instant) -> Fresh | Ended:
    """Claim a user's key for a request whose body is still to come; `head` is all else of it.

    Where the request ended already, the answer says which digest the body must turn out to have.
    Raises InvalidError when another request runs under the key, ConflictError when this one does.
    """
    row = _living(conn, user, key, now)
    if row is not None and row.status is not None:
        return Ended(row.digest, row.status, row.body)
    begin(conn, user, key, head, now)
    return Fresh()


def ended(conn: Connection, user: str, key: str, digest: str, now: Instant) -> Replay | None:
    """Find the answer of an ended request without claiming anything; raises as `begin` does."""
    row = _living(conn, user, key, now)
    return None if row is None else _replay(row, digest)


def finish(
    conn: Connection, user: str, key: str, status: int, body: bytes, *, digest: str | None = None
) -> None:
    """Keep the answer for those who ask again; `digest` is the body's, where it came late."""
    known = {} if digest is None else {"digest": digest}
    conn.execute(
        update(idempotency)
        .where(idempotency.c.user == user, idempotency.c.key == key)
        .values(status=status, body=body, **known)
    )


def abandon(conn: Connection, user: str, key: str) -> None:
    """Give an unfinished claim back: the request failed, and may be sent again."""
    conn.execute(
        delete(idempotency).where(
            idempotency.c.user == user, idempotency.c.key == key, idempotency.c.status.is_(None)
        )
    )


def lapse(conn: Connection) -> int:
    """Drop every claim of which nobody finished the work: for a start, when no request can run."""
    return conn.execute(delete(idempotency).where(idempotency.c.status.is_(None))).rowcount


def forget(conn: Connection, now: Instant, at_most: int = FORGOTTEN_AT_ONCE) -> int:
    """Drop some of the keys older than a day; the count says whether there may be more."""
    old = (
        select(idempotency.c.user, idempotency.c.key)
        .where(idempotency.c.created_at < now - KEPT_MS)
        .order_by(idempotency.c.created_at)
        .limit(at_most)
    )
    rows = conn.execute(old).all()
    for user, key in rows:
        conn.execute(
            delete(idempotency).where(idempotency.c.user == user, idempotency.c.key == key)
        )
    return len(rows)


def other_request() -> InvalidError:
    """Say that the key stands for something else."""
    return InvalidError(
        "header Idempotency-Key",
        "the request that came with this key first",
        "another method, path or body",
        "send the first request again, or choose a new key",
    )


def _replay(row: Row[Any], digest: str) -> Replay:
    if row.digest != digest:
        raise other_request()
    if row.status is None:
        raise ConflictError(
            "header Idempotency-Key",
            "a request that has ended",
            "one still running",
            "wait, and send it again",
        )
    return Replay(row.status, row.body)


def _living(conn: Connection, user: str, key: str, now: Instant) -> Row[Any] | None:
    row = conn.execute(
        select(idempotency).where(idempotency.c.user == user, idempotency.c.key == key)
    ).one_or_none()
    return None if row is None or _lapsed(row.status, now - row.created_at) else row


def _lapsed(status: int | None, age_ms: int) -> bool:
    """An age below zero is a clock that was set back: it counts as much as one above."""
    age_ms = abs(age_ms)
    return age_ms >= KEPT_MS or (status is None and age_ms >= ABANDONED_MS)
