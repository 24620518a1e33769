"""The HTTP door: routes, what every request passes, and the errors that no route raised."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from llm_research_lab.api.document import document
from llm_research_lab.api.middleware import (
    Authentication,
    Faults,
    Head,
    Limits,
    LimitsMiddleware,
    Metrics,
    RequestId,
    SecurityHeaders,
    Tracing,
    request_id_of,
)
from llm_research_lab.api.problems import RequestError, problem_response
from llm_research_lab.api.routes import ROUTES
from llm_research_lab.api.routes.health import Readiness
from llm_research_lab.api.templates import templates_of
from llm_research_lab.telemetry.requests import RequestInstruments
from llm_research_lab.vocabulary import LabError, NotFoundError

if TYPE_CHECKING:
    from llm_research_lab.commands.lab import Lab

_TEMPLATES = templates_of(ROUTES)
_UNOBSERVED: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own signals stay off: ours count each request once, and never an exception's text."""

_SEE = "see the addresses in /v1/openapi.json"


def make_app(
    lab: Lab,
    *,
    limits: Limits,
    ready: Callable[[], list[str]],
) -> FastAPI:
    """Make the application over a lab. `ready` gives the reasons why it may not be used now.

    `ready` is called on the event loop: it must not wait.
    """
    app = FastAPI(
        routes=list(ROUTES),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_UNOBSERVED,
        exception_handlers={HTTPException: _refuse},
        middleware=[
            Middleware(RequestId),
            Middleware(Tracing, lab.tracer, _TEMPLATES),
            Middleware(SecurityHeaders),
            Middleware(Metrics, RequestInstruments(lab.instruments), _TEMPLATES),
            Middleware(Faults, _TEMPLATES),
            Middleware(LimitsMiddleware, limits),
            Middleware(Authentication, lab),
            Middleware(Head),
        ],
    )
    app.state.lab = lab
    app.state.readiness = Readiness(ready)
    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way
    return app


@cache
def openapi() -> dict[str, Any]:
    """Give the OpenAPI document; no lab is needed for it."""
    return document(ROUTES)


async def _refuse(request: Request, refused: Exception) -> Response:
    """Answer what the router refuses: an address that nobody has, a method that it does not."""
    status = refused.status_code if isinstance(refused, HTTPException) else 500
    allowed = _TEMPLATES.allowed(request.scope["path"])
    headers = {"Allow": ", ".join(allowed)} if status == 405 else None  # noqa: PLR2004
    error = _error(status, request, allowed, refused)
    return problem_response(error, request_id_of(request.scope), headers)


def _error(status: int, request: Request, allowed: list[str], refused: Exception) -> LabError:
    path = request.scope["path"][:60]
    if status == 404:  # noqa: PLR2004
        return NotFoundError("address", "one of this API", repr(path), _SEE)
    if status == 405:  # noqa: PLR2004
        methods = " or ".join(allowed)
        got = request.method[:20]
        return RequestError(status, "method-not-allowed", path, methods, got, _SEE)
    return RequestError(status, "bad-request", path, "a request", str(refused)[:200], _SEE)
