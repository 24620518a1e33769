"""Every request has an id, its own or a new one; every answer and log line of it has it, too."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.context import begin, end

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SANE = re.compile(rb"[A-Za-z0-9._:-]{1,100}")


def request_id_of(scope: Scope) -> str:
    """Give the id of the request."""
    return str(scope.get("lab.request_id", ""))


class RequestId:
    """Takes a sane ``X-Request-ID``, makes one otherwise, and writes it into the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        chosen = given if _SANE.fullmatch(given) else uuid.uuid4().hex.encode()
        scope["lab.request_id"] = chosen.decode()

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", chosen)]
            await send(message)

        work = begin(request_id=scope["lab.request_id"])
        try:
            await self.app(scope, receive, marked)
        finally:
            end(work)
