"""``/v1/prompts``: templates are kept and read."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer, made
from llm_research_lab.api.asking import caller_of, lab_of, once_of
from llm_research_lab.api.bodies import checked, read_json
from llm_research_lab.api.operations import operation, takes
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Prompt, PromptBody, PromptPage
from llm_research_lab.api.schemas.bodies import NAME
from llm_research_lab.api.schemas.queries import OwnedPageQuery, VersionQuery
from llm_research_lab.commands import prompts
from llm_research_lab.commands.paging import Page

router = router_of("prompts")

Name = Annotated[
    str, Path(pattern=NAME, description="1 to 100 of a-z 0-9 . _ -", examples=["ask-capital"])
]
_EXAMPLES = (
    {"name": "ask-capital", "text": "What is the capital of {{ country }}?"},
    {
        "name": "ask-capital",
        "messages": [
            {"role": "system", "content": "Answer with the city's name alone."},
            {"role": "user", "content": "What is the capital of {{ country }}?"},
        ],
    },
)


@router.post(
    "/v1/prompts",
    **operation(
        {201: Prompt, 200: Prompt},
        409,
        body=takes(PromptBody, _EXAMPLES),
        links={"get_prompt": {"path.name": "/name"}},
    ),
)
async def add_prompt(request: Request) -> Response:
    """Keep a version; 200 when a version has this content already."""
    raw, value = await read_json(request)
    body = checked(PromptBody, value).model_dump(exclude_unset=True)
    once = once_of(request, raw)
    return made(await prompts.add(lab_of(request), caller_of(request), body, once))


@router.get("/v1/prompts", **operation({200: PromptPage}))
async def list_prompts(request: Request, query: Annotated[OwnedPageQuery, Query()]) -> Response:
    """List versions, newest first."""
    page = Page(query.cursor, query.limit)
    return answer(await prompts.listing(lab_of(request), caller_of(request), page, query.owner))


@router.get("/v1/prompts/{name}", **operation({200: Prompt}, 404))
async def get_prompt(
    request: Request, name: Name, query: Annotated[VersionQuery, Query()]
) -> Response:
    """Show a version: its templates, and the columns that they ask for."""
    wanted = query.reference(name)
    return answer(await prompts.get(lab_of(request), caller_of(request), wanted))
