"""A request that is sent again with its key is answered again, and done once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from llm_research_lab.storage.relational.tables import idempotency
from llm_research_lab.vocabulary import ConflictError, Instant, InvalidError

KEPT_MS = 24 * 3_600_000
"""Source: Stripe's API, "Idempotent requests": keys may be forgotten after 24 hours."""

ABANDONED_MS = 15 * 60_000
"""A request still running after this died with its process: longer than any is allowed to take."""

FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody has done this yet: do it, then `finish` in the same unit of work."""


@dataclass(frozen=True, slots=True)
class Replay:
    """It was done: answer with this, and do nothing."""

    status: int
    body: bytes


def begin(conn: Connection, user: str, key: str, digest: str, now: Instant) -> Fresh | Replay:
    """Claim a user's key for the request whose body has this digest.

    Raises InvalidError when the key came with another body, ConflictError while the first request
    still runs. A claim of which nobody finished the work lapses after a quarter of an hour.
    """
    mine = (idempotency.c.user == user, idempotency.c.key == key)
    row = conn.execute(select(idempotency).where(*mine)).one_or_none()
    if row is not None and _lapsed(row.status, now - row.created_at):
        conn.execute(delete(idempotency).where(*mine))
        row = None
    if row is None:
        values = {"user": user, "key": key, "digest": digest, "created_at": now}
        conn.execute(insert(idempotency).values(**values))
        return Fresh()
    if row.digest != digest:
        raise InvalidError(
            "header Idempotency-Key",
            "the body that came with this key first",
            "another body",
            "send the first body again, or choose a new key",
        )
    if row.status is None:
        raise ConflictError(
            "header Idempotency-Key",
            "a request that has ended",
            "one still running",
            "wait, and send it again",
        )
    return Replay(row.status, row.body)


def finish(conn: Connection, user: str, key: str, status: int, body: bytes) -> None:
    """Keep the answer for those who ask again."""
    conn.execute(
        update(idempotency)
        .where(idempotency.c.user == user, idempotency.c.key == key)
        .values(status=status, body=body)
    )


def abandon(conn: Connection, user: str, key: str) -> None:
    """Give an unfinished claim back: the request failed, and may be sent again."""
    conn.execute(
        delete(idempotency).where(
            idempotency.c.user == user, idempotency.c.key == key, idempotency.c.status.is_(None)
        )
    )


def forget(conn: Connection, now: Instant) -> int:
    """Drop some of the keys older than a day; the count says whether there may be more."""
    old = (
        select(idempotency.c.user, idempotency.c.key)
        .where(idempotency.c.created_at < now - KEPT_MS)
        .order_by(idempotency.c.created_at)
        .limit(FORGOTTEN_AT_ONCE)
    )
    rows = conn.execute(old).all()
    for user, key in rows:
        conn.execute(
            delete(idempotency).where(idempotency.c.user == user, idempotency.c.key == key)
        )
    return len(rows)


def _lapsed(status: int | None, age_ms: int) -> bool:
    return age_ms >= KEPT_MS or (status is None and age_ms >= ABANDONED_MS)
