"""An instant is integer milliseconds since 1970 UTC; only its rendering knows a calendar."""

from __future__ import annotations

from datetime import UTC, datetime

Instant = int
"""Milliseconds since 1970-01-01T00:00:00Z."""


def rfc3339(instant: Instant) -> str:
    """Render with milliseconds and ``Z``: ``2026-01-02T03:04:05.678Z``. Source: RFC 3339."""
    moment = datetime.fromtimestamp(instant // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{instant % 1000:03d}Z"
