"""An answer is written as it is: the commands' own JSON, without a second check."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from llm_research_lab.commands.once import Made

JSON = "application/json"


def answer(value: Any, status: int = 200) -> Response:
    """Write a value of plain JSON."""
    return Response(orjson.dumps(value), status, media_type=JSON)


def made(done: Made) -> Response:
    """Write what a command made, or had made before."""
    return Response(done.body, done.status, media_type=JSON)
