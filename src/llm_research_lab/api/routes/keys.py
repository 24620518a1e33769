"""``/v1/keys``: an admin makes keys, lists them and ends their lives."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer, made
from llm_research_lab.api.asking import caller_of, lab_of, once_of
from llm_research_lab.api.bodies import checked, read_json
from llm_research_lab.api.operations import operation, takes
from llm_research_lab.api.routing import ID_LENGTH, router_of
from llm_research_lab.api.schemas import Key, KeyBody, KeyPage, NewKey
from llm_research_lab.api.schemas.queries import PageQuery
from llm_research_lab.commands import keys
from llm_research_lab.commands.paging import Page

router = router_of("keys")

Id = Annotated[
    str,
    Path(
        max_length=ID_LENGTH,
        description="The key's id.",
        examples=["key_01JD0000000000000000000000"],
    ),
]
_EXAMPLES = ({"name": "ann's laptop", "user": "ann", "role": "researcher"},)


@router.post(
    "/v1/keys",
    **operation(
        {201: NewKey},
        409,
        body=takes(KeyBody, _EXAMPLES),
        links={"revoke_key": {"path.key_id": "/id"}},
    ),
)
async def create_key(request: Request) -> Response:
    """Make a key. Its secret is in this answer, and in no other."""
    raw, value = await read_json(request)
    body = checked(KeyBody, value).model_dump()
    once = once_of(request, raw)
    return made(await keys.create(lab_of(request), caller_of(request), body, once))


@router.get("/v1/keys", **operation({200: KeyPage}))
async def list_keys(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """List all keys, revoked ones too, newest first."""
    page = Page(query.cursor, query.limit)
    return answer(await keys.listing(lab_of(request), caller_of(request), page))


@router.delete("/v1/keys/{key_id}", **operation({200: Key}, 404))
async def revoke_key(request: Request, key_id: Id) -> Response:
    """End the key's life at once; a second time changes nothing."""
    return answer(await keys.revoke(lab_of(request), caller_of(request), key_id))
