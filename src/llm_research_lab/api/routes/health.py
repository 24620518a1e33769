"""``/healthz``: whether the process lives, may be used, and has started. No key is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer
from llm_research_lab.api.operations import operation
from llm_research_lab.api.routing import router_of
from llm_research_lab.api.schemas import Health

router = router_of("health")

_CHECKED = operation({200: Health, 503: Health})


@dataclass(slots=True)
class Readiness:
    """Why the process may not be used now: `ready` gives the reasons, none when it may.

    `started` is whether it ever could be.
    """

    ready: Callable[[], list[str]]
    started: bool = False

    def reasons(self) -> list[str]:
        """Ask again."""
        found = self.ready()
        self.started = self.started or not found
        return found


@router.get("/healthz/live", **operation({200: Health}))
async def live() -> Response:
    """Answer as long as the event loop turns."""
    return _health([])


@router.get("/healthz/ready", **_CHECKED)
async def ready(request: Request) -> Response:
    """Say whether requests may be sent here now, and if not, why."""
    return _health(_readiness(request).reasons())


@router.get("/healthz/startup", **_CHECKED)
async def startup(request: Request) -> Response:
    """Say whether the process was ever ready since its start."""
    found = _readiness(request)
    return _health([] if found.started else found.reasons())


def _readiness(request: Request) -> Readiness:
    found: Readiness = request.app.state.readiness
    return found


def _health(reasons: list[str]) -> Response:
    if reasons:
        return answer({"status": "unavailable", "reasons": reasons}, 503)
    return answer({"status": "ok", "reasons": []})
