"""Kept spans leave on a thread of their own: no request waits for a disk or a network."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.events import emit

if TYPE_CHECKING:
    from llm_research_lab.telemetry.spans import Span

QUEUE_MOST = 20_000
"""Spans that may wait: some twenty megabytes. Further ones are lost, and counted."""

BATCH = 512
"""Spans of one sending. Source: OpenTelemetry's specification, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`."""

QUIET_SECONDS = 300.0
"""Between two lines of the log about what is lost; the metric counts all of it."""


class Shipper:
    """A bounded queue and the thread that empties it with `send`.

    `send` gives how many of the spans it lost; an exception of it loses all of them. `idle` is
    called whenever nothing came for `idle_seconds`.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[Sequence[Span]], int],
        lost: Callable[[int], None],
        *,
        linger_seconds: float = 0.1,
        idle: Callable[[], None] = lambda: None,
        idle_seconds: float = 60.0,
        closing_seconds: float = 2.0,
        queue_most: int = QUEUE_MOST,
    ) -> None:
        self._send = send
        self._lost = lost
        self._linger_seconds = linger_seconds
        self._idle = idle
        self._idle_seconds = idle_seconds
        self._closing_seconds = closing_seconds
        self._queue_most = queue_most
        self._queue: deque[Span] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._said = -QUIET_SECONDS
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def put(self, spans: Sequence[Span]) -> None:
        """Queue the spans; those beyond the bound are lost."""
        room = self._queue_most - len(self._queue)
        if len(spans) > room or self._closing.is_set():
            taken = 0 if self._closing.is_set() else max(0, room)
            self._lost(len(spans) - taken)
            spans = spans[:taken]
        self._queue.extend(spans)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Send what waits, for so long; the rest is lost. A second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        self._thread.join(self._closing_seconds)
        if self._queue:
            self._lost(len(self._queue))

    def _serve(self) -> None:
        while self._queue or not self._closing.is_set():
            if not self._wake.wait(self._idle_seconds):
                self._tried(self._idle)
                continue
            self._closing.wait(self._linger_seconds)  # more comes together
            self._wake.clear()
            while self._queue:
                most = min(BATCH, len(self._queue))
                self._ship([self._queue.popleft() for _ in range(most)])

    def _ship(self, spans: Sequence[Span]) -> None:
        try:
            lost = self._send(spans)
        except Exception as error:  # noqa: BLE001 - counted, said, and the next batch is tried
            lost = len(spans)
            self._say(error)
        if lost:
            self._lost(lost)

    def _tried(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - said; the next turn tries again
            self._say(error)

    def _say(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            emit("telemetry.spans_lost", sender=self._thread.name, why=str(error))
