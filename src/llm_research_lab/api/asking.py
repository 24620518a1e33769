"""What a route reads of its request besides parameters: the lab, who asks, whether once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llm_research_lab.commands.once import Once, digest_of_request
from llm_research_lab.vocabulary import Finding, InvalidError

if TYPE_CHECKING:
    from starlette.requests import Request

    from llm_research_lab.commands.lab import Lab
    from llm_research_lab.security import Caller

IDEMPOTENCY_KEY = r"^[!-~]{1,255}$"
"""Source: draft-ietf-httpapi-idempotency-key-header, 2; Stripe's API takes 255 characters."""


def lab_of(request: Request) -> Lab:
    """Give the lab that the application serves."""
    lab: Lab = request.app.state.lab
    return lab


def caller_of(request: Request) -> Caller:
    """Give who asks, as Authentication found."""
    caller: Caller = request.scope["lab.caller"]
    return caller


def once_of(request: Request, body: bytes = b"") -> Once:
    """Read the ``Idempotency-Key``, and what it stands for. Raises InvalidError."""
    path = str(request.scope["path"])
    query = request.scope["query_string"].decode("latin-1")
    key = key_of(request)
    if key is None:
        return Once(None, "")
    return Once(key, digest_of_request(request.method, f"{path}?{query}", body))


def key_of(request: Request) -> str | None:
    """Read the one ``Idempotency-Key``; None when there is none."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not re.fullmatch(IDEMPOTENCY_KEY, given[0]):
        where, fix = "header Idempotency-Key", "take a UUID"
        law = "one header of 1 to 255 visible ASCII characters"
        got = repr(given[0][:60]) if len(given) == 1 else f"{len(given)} headers"
        raise InvalidError(where, law, got, fix, (Finding(where, law, f"got {got}", fix),))
    return given[0]
