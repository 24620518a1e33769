"""A key's secret is never stored, and a revoked key is found by nobody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from llm_research_lab.storage.relational.tables import keys
from llm_research_lab.vocabulary import Instant, NotFoundError

PAGE_LIMIT = 1_000


def add(
    conn: Connection,
    *,
    id: str,  # noqa: A002 - the column's name
    digest: str,
    name: str,
    user: str,
    role: str,
    now: Instant,
) -> Row[Any]:
    """Store a key by the digest of its secret."""
    row = {"id": id, "digest": digest, "name": name, "user": user, "role": role}
    conn.execute(insert(keys).values(**row, created_at=now))
    return _one(conn, id)


def by_digest(conn: Connection, digest: str) -> Row[Any] | None:
    """Find the living key with this digest; None when there is none or it is revoked."""
    query = select(keys).where(keys.c.digest == digest, keys.c.revoked_at.is_(None))
    return conn.execute(query).one_or_none()


def page(conn: Connection, *, after: str | None, limit: int) -> list[Row[Any]]:
    """List all keys, revoked ones too, the newest first; `after` is the last id seen."""
    query = select(keys).order_by(keys.c.id.desc()).limit(min(limit, PAGE_LIMIT))
    if after is not None:
        query = query.where(keys.c.id < after)
    return list(conn.execute(query))


def revoke(conn: Connection, id: str, now: Instant) -> Row[Any]:  # noqa: A002 - the column's name
    """End a key's life; a second time changes nothing. NotFoundError when there is no such key."""
    conn.execute(
        update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return _one(conn, id)


def _one(conn: Connection, id: str) -> Row[Any]:  # noqa: A002 - the column's name
    row = conn.execute(select(keys).where(keys.c.id == id)).one_or_none()
    if row is None:
        raise NotFoundError(f"key {id}", "the id of a key", "none of this id", "see `lab key list`")
    return row
