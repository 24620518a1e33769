"""``/v1/openapi.json``: the API describes itself. No key is asked for."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Document

router = router_of("description")


@router.get("/v1/openapi.json", **operation({200: Document}))
async def get_openapi(request: Request) -> Response:
    """Give this document."""
    return answer(request.app.openapi())
