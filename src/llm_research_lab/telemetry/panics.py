"""An exception that ends a thread, a task or the process is counted before it is shown."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import TracebackType

    from llm_research_lab.telemetry.instruments import Instruments


class Panics:
    """Stands before the hooks of the interpreter; what they did before, they do still."""

    def __init__(self, instruments: Instruments) -> None:
        self._total = instruments.counter("panic_total")[()]
        self._process_hook: Callable[..., Any] = sys.excepthook
        self._thread_hook: Callable[..., Any] = threading.excepthook

    def watch(self) -> None:
        """Count from now on."""
        sys.excepthook = self._of_process
        threading.excepthook = self._of_thread

    def close(self) -> None:
        """Put the hooks back."""
        sys.excepthook = self._process_hook
        threading.excepthook = self._thread_hook

    def watch_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count what ends a task of this loop and is never asked for."""
        loop.set_exception_handler(self._of_task)

    def _of_process(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            self._total.inc()
        self._process_hook(kind, error, trace)

    def _of_thread(self, told: threading.ExceptHookArgs) -> None:
        if not issubclass(told.exc_type, SystemExit):
            self._total.inc()
        self._thread_hook(told)

    def _of_task(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), Exception):
            self._total.inc()
        loop.default_exception_handler(context)
