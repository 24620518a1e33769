"""A request is read within its bounds, and its work ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from llm_research_lab.api.prometheus.parameters import bad
from llm_research_lab.vocabulary import TooLargeError

if TYPE_CHECKING:
    from starlette.requests import Request

    from llm_research_lab.commands.metrics.engine import Cancelling

BODY_BYTES = 32 << 20
"""Longest request: Prometheus sends at most 2,000 samples of remote write at a time."""

FIELDS = 10_000
"""Most fields of a form: a dashboard that asks by many selectors sends some hundreds."""

Given = dict[str, list[str]]


async def given_of(request: Request) -> Given:
    """Read parameters from the address and, posted, from the form."""
    given = parse_qs(request.url.query, keep_blank_values=True)
    if request.method == "POST":
        body = (await body_of(request)).decode("utf-8", errors="replace")
        try:
            posted = parse_qs(body, keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError:
            raise bad("body", f"a form of at most {FIELDS:,} fields", "another") from None
        for name, values in posted.items():
            given.setdefault(name, []).extend(values)
    return given


async def body_of(request: Request) -> bytes:
    """Read the body within its bound. Raises TooLargeError."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) > BODY_BYTES:
            raise TooLargeError(
                "body", f"at most {BODY_BYTES:,} bytes", "more", "send smaller requests"
            )
    return bytes(gathered)


async def while_wanted(request: Request, work: Any, cancelling: Cancelling) -> Any:
    """Wait for the work; when the client leaves, tell it to end."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        cancelling.asked = not task.done()
        return await task
    finally:
        cancelling.asked = True
        gone.cancel()


async def _gone(request: Request) -> None:
    """Return when the client has left. The body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
