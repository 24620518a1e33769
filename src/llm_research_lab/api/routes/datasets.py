"""``/v1/datasets``: a body of rows streams in; versions and rows are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer, made
from llm_research_lab.api.asking import caller_of, lab_of, once_of
from llm_research_lab.api.bodies import check_media_type, parse
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Dataset, DatasetPage, RowPage
from llm_research_lab.api.schemas.bodies import NAME
from llm_research_lab.api.schemas.queries import (
    OwnedPageQuery,
    RowsQuery,
    UploadQuery,
    VersionQuery,
)
from llm_research_lab.commands import datasets
from llm_research_lab.commands.paging import Page
from llm_research_lab.vocabulary import InvalidError

router = router_of("datasets")

Name = Annotated[
    str, Path(pattern=NAME, description="1 to 100 of a-z 0-9 . _ -", examples=["capitals"])
]
BYTES = "application/octet-stream"
MEDIA_TYPES = {
    "csv": ("text/csv", BYTES),
    "jsonl": ("application/x-ndjson", "application/jsonl", BYTES),
}
_CSV = "country,capital\nFrance,Paris\nJapan,Tokyo\n"
_JSONL = '{"country": "France", "capital": "Paris"}\n{"country": "Japan", "capital": "Tokyo"}\n'
_BODY = {
    media_type: {"schema": {"type": "string"}, "example": _CSV if format_ == "csv" else _JSONL}
    for format_, media_types in MEDIA_TYPES.items()
    for media_type in media_types
}


@router.post(
    "/v1/datasets/{name}",
    **operation(
        {201: Dataset, 200: Dataset},
        409,
        body=_BODY,
        links={"get_dataset": {"path.name": "/name"}, "list_rows": {"path.name": "/name"}},
    ),
)
async def add_dataset(
    request: Request, name: Name, query: Annotated[UploadQuery, Query()]
) -> Response:
    """Check every row while it comes in, and keep a version; of a bad body nothing is kept."""
    check_media_type(request, MEDIA_TYPES[query.format])
    once = once_of(request)
    schema = _schema(query.schema_)
    lab, caller = lab_of(request), caller_of(request)
    chunks = _chunks(request)
    return made(await datasets.add(lab, caller, name, query.format, schema, chunks, once))


@router.get("/v1/datasets", **operation({200: DatasetPage}))
async def list_datasets(request: Request, query: Annotated[OwnedPageQuery, Query()]) -> Response:
    """List versions, newest first."""
    page = Page(query.cursor, query.limit)
    return answer(await datasets.listing(lab_of(request), caller_of(request), page, query.owner))


@router.get("/v1/datasets/{name}", **operation({200: Dataset}, 404))
async def get_dataset(
    request: Request, name: Name, query: Annotated[VersionQuery, Query()]
) -> Response:
    """Show a version: its schema and statistics, no rows."""
    wanted = query.reference(name)
    return answer(await datasets.get(lab_of(request), caller_of(request), wanted))


@router.get("/v1/datasets/{name}/rows", **operation({200: RowPage}, 404))
async def list_rows(request: Request, name: Name, query: Annotated[RowsQuery, Query()]) -> Response:
    """Show rows of a version, in its order. Each reading is audited."""
    lab, caller = lab_of(request), caller_of(request)
    wanted = query.reference(name)
    return answer(await datasets.preview(lab, caller, wanted, query.offset, query.limit))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _schema(text: str | None) -> dict[str, Any] | None:
    """Read the schema's JSON; what it says is the command's to check."""
    if text is None:
        return None
    try:
        value = parse(text.encode("utf-8", "surrogatepass"))
    except InvalidError as error:
        where = "query parameter schema"
        raise InvalidError(
            where, error.expected, error.got, error.fix, error.findings, error.total
        ) from None
    if not isinstance(value, dict):
        raise InvalidError(
            "query parameter schema", "a JSON object", "another value", 'write {"columns": [...]}'
        )
    return value
