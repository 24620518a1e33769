"""``/v1/audit``: who did what to which thing, read by admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer
from llm_research_lab.api.asking import caller_of, lab_of
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import AuditPage
from llm_research_lab.api.schemas.queries import AuditQuery
from llm_research_lab.commands import audit
from llm_research_lab.commands.paging import Page

router = router_of("audit")


@router.get("/v1/audit", **operation({200: AuditPage}))
async def list_audit(request: Request, query: Annotated[AuditQuery, Query()]) -> Response:
    """List entries, newest first."""
    filters = query.model_dump(exclude={"cursor", "limit"})
    page = Page(query.cursor, query.limit)
    return answer(await audit.listing(lab_of(request), caller_of(request), page, filters))
