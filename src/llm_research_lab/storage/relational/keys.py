"""A key's secret is never stored, and a revoked key is found by nobody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

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


def is_revoked(conn: Connection, digest: str) -> bool:
    """Whether a key with this digest was alive once and is not any more."""
    query = select(exists().where(keys.c.digest == digest, keys.c.revoked_at.is_not(None)))
    return bool(conn.execute(query).scalar_one())


def any_living(conn: Connection, role: str) -> bool:
    """Whether some key of the role still opens the lab."""
    query = select(exists().where(keys.c.role == role, keys.c.revoked_at.is_(None)))
    return bool(conn.execute(query).scalar_one())


def page(conn: Connection, *, after: str | None, limit: int) -> list[Row[Any]]:
    """List all keys, revoked ones too, the newest first; `after` is the last id seen."""
    query = select(keys).order_by(keys.c.id.desc()).limit(min(limit, PAGE_LIMIT))
    if after is not None:
        query = query.where(keys.c.id < after)
    return list(conn.execute(query))


def revoke(
    conn: Connection,
    id: str,  # noqa: A002 - the column's name
    now: Instant,
) -> tuple[Row[Any], bool]:
    """End a key's life; the second value says whether it lived until now.

    NotFoundError when there is no such key.
    """
    changed = conn.execute(
        update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return _one(conn, id), changed.rowcount == 1


def _one(conn: Connection, id: str) -> Row[Any]:  # noqa: A002 - the column's name
    row = conn.execute(select(keys).where(keys.c.id == id)).one_or_none()
    if row is None:
        raise NotFoundError("key", "the id of a key", repr(id[:60]), "see `lab key list`")
    return row
