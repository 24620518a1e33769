"""``/v1/models``: model entries are kept and read; a secret is named, never given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer, made
from llm_research_lab.api.asking import caller_of, lab_of, once_of
from llm_research_lab.api.bodies import checked, read_json
from llm_research_lab.api.operations import operation, takes
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Model, ModelBody, ModelPage
from llm_research_lab.api.schemas.bodies import NAME
from llm_research_lab.api.schemas.queries import OwnedPageQuery, VersionQuery
from llm_research_lab.commands import model_entries
from llm_research_lab.commands.paging import Page

router = router_of("models")

Name = Annotated[
    str, Path(pattern=NAME, description="1 to 100 of a-z 0-9 . _ -", examples=["parrot"])
]
_EXAMPLES = (
    {"name": "parrot", "provider": "echo", "id": "echo"},
    {
        "name": "smollm2",
        "provider": "bundled",
        "id": "smollm2-135m-instruct",
        "parameters": {"temperature": 0, "max_tokens": 24},
    },
    {
        "name": "remote",
        "provider": "openai",
        "id": "gpt-4o-mini",
        "base_url": "https://models.example.com/v1",
        "price": {"input_usd_per_million": "0.15", "output_usd_per_million": "0.6"},
        "limits": {"concurrency": 8, "requests_per_minute": 500},
    },
)


@router.post(
    "/v1/models",
    **operation(
        {201: Model, 200: Model},
        409,
        body=takes(ModelBody, _EXAMPLES),
        links={"get_model": {"path.name": "/name"}},
    ),
)
async def add_model(request: Request) -> Response:
    """Keep a version; 200 when a version has this content already."""
    raw, value = await read_json(request)
    body = checked(ModelBody, value).model_dump(exclude_unset=True)
    once = once_of(request, raw)
    return made(await model_entries.add(lab_of(request), caller_of(request), body, once))


@router.get("/v1/models", **operation({200: ModelPage}))
async def list_models(request: Request, query: Annotated[OwnedPageQuery, Query()]) -> Response:
    """List versions, newest first."""
    page = Page(query.cursor, query.limit)
    lab, caller = lab_of(request), caller_of(request)
    return answer(await model_entries.listing(lab, caller, page, query.owner))


@router.get("/v1/models/{name}", **operation({200: Model}, 404))
async def get_model(
    request: Request, name: Name, query: Annotated[VersionQuery, Query()]
) -> Response:
    """Show a version, with its price of today and who says so."""
    wanted = query.reference(name)
    return answer(await model_entries.get(lab_of(request), caller_of(request), wanted))
