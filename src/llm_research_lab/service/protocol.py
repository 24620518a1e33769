"""A head of a request is bounded before it is whole: in bytes, and in the time it may take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from llm_research_lab.telemetry.requests import RequestInstruments

HEAD_BYTES = 64 << 10
"""Twice what `Limits` takes of a whole head, which answers with a better word."""

HEAD_SECONDS = 20.0
"""From the connection, or from the first byte of a next request, to the end of its head.

Source: Apache's mod_reqtimeout, default ``header=20-40``.
"""


class Protocol(HttpToolsProtocol):
    """uvicorn's, which takes heads without end and waits for them without end.

    What it refuses because it is no HTTP, or has a method that HTTP does not know, no application
    sees: `requests` counts it.
    """

    _head_bytes = 0
    _head_open = True
    _deadline: asyncio.TimerHandle | None = None
    _began = 0.0

    def __init__(
        self, *given: Any, requests: RequestInstruments | None = None, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._requests = requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._open_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._close_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes while a head is open."""
        if self._head_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_open and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request head too long.")

    def on_message_begin(self) -> None:
        """Open the head of a next request."""
        if not self._head_open:
            self._open_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Let the head be: it is whole."""
        self._close_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and count it as one."""
        super().send_400_response(msg)
        if self._requests is not None:
            self._requests.refused(self.loop.time() - self._began)

    def _open_head(self) -> None:
        self._began = self.loop.time()
        self._head_open, self._head_bytes = True, 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _close_head(self) -> None:
        self._head_open = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
