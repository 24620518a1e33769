"""Whatever is asked of ``/v1``, who asks is known first: before the address, method or body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_research_lab.commands.access import authenticate
from llm_research_lab.telemetry.context import learn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from llm_research_lab.commands.lab import Lab

OPEN = frozenset({"/v1/openapi.json"})
"""What of ``/v1`` anybody may read: it tells how to ask, and nothing that was said."""

_SCHEME = "bearer"


class Authentication:
    """Puts the Caller into the request's scope, or raises UnauthenticatedError."""

    def __init__(self, app: ASGIApp, lab: Lab) -> None:
        self.app = app
        self.lab = lab

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and is_guarded(scope["path"]):
            client = scope.get("client")
            caller = scope["lab.caller"] = await authenticate(
                self.lab,
                key_in(scope["headers"]),
                client[0] if client else "local",
                _agent(scope["headers"]),
                scope["path"],
            )
            learn(user_id=caller.principal.user, session_id=caller.principal.key_id)
        await self.app(scope, receive, send)


def is_guarded(path: str) -> bool:
    """Tell whether the path is asked for with a key; one that leads nowhere is."""
    return (path == "/v1" or path.startswith("/v1/")) and path not in OPEN


def key_in(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Give the key of the one ``Authorization: Bearer`` header; None when there is no header.

    Anything else gives an empty text, which is no key. Source: RFC 6750, 2.1.
    """
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        return None
    scheme, _, key = given[0].decode("latin-1").partition(" ")
    return key.strip() if len(given) == 1 and scheme.lower() == _SCHEME else ""


def _agent(headers: list[tuple[bytes, bytes]]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == b"user-agent"), None)
