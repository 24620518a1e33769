"""A log line with full context to a pipe, beside json.dumps and a write of the same line.

Another process reads the pipe. Both ways take turns, and the best of their rounds counts: the
machine's noise only adds. Plain structlog writes the same fields through its own processors.
"""  # noqa: A005 - a name within bench alone

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TextIO

import structlog

from bench.table import Row, verdict
from llm_research_lab.telemetry import context, events, logs
from llm_research_lab.telemetry.tracing import Tracer

LINES, ROUNDS, GOAL = 5_000, 12, 2.5
FIELDS = {
    "method": "GET",
    "path": "/v1/experiments/{id}/results",
    "status": 200,
    "duration_ms": 3.521,
    "user_agent": "python-httpx/0.28.1",
}


def measure() -> list[Row]:
    with subprocess.Popen(
        [sys.executable, "-c", "import os\nwhile os.read(0, 1 << 20): pass"], stdin=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        with os.fdopen(os.dup(reader.stdin.fileno()), "w") as stream:
            took = _measured(stream)
        reader.stdin.close()
    ours, plain, bound = took["ours"], took["json.dumps"], took["structlog"]
    return [
        Row(
            "A log line with full context (ids, trace, file, line, thread; checked against its "
            "declaration, masked), to a pipe",
            f"{GOAL} x json.dumps + write",
            f"{ours / plain:.2f} x ({ours:.1f} µs)",
            verdict(ours <= GOAL * plain),
            f"json.dumps + write {plain:.1f} µs; plain structlog, the same fields but those of "
            f"the trace, {bound / plain:.2f} x",
        )
    ]


def _measured(stream: TextIO) -> dict[str, float]:
    out = logs.configure("llm-research-lab-api", "info", stream)
    work = context.begin(
        request_id="5f0c" * 8,
        user_id="ann",
        session_id="key_01JF2Q00000000000000000000",
        experiment_id="exp_01JF2Q00000000000000000000",
    )
    try:
        with Tracer().root("http_request", {}):
            line = events.made("api.request", **FIELDS)
            assert line is not None
            whole = {"timestamp": "2026-01-01T00:00:00.000000Z", **line}
            return _best(
                {
                    "ours": lambda: events.emit("api.request", **FIELDS),
                    "json.dumps": lambda: _dumped(stream, whole),
                    "structlog": _plain(stream),
                },
                out.flush,
            )
    finally:
        assert out.lost == 0
        context.end(work)
        logs.close()


def _dumped(stream: TextIO, line: dict[str, object]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()


def _plain(stream: TextIO) -> Callable[[], object]:
    """structlog as its own guide has it for JSON lines."""
    parameters = (
        structlog.processors.CallsiteParameter.PATHNAME,
        structlog.processors.CallsiteParameter.LINENO,
        structlog.processors.CallsiteParameter.THREAD_NAME,
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.CallsiteParameterAdder(parameters),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        context_class=dict,
    ).bind(service="llm-research-lab-api", version="0.1.0", environment="development")
    structlog.contextvars.bind_contextvars(**context.ids())
    return lambda: logger.info("api.request", message="API request completed", **FIELDS)


def _best(ways: dict[str, Callable[[], object]], flush: Callable[[], None]) -> dict[str, float]:
    """Microseconds a call."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(LINES):
                way()
            flush()  # what waits to be written is written within the time
            best[name] = min(best[name], (time.perf_counter() - started) / LINES * 1e6)
    return best
