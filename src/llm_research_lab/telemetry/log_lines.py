"""A log line is counted under its level, whoever wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_research_lab.telemetry.instruments import Instruments


class LineCounter:
    """Hears the level of each line that is written; `service` is the name that the lines carry."""

    def __init__(self, instruments: Instruments, service: str) -> None:
        self._lines = instruments.counter("log_lines_total")
        self._service = service

    def count(self, level: str) -> None:
        """Count a line."""
        self._lines[level, self._service].inc()
