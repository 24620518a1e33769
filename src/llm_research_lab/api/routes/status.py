"""``/v1/status``: what the lab is doing now."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer
from llm_research_lab.api.asking import caller_of, lab_of
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import LabStatus
from llm_research_lab.commands import status

router = router_of("status")


@router.get("/v1/status", **operation({200: LabStatus}))
async def get_status(request: Request) -> Response:
    """Count experiments and waiting samples; name the runners that hold work."""
    return answer(await status.status(lab_of(request), caller_of(request)))
