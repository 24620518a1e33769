"""An audit entry is only ever added, in the transaction of what it records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, insert, select

from llm_research_lab.audit import Entry, to_json
from llm_research_lab.storage.relational.sayings import say
from llm_research_lab.storage.relational.tables import audit
from llm_research_lab.storage.relational.tallies import tally
from llm_research_lab.telemetry.events import made

PAGE_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What a reader of the trail looks for; None asks for all. Instants: `since` ≤ t < `until`."""

    user_id: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None


def append(conn: Connection, entry: Entry) -> int:
    """Add an entry, which is logged, too, once it is committed; its id is greater than before."""
    id_: int = conn.execute(
        insert(audit)
        .values(
            timestamp=entry.timestamp,
            user_id=entry.user_id,
            action=entry.action,
            resource_type=entry.resource_type,
            resource_id=entry.resource_id,
            source_ip=entry.source_ip,
            user_agent=entry.user_agent,
            outcome=entry.outcome,
            metadata=dict(entry.metadata),
        )
        .returning(audit.c.id)
    ).scalar_one()
    tally(conn, "audit_log_entries_total", (entry.action, entry.outcome))
    say(conn, made(f"audit.{entry.metadata['event_type']}", audit_log=to_json(entry)))
    return id_


def logged_in(conn: Connection, key_id: str, source_ip: str) -> bool:
    """Whether the trail shows a login with this key from this address."""
    query = select(
        exists().where(
            audit.c.resource_type == "key",
            audit.c.resource_id == key_id,
            audit.c.action == "login",
            audit.c.source_ip == source_ip,
        )
    )
    return bool(conn.execute(query).scalar_one())


def page(
    conn: Connection, filters: AuditFilters, before: int | None, limit: int
) -> list[tuple[int, Entry]]:
    """List entries with their ids, the newest first; `before` is the last id seen."""
    query = select(audit).where(*_conditions(filters))
    if before is not None:
        query = query.where(audit.c.id < before)
    rows = conn.execute(query.order_by(audit.c.id.desc()).limit(min(limit, PAGE_LIMIT)))
    return [(row.id, _entry(row)) for row in rows]


def _conditions(filters: AuditFilters) -> Iterator[ColumnElement[bool]]:
    for name in ("user_id", "action", "resource_type", "resource_id", "outcome"):
        wanted = getattr(filters, name)
        if wanted is not None:
            yield audit.c[name] == wanted
    if filters.since is not None:
        yield audit.c.timestamp >= filters.since
    if filters.until is not None:
        yield audit.c.timestamp < filters.until


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        timestamp=row.timestamp,
        user_id=row.user_id,
        action=row.action,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        source_ip=row.source_ip,
        user_agent=row.user_agent,
        outcome=row.outcome,
        metadata=row._mapping["metadata"],  # noqa: SLF001 - Row's public way to a column by name
    )
