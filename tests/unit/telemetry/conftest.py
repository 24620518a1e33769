"""A log of this process that tests read, and that is gone after each."""

from __future__ import annotations

import io
import json
import logging

import pytest

from llm_research_lab.telemetry import events, logs


class Log(io.StringIO):
    """Where lines go, and what they say."""

    def configure(self, level="info", **more):
        return logs.configure("llm-research-lab-api", level, self, **more)

    @property
    def lines(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Log()
    logs.close()
    events.on_refused(None)
    root.handlers[:] = handlers
    root.setLevel(level)
