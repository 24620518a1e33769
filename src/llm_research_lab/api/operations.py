"""What an operation alone says of itself in the OpenAPI document; what all say is document.py's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from llm_research_lab.api.answering import JSON

Content = Mapping[str, Any]
"""Media types with their schemas and examples."""


def operation(
    answers: Mapping[int, type[BaseModel]],
    *problems: int,
    body: Content | None = None,
    links: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Give a route's keywords: what it answers, which problems are its own, what it takes.

    `links` name an operation that follows, and where its parameters stand in the answer.
    """
    shown = {
        str(status): {
            "description": (model.__doc__ or "").partition("\n")[0],
            "content": {JSON: {"schema": reference(model)}},
            **({"links": _links(links)} if links else {}),
        }
        for status, model in answers.items()
    }
    refused = {str(status): problem_reference(status) for status in problems}
    extra: dict[str, Any] = {"responses": {**shown, **refused}}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": dict(body)}
    first = next(iter(answers))
    return {"status_code": first, "response_class": Response, "openapi_extra": extra}


def takes(model: type[BaseModel], examples: Sequence[Any]) -> Content:
    """Give the content of a body of JSON, with whole examples."""
    shown = {f"example-{at}": {"value": value} for at, value in enumerate(examples, 1)}
    return {JSON: {"schema": reference(model), "examples": shown}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """Point to the model's schema in the document."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def problem_reference(status: int) -> dict[str, str]:
    """Point to the problem of a status in the document."""
    return {"$ref": f"#/components/responses/Problem{status}"}


def _links(links: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        name: {
            "operationId": name,
            "parameters": {one: f"$response.body#{at}" for one, at in parameters.items()},
        }
        for name, parameters in links.items()
    }
