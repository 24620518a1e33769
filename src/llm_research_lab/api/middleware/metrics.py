"""Every request is observed once: answered, streamed, failed or left by its client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.requests import CANCELLED, METHODS, UNKNOWN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from llm_research_lab.api.templates import Templates
    from llm_research_lab.telemetry.requests import RequestInstruments


class Metrics:
    """Counts and times requests under their route's template.

    The time runs from the request's arrival to the end of the answer's last byte. An answer that
    never started counts as 499 when the client left, as 500 otherwise.
    """

    def __init__(self, app: ASGIApp, instruments: RequestInstruments, templates: Templates) -> None:
        self.app = app
        self.instruments = instruments
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        path = self.templates.find(scope["path"]) or UNKNOWN
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
            status = "500" if status == CANCELLED else status
            raise
        finally:
            self.instruments.ended(method, path, status, time.perf_counter() - started)
