"""An exception that ends a thread, a task or the process is counted, and a line of the log."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.logs import output

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import TracebackType

    from llm_research_lab.telemetry.instruments import Instruments


class Panics:
    """Stands before the hooks of the interpreter, which show what the log would not take.

    What goes into the log is masked; what the interpreter shows by itself is not.
    """

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
        if not isinstance(error, Exception) or not self._said("process", error):
            self._process_hook(kind, error, trace)

    def _of_thread(self, told: threading.ExceptHookArgs) -> None:
        error = told.exc_value
        if not isinstance(error, Exception) or not self._said("thread", error):
            self._thread_hook(told)

    def _of_task(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Exception) or not self._said("task", error):
            loop.default_exception_handler(context)

    def _said(self, where: str, error: Exception) -> bool:
        """Count it and log it; False when this process has no log."""
        self._total.inc()
        emit("process.panic", where=where, exception=error)
        return output() is not None
