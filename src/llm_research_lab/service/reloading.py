"""SIGHUP has the log's levels read again; from a terminal that is gone, it asks for the end."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from llm_research_lab.service.settings import read_settings
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.logs import set_levels
from llm_research_lab.vocabulary import LabError


class Reload:
    """Listens until the process ends. `ask_end` is called in the signal's handler."""

    def __init__(
        self, data_dir: Path, ask_end: Callable[[], object], then: Callable[[], None] | None = None
    ) -> None:
        self._data_dir = data_dir
        self._ask_end = ask_end
        self._then = then
        self._asked: SimpleQueue[None] = SimpleQueue()  # its put may interrupt itself
        self._terminal = _has_terminal()

    def listen(self) -> None:
        """Take SIGHUP for the asking. Main thread only."""
        threading.Thread(target=self._serve, name="reload", daemon=True).start()
        signal.signal(signal.SIGHUP, self._hear)

    def _hear(self, *_: object) -> None:
        if self._terminal and not _has_terminal():
            self._ask_end()
        else:
            self._asked.put(None)

    def _serve(self) -> None:
        while True:
            self._asked.get()
            self._reload()
            if self._then is not None:
                self._then()

    def _reload(self) -> None:
        """Take the levels of the settings as they are now; settings that are wrong change nothing.

        Other settings are read by the next start.
        """
        try:
            settings = read_settings({"data_dir": self._data_dir})
        except LabError as error:
            emit("process.reload_refused", why=str(error))
            return
        set_levels(settings.log_level, settings.log_levels)
        emit("process.reloaded", log_level=settings.log_level, log_levels={**settings.log_levels})


def _has_terminal() -> bool:
    """Whether somebody's terminal is there: a hung-up one answers no more."""
    return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
