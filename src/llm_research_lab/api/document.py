"""The OpenAPI document says every parameter, body, answer and refusal of every operation."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from llm_research_lab.api import schemas
from llm_research_lab.api.asking import IDEMPOTENCY_KEY
from llm_research_lab.api.middleware.authentication import is_guarded
from llm_research_lab.api.operations import problem_reference
from llm_research_lab.api.problems import MEDIA_TYPE, TITLES

DESCRIPTION = """\
Datasets, prompts and model entries are immutable versions; an experiment runs a prompt over a
dataset on a model, and scores the answers.

- Errors are `application/problem+json`, with `where`, `expected`, `got` and `fix`.
- Unknown query parameters and unknown fields of bodies are refused, with a suggestion.
- A POST with an `Idempotency-Key` is done once, and answered alike for a day.
- Lists give `items` and `next_cursor`; the next page has that as `cursor`.
- HEAD is answered wherever GET is; another method is a 405 with `Allow`.
- What cannot be read as HTTP at all is a 400 in plain text.
"""

SLUGS = {
    400: "bad-request",
    401: "unauthenticated",
    403: "denied",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    409: "conflict",
    413: "too-large",
    414: "too-large",
    415: "media-type",
    421: "misdirected",
    422: "invalid",
    431: "too-large",
    500: "internal",
    503: "unavailable",
}
ALWAYS = (400, 405, 413, 414, 421, 422, 431, 500, 503)
"""What any request may be refused with."""

NOT_HTTP = 400
GUARDED = (401, 403)
WITH_BODY = (408, 415)

_TEXT = {"type": "string"}
_HEADERS = {
    "RequestId": (_TEXT, "The request's id, for the log."),
    "Authenticate": (_TEXT, "The scheme: `Bearer`."),
    "Allow": (_TEXT, "The methods that this address answers."),
    "RetryAfter": ({"type": "integer"}, "Seconds to wait at least."),
}
_OWN_HEADERS = {
    401: ("WWW-Authenticate", "Authenticate"),
    405: ("Allow", "Allow"),
    503: ("Retry-After", "RetryAfter"),
}
_PARAMETERS = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "Kept as the request's id if it is 1 to 100 of `A-Z a-z 0-9 . _ : -`.",
        "schema": _TEXT,
        "example": "import-7",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and request again: done once, answered alike, for a day.",
        "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY},
    },
}


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Describe the routes. Source: OpenAPI 3.1.0."""
    described = get_openapi(
        title="LLM Research Lab",
        version=version("llm-research-lab"),
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=routes,
    )
    described["components"] = _components()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation)
    return described


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what its path, method and body say of every such operation."""
    operation["security"] = [{"key": []}] if is_guarded(path) else []
    names = ["RequestId", "IdempotencyKey"] if method == "post" else ["RequestId"]
    operation.setdefault("parameters", []).extend(
        {"$ref": f"#/components/parameters/{name}"} for name in names
    )
    statuses = [*ALWAYS, *(GUARDED if is_guarded(path) else ())]
    statuses += WITH_BODY if "requestBody" in operation else (408,) if method == "post" else ()
    answers = operation["responses"]
    answers.pop("422", None)  # FastAPI's own words for it
    for status in statuses:
        if str(status) in answers:  # a health check's own 503, beside the one for lateness
            answers[str(status)]["content"][MEDIA_TYPE] = {"schema": _schema("Problem")}
        else:
            answers[str(status)] = problem_reference(status)
    for answer in answers.values():
        if "$ref" not in answer:
            answer["headers"] = {"X-Request-ID": _header("RequestId")}
    operation["responses"] = dict(sorted(answers.items()))


def _components() -> dict[str, Any]:
    models = [getattr(schemas, name) for name in schemas.__all__]
    _, made = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "schemas": dict(sorted(made["$defs"].items())),
        "responses": {f"Problem{status}": _problem(status) for status in SLUGS},
        "parameters": _PARAMETERS,
        "headers": {
            name: {"required": True, "description": about, "schema": schema}
            for name, (schema, about) in _HEADERS.items()
        },
        "securitySchemes": {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "lab_…",
                "description": "An API key: `Authorization: Bearer lab_…`.",
            }
        },
    }


def _problem(status: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": TITLES[SLUGS[status]],
        "content": {MEDIA_TYPE: {"schema": _schema("Problem")}},
    }
    if status == NOT_HTTP:  # the server says it before there is a request with an id
        shown["content"]["text/plain"] = {"schema": _TEXT}
        return shown
    shown["headers"] = {"X-Request-ID": _header("RequestId")}
    if status in _OWN_HEADERS:
        name, component = _OWN_HEADERS[status]
        shown["headers"][name] = _header(component)
    return shown


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
