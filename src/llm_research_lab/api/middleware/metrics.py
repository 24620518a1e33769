"""Every request is counted and logged once: answered, streamed, failed or left by its client."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from llm_research_lab.security import agent_class
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.requests import (
    CANCELLED,
    METHODS,
    OTHER,
    SERVER_ERROR,
    UNMATCHED,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from llm_research_lab.api.templates import Templates
    from llm_research_lab.telemetry.requests import RequestInstruments

_class_of = lru_cache(maxsize=1024)(agent_class)


class Metrics:
    """Counts, times and logs requests under their route's template.

    The time runs from the request's arrival to the end of the answer's last byte. An answer that
    never started counts as 499 when the client left, as 500 otherwise.
    """

    def __init__(self, app: ASGIApp, instruments: RequestInstruments, templates: Templates) -> None:
        self.app = app
        self.instruments = instruments
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not self.instruments.on:
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else OTHER
        path = self.templates.find(scope["path"]) or UNMATCHED
        status = CANCELLED

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        started = time.perf_counter()
        self.instruments.started(method, path)
        try:
            await self.app(scope, receive, noted)
        except Exception:
            status = SERVER_ERROR if status == CANCELLED else status
            raise
        finally:
            seconds = time.perf_counter() - started
            agent = _agent(scope)
            self.instruments.ended(method, path, status, seconds, _class_of(agent))
            emit(
                "api.request",
                method=method,
                path=path,
                status=int(status),
                duration_ms=round(seconds * 1000, 3),
                user_agent=agent,
            )


def _agent(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"user-agent":
            return str(value[:300].decode("latin-1"))
    return ""
