"""A provider's wish to wait is read in each form that providers write it, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

LONGEST_MS = 86_400_000
"""A day: a longer wish is cut to it, so that no number overflows what keeps it."""


def retry_after_ms(headers: Mapping[str, str], now: datetime) -> int | None:
    """Milliseconds from ``retry-after-ms``, else ``Retry-After`` in seconds or as a date.

    A date is counted from the answer's own ``Date``, so that a wrong clock here does not matter,
    else from `now`; one that has passed is 0. What is none of these forms is None. Names of
    headers are in small letters.

    Source: RFC 9110, sections 10.2.3 and 5.6.7; OpenAI's Python SDK, ``_parse_retry_after_header``.
    """
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return _bounded(exact)
    written = headers.get("retry-after")
    seconds = _number(written)
    if seconds is not None:
        return _bounded(seconds * 1000)
    moment = _moment(written)
    if moment is None:
        return None
    start = _moment(headers.get("date")) or now
    return _bounded((moment - start).total_seconds() * 1000)


def _number(written: str | None) -> float | None:
    """A finite number that is not below 0."""
    try:
        value = float(written or "")
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0 else None


def _moment(written: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _bounded(milliseconds: float) -> int:
    return int(min(max(milliseconds, 0), LONGEST_MS))
