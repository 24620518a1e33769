"""A version is written once: the same content under one name is the same version."""

from __future__ import annotations

import difflib
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, insert, select

from llm_research_lab.vocabulary import Instant, NotFoundError, Reference

NEAR = 3
"""Names offered when one is not found."""

NAMES_LOOKED_AT = 1_000
"""Of so many names are the near ones chosen: enough for a person, and bounded."""

PAGE_LIMIT = 1_000


def add(
    conn: Connection,
    table: Table,
    *,
    id: str,  # noqa: A002 - the column's name
    owner: str,
    name: str,
    digest: str,
    now: Instant,
    **own: Any,
) -> tuple[Row[Any], bool]:
    """Store content under ``owner/name`` as the next ordinal, or find the version that has it.

    The second value says whether it was created. Runs in a write, which no other write interrupts.
    """
    columns = table.c
    named = and_(columns.owner == owner, columns.name == name)
    existing = conn.execute(select(table).where(named, columns.digest == digest)).one_or_none()
    if existing is not None:
        return existing, False
    newest = conn.execute(select(func.max(columns.ordinal)).where(named)).scalar()
    row = {"id": id, "owner": owner, "name": name, "ordinal": (newest or 0) + 1, "digest": digest}
    conn.execute(insert(table).values(**row, created_at=now, **own))
    return conn.execute(select(table).where(columns.id == id)).one(), True


def find(conn: Connection, table: Table, reference: Reference, owner: str) -> Row[Any]:
    """Find the version, the newest when none is named; `owner` is whose names need no owner.

    NotFoundError says which names or versions exist that are near.
    """
    whose = reference.owner or owner
    columns = table.c
    query = select(table).where(columns.owner == whose, columns.name == reference.name)
    if reference.ordinal is not None:
        query = query.where(columns.ordinal == reference.ordinal)
    row = conn.execute(query.order_by(columns.ordinal.desc()).limit(1)).one_or_none()
    if row is None:
        raise _not_found(conn, table, reference, whose)
    return row


def page(
    conn: Connection, table: Table, *, owner: str | None, after: str | None, limit: int
) -> list[Row[Any]]:
    """List versions, the newest first; `after` is the id that the page before ended with."""
    query = select(table).order_by(table.c.id.desc()).limit(min(limit, PAGE_LIMIT))
    if owner is not None:
        query = query.where(table.c.owner == owner)
    if after is not None:
        query = query.where(table.c.id < after)
    return list(conn.execute(query))


def _not_found(conn: Connection, table: Table, reference: Reference, owner: str) -> NotFoundError:
    kind = table.name.removesuffix("s")
    wanted = f"{owner}/{reference.name}"
    columns = table.c
    newest = conn.execute(
        select(func.max(columns.ordinal)).where(
            columns.owner == owner, columns.name == reference.name
        )
    ).scalar()
    if newest is not None:
        return NotFoundError(
            f"{kind} {wanted}",
            f"a version from v1 to v{newest}",
            f"v{reference.ordinal}",
            f"name one that exists, or leave @v{reference.ordinal} out for the newest",
        )
    near = _near(conn, table, owner, reference.name)
    return NotFoundError(
        f"{kind} {wanted}",
        f"the name of a {kind} that exists",
        "none of this name",
        f"did you mean {' or '.join(near)}?" if near else f"see `lab {kind} list`, or add it first",
    )


def _near(conn: Connection, table: Table, owner: str, name: str) -> list[str]:
    """Offer the same name of other owners first, then names of the owner's that look alike."""
    columns = table.c
    others = conn.execute(
        select(columns.owner).where(columns.name == name).distinct().limit(NEAR)
    ).scalars()
    names = conn.execute(
        select(columns.name).where(columns.owner == owner).distinct().limit(NAMES_LOOKED_AT)
    ).scalars()
    alike = difflib.get_close_matches(name, list(names), n=NEAR)
    return [*(f"{other}/{name}" for other in others), *alike][:NEAR]
