"""``/v1/comparisons``: two experiments on one dataset, sample by sample."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer
from llm_research_lab.api.asking import caller_of, lab_of
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Comparison
from llm_research_lab.api.schemas.queries import ComparisonQuery
from llm_research_lab.commands import experiments

router = router_of("comparisons")


@router.get("/v1/comparisons", **operation({200: Comparison}, 404, 409))
async def compare(request: Request, query: Annotated[ComparisonQuery, Query()]) -> Response:
    """Say by metric how b differs from a; 409 with the reason where that means nothing."""
    lab, caller = lab_of(request), caller_of(request)
    return answer(await experiments.comparison(lab, caller, query.a, query.b))
