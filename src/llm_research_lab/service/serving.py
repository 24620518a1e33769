"""An HTTP server of ours says when it serves, and ends with status 0 when asked to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from llm_research_lab.telemetry.loop_lag import watch_loop

if TYPE_CHECKING:
    from llm_research_lab.service.standing import Standing

KEEP_ALIVE_SECONDS = 75
"""An idle connection is kept so long. Source: nginx's keepalive_timeout."""


class Server(uvicorn.Server):
    """uvicorn's server, which says when it serves, and ends with status 0 when asked to stop."""

    def __init__(self, config: uvicorn.Config, here: Standing, began: Callable[[], None]) -> None:
        super().__init__(config)
        self._here = here
        self._began = began
        self._watch: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        self._here.measures.panics.watch_loop(loop)
        self._watch = loop.create_task(watch_loop(self._here.lab.instruments), name="loop lag")
        self._began()
        self._here.stop.on(self._end)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; what watched the loop until then ends with it."""
        await super().shutdown(sockets)
        if self._watch is not None:
            self._watch.cancel()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `Stop`: uvicorn would raise them again after the drain."""
        yield

    def _end(self) -> None:
        self.should_exit = True
