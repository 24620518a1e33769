"""A duration is integer milliseconds; its text is Prometheus's: ``1h30m``, largest unit first.

Source: github.com/prometheus/common, model/time.go (units y w d h m s ms, each at most once).
"""

from __future__ import annotations

import re

from llm_research_lab.vocabulary.errors import InvalidError

UNITS: tuple[tuple[str, int], ...] = (
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)

LONGEST_MS = (1 << 63) // 1_000_000
"""Go's time.Duration is 64 bits of nanoseconds."""

_TEXT = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit, _ in UNITS))
_UNITLESS_OF_YEARS = frozenset({"y", "w", "d"})


def parse_duration(text: str) -> int:
    """Read ``1h30m`` as milliseconds; ``0`` alone needs no unit. Raises InvalidError."""
    found = _TEXT.fullmatch(text)
    if text == "0":
        return 0
    if not text or found is None:
        raise InvalidError(
            "duration", "a duration such as 1h30m, 5m, 15s or 100ms", repr(text), "write it so"
        )
    total = sum(
        int(number) * size
        for number, (_, size) in zip(found.groups(), UNITS, strict=True)
        if number
    )
    if total > LONGEST_MS:
        raise InvalidError("duration", "at most 292 years", repr(text), "shorten it")
    return total


def format_duration(duration_ms: int) -> str:
    """Write milliseconds as Prometheus prints them: ``1h30m``, ``0s``; y, w, d only when whole."""
    if duration_ms == 0:
        return "0s"
    sign, rest = ("-", -duration_ms) if duration_ms < 0 else ("", duration_ms)
    parts = []
    for unit, size in UNITS:
        if unit in _UNITLESS_OF_YEARS and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts)
