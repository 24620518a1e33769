"""The audit trail is read by admins, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_research_lab.commands.access import require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.paging import Page, cursor_of, cut, read_cursor
from llm_research_lab.commands.views import audit_entry
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import audit_log
from llm_research_lab.storage.relational.audit_log import AuditFilters
from llm_research_lab.vocabulary import canonical


async def listing(
    lab: Lab, caller: Caller, page: Page, filters: Mapping[str, Any]
) -> dict[str, Any]:
    """List entries. `filters` has AuditFilters' names; what is None or missing filters nothing."""
    await require(lab, caller, "audit.read", "audit", "*")
    wanted = {name: value for name, value in filters.items() if value is not None}
    kind = f"audit {canonical(wanted).decode()}"
    mark = read_cursor(page.cursor, kind, int)
    before = mark[0] if mark else None
    rows = await lab.database.read(
        lambda c: audit_log.page(c, AuditFilters(**wanted), before, page.limit + 1)
    )
    return cut(rows, page, audit_entry, lambda row: cursor_of(kind, row[0]))
