"""What no one caught becomes a 500 that says nothing of the inside, and a line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from llm_research_lab.api.middleware.request_id import request_id_of
from llm_research_lab.api.problems import internal, problem_response
from llm_research_lab.vocabulary import LabError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

INTERNAL = 500
_log = logging.getLogger("llm_research_lab.api")


class Faults:
    """Renders errors of the layers below it; an answer that has begun is left to break off."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
            request_id = request_id_of(scope)
            if error.status == INTERNAL:
                _log.error("request %s %s: %s", scope["method"], request_id, error)
            await problem_response(error, request_id)(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered; the metrics say 499
        except Exception:
            request_id = request_id_of(scope)
            _log.exception("request %s %s broke: %s", scope["method"], scope["path"], request_id)
            if begun:
                raise
            await problem_response(internal(request_id), request_id)(scope, receive, send)
