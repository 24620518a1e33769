"""What no one caught becomes a 500 that says nothing of the inside, and a line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from llm_research_lab.api.middleware.request_id import request_id_of
from llm_research_lab.api.problems import internal, problem_response
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.requests import UNMATCHED
from llm_research_lab.vocabulary import LabError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from llm_research_lab.api.templates import Templates

INTERNAL = 500


class Faults:
    """Renders errors of the layers below it; an answer that has begun is left to break off."""

    def __init__(self, app: ASGIApp, templates: Templates) -> None:
        self.app = app
        self.templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except LabError as error:
            if begun:
                raise
            if error.status == INTERNAL:
                self._say(scope, error=str(error))
            await problem_response(error, request_id_of(scope))(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered; the metrics say 499
        except Exception as error:
            self._say(scope, exception=error)
            if begun:
                raise
            request_id = request_id_of(scope)
            await problem_response(internal(request_id), request_id)(scope, receive, send)

    def _say(self, scope: Scope, **what: Any) -> None:
        path = self.templates.find(scope["path"]) or UNMATCHED
        emit("api.fault", method=scope["method"], path=path, **what)
