"""Parameters are read as Prometheus reads them: instants and lengths, as numbers or as text.

Source: prometheus/prometheus, web/api/v1/api.go (parseTime, parseDuration), docs/querying/api.md.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llm_research_lab.promql import parse
from llm_research_lab.promql.nodes import Selector
from llm_research_lab.promql.values import Grid
from llm_research_lab.vocabulary import InvalidError, LabError
from llm_research_lab.vocabulary.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llm_research_lab.vocabulary import Instant
    from llm_research_lab.vocabulary.matchers import Matcher

POINTS = 11_000
"""Most points of a range query per series. Source: web/api/v1/api.go."""

EARLIEST, LATEST = -(1 << 62), 1 << 62
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_SECONDS_MOST = 9_223_372_036_854_775


def bad(name: str, expected: str, got: str) -> InvalidError:
    """A parameter that cannot be read."""
    fix = "see Prometheus's HTTP API, which this is"
    return InvalidError(f'invalid parameter "{name}"', expected, got, fix)


def instant(name: str, text: str) -> Instant:
    """Read an instant in milliseconds. Raises InvalidError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and abs(seconds) <= _SECONDS_MOST:
        return round(seconds * 1000)
    if _RFC3339.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.upper())
        except ValueError:
            moment = None
        if moment is not None:
            return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    raise bad(name, "seconds since 1970 or RFC 3339", repr(text[:60]))


def length(name: str, text: str) -> int:
    """Read a duration in milliseconds. Raises InvalidError."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            return parse_duration(text)
        except LabError as error:
            raise bad(name, "seconds or a duration such as 5m", repr(text[:60])) from error
    if not math.isfinite(seconds) or abs(seconds) > _SECONDS_MOST:
        raise bad(name, "a duration that 64 bits hold", repr(text[:60]))
    return int(seconds * 1000)


def one(given: Mapping[str, Sequence[str]], name: str) -> str:
    """Give the first value of the parameter, ``""`` without one."""
    values = given.get(name, ())
    return values[0] if values else ""


def grid(given: Mapping[str, Sequence[str]]) -> Grid:
    """Read start, end and step of a range query. Raises InvalidError."""
    start, end = instant("start", one(given, "start")), instant("end", one(given, "end"))
    if end < start:
        raise bad("end", "an end that is not before the start", one(given, "end"))
    step = length("step", one(given, "step"))
    if step <= 0:
        raise bad("step", "a positive step", one(given, "step"))
    if (end - start) // step > POINTS:
        raise bad("step", f"at most {POINTS:,} points per series", str((end - start) // step))
    return Grid(start, end, step)


def span(given: Mapping[str, Sequence[str]]) -> tuple[Instant, Instant]:
    """Read an optional start and end; open ends reach over all time."""
    start, end = one(given, "start"), one(given, "end")
    return (
        instant("start", start) if start else EARLIEST,
        instant("end", end) if end else LATEST,
    )


def selectors(given: Mapping[str, Sequence[str]]) -> list[tuple[Matcher, ...]]:
    """Read each ``match[]``. Raises InvalidError."""
    found = []
    for text in given.get("match[]", ()):
        expr = parse(text)
        if not isinstance(expr, Selector) or expr.offset or expr.at:
            raise bad("match[]", "a series selector", repr(text[:60]))
        found.append(expr.matchers)
    return found
