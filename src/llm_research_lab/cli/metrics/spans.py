"""Instants and spans as people type them: ``now``, ``-1h``, seconds since 1970, RFC 3339."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_research_lab.promql.values import Grid

POINTS = 240
"""Steps of a range whose step is not given: about what a chart shows."""

FAR_MS = 1 << 62
"""A hundred million years: further than any sample."""

NICE_MS = tuple(
    one * 1000
    for one in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
)


def instant(text: str, now_ms: int) -> int:
    """Read an instant in milliseconds; ``-1h`` is an hour before now. Raises InvalidError."""
    from llm_research_lab.api.prometheus import parameters
    from llm_research_lab.vocabulary.durations import parse_duration

    if text == "now":
        return now_ms
    if text.startswith("-") and not text[1:].replace(".", "").isdigit():
        return now_ms - parse_duration(text[1:])
    return parameters.instant("time", text)


def grid(at: str | None, start: str | None, end: str | None, step: str | None) -> Grid:
    """Read what a query is asked on: one instant, or a range when --from is given."""
    from llm_research_lab.promql.values import Grid
    from llm_research_lab.vocabulary import InvalidError
    from llm_research_lab.vocabulary.durations import parse_duration

    now_ms = time.time_ns() // 1_000_000
    if start is None:
        if end is not None or step is not None:
            raise InvalidError("--to, --step", "--from as well", "none", "give --from -1h, say")
        moment = instant(at or "now", now_ms)
        return Grid(moment, moment, 0)
    if at is not None:
        raise InvalidError("--at", "either --at or --from", "both", "leave one out")
    begin, until = instant(start, now_ms), instant(end or "now", now_ms)
    if until < begin:
        raise InvalidError("--to", "an instant that is not before --from", str(end), "swap them")
    step_ms = parse_duration(step) if step else fitting(until - begin)
    if step_ms <= 0:
        raise InvalidError("--step", "a positive step", str(step), "give --step 1m, say")
    return Grid(begin, until, step_ms)


def span(start: str, end: str) -> Grid:
    """Read a range alone; its step is the one that a chart would have. Raises InvalidError."""
    return grid(None, start, end, None)


def between(start: str | None, end: str | None) -> tuple[int, int]:
    """Read a span, both ends included; an end that is not given is further than any sample."""
    from llm_research_lab.vocabulary import InvalidError

    now_ms = time.time_ns() // 1_000_000
    begin = -FAR_MS if start is None else instant(start, now_ms)
    until = FAR_MS if end is None else instant(end, now_ms)
    if until < begin:
        raise InvalidError("--to", "an instant that is not before --from", str(end), "swap them")
    return begin, until


def fitting(length_ms: int) -> int:
    """Give the nicest step that keeps a range within `POINTS` steps."""
    return next((one for one in NICE_MS if length_ms // one <= POINTS), NICE_MS[-1])
