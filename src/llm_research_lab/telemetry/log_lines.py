"""A log line is counted under its level, whoever wrote it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_research_lab.telemetry.instruments import Instruments

_LEVELS = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (logging.NOTSET, "debug"),
)
"""The least number of each of the spec's words."""


class LineCounter(logging.Handler):
    """Stands beside the handler that writes; `service` is the name that its lines carry."""

    def __init__(self, instruments: Instruments, service: str) -> None:
        super().__init__()
        self._lines = instruments.counter("log_lines_total")
        self._service = service

    def emit(self, record: logging.LogRecord) -> None:
        """Count the line."""
        word = next(word for least, word in _LEVELS if record.levelno >= least)
        self._lines[word, self._service].inc()
