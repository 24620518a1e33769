"""A request is one span, from arrival to last byte; its end decides whether its trace is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_research_lab.api.middleware.request_id import request_id_of
from llm_research_lab.telemetry.masking import masked
from llm_research_lab.telemetry.requests import CANCELLED, METHODS
from llm_research_lab.telemetry.traceparent import Parent, read_traceparent

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from llm_research_lab.api.templates import Templates
    from llm_research_lab.telemetry.spans import Span, Value
    from llm_research_lab.telemetry.tracing import Tracer

PATH_MOST = 200
SERVER_ERROR = 500


class Tracing:
    """Continues the trace of the caller's ``traceparent``, or begins one.

    A status from 500 is an error, as is an exception that got so far; what is wrong with the
    request itself is not. Source: OpenTelemetry's semantic conventions, "HTTP server", Status.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer, templates: Templates) -> None:
        self.app = app
        self.tracer = tracer
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not self.tracer.on:
            await self.app(scope, receive, send)
            return
        attributes = self._attributes(scope)
        parent = parent_in(scope["headers"])
        with self.tracer.root("http_request", attributes, kind="server", parent=parent) as span:
            span.set("http.response.status_code", int(CANCELLED))

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    note_status(span, message["status"])
                await send(message)

            await self.app(scope, receive, noted)

    def _attributes(self, scope: Scope) -> dict[str, Value]:
        method, path = scope["method"], scope["path"]
        found: dict[str, Value] = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.path": masked(path)[:PATH_MOST],
            "lab.request_id": request_id_of(scope),
        }
        route = self.templates.find(path)
        if route is not None:
            found["http.route"] = route
        return found


def note_status(span: Span, status: int) -> None:
    """Note the status that was sent, and that it is an error when it is the server's."""
    span.set("http.response.status_code", status)
    if status >= SERVER_ERROR:
        span.fail(str(status))


def parent_in(headers: list[tuple[bytes, bytes]]) -> Parent | None:
    """Give what the one ``traceparent`` header names; of several none is believed."""
    given = [value for name, value in headers if name == b"traceparent"]
    return read_traceparent(given[0].decode("latin-1")) if len(given) == 1 else None
