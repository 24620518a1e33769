"""Datasets, prompts and models are versions in a user's namespace: found and listed alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table

from llm_research_lab.audit import created
from llm_research_lab.commands import views
from llm_research_lab.commands.access import origin_of
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.paging import Page, cursor_of, read_cursor
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import audit_log, now_ms, versions
from llm_research_lab.vocabulary import parse_reference

CREATED, FOUND = 201, 200
"""A version that is made; one that had the same content already. Source: RFC 9110, 15.3."""


def add(
    connection: Connection,
    caller: Caller,
    table: Table,
    *,
    version_id: str,
    name: str,
    digest: str,
    own: Mapping[str, Any],
) -> tuple[Row[Any], int]:
    """Keep the content under the caller's name, audited; or find the version that has it."""
    now = now_ms(connection)
    row, made = versions.add(
        connection,
        table,
        id=version_id,
        owner=caller.principal.user,
        name=name,
        digest=digest,
        now=now,
        **own,
    )
    if made:
        about = {"reference": views.reference(row), "digest": digest}
        audit_log.append(connection, created(now, origin_of(caller), kind_of(table), row.id, about))
    return row, CREATED if made else FOUND


async def find(lab: Lab, caller: Caller, table: Table, reference: str) -> Row[Any]:
    """Find the version; a reference without owner is the caller's own. Raises NotFoundError."""
    wanted = parse_reference(reference, kind_of(table))
    user = caller.principal.user
    return await lab.database.read(lambda c: versions.find(c, table, wanted, user))


async def rows_of(
    lab: Lab, table: Table, page: Page, owner: str | None
) -> tuple[Sequence[Row[Any]], str]:
    """Give a page's rows, one more than asked for if there is one, and the list's kind."""
    kind = f"{table.name} {owner or ''}"
    mark = read_cursor(page.cursor, kind, str)
    after = mark[0] if mark else None
    rows = await lab.database.read(
        lambda c: versions.page(c, table, owner=owner, after=after, limit=page.limit + 1)
    )
    return rows, kind


def mark_of(kind: str, row: Row[Any]) -> str:
    """Write the cursor after a row."""
    return cursor_of(kind, row.id)


def kind_of(table: Table) -> str:
    """Name what the table holds: ``dataset``, ``prompt``, ``model``."""
    return table.name.removesuffix("s")
