"""A duration prints, and is taken apart, as Go's time.Duration is: ``1h2m3.5s``.

Source: Go, package time (Duration.String).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import Function, Record
from llm_research_lab.vocabulary.floats import format_float

_INT64 = 1 << 63
_SECOND = 1_000_000_000


def duration_record(seconds: float) -> Record:
    """Give the seconds as templates see a duration. Raises CallError where Go has none."""
    if not math.isfinite(seconds):
        raise CallError("value is NaN or Inf")
    if not -_INT64 <= seconds * 1e9 < _INT64:
        said = format_float(seconds, "g")
        raise CallError(
            f"{said} cannot be represented as a nanoseconds duration since it overflows int64"
        )
    duration = Duration(int(seconds * 1e9))
    return Record("*time.Duration", {}, duration.methods, duration.text)


class Duration(int):
    """Nanoseconds that print as a length of time."""

    go_type = "time.Duration"

    @classmethod
    def within(cls, nanos: int) -> Duration:
        """Give the longest one where these are too many nanoseconds, as Go does."""
        return cls(max(-_INT64, min(nanos, _INT64 - 1)))

    @property
    def text(self) -> str:
        """What it prints as."""
        return format_duration(int(self))

    @property
    def seconds(self) -> float:
        """The seconds, with what Go loses of them."""
        whole = _towards_nought(self, _SECOND)
        return whole + (self - whole * _SECOND) / 1e9

    @property
    def methods(self) -> Mapping[str, Function]:
        """What a template may ask of it."""
        nanos, text = int(self), self.text
        return {
            "Hours": Function(lambda: nanos / (3600 * _SECOND)),
            "Minutes": Function(lambda: nanos / (60 * _SECOND)),
            "Seconds": Function(lambda: nanos / _SECOND),
            "Milliseconds": Function(lambda: _towards_nought(nanos, 1_000_000)),
            "Microseconds": Function(lambda: _towards_nought(nanos, 1_000)),
            "Nanoseconds": Function(lambda: nanos),
            "String": Function(lambda: text),
        }


def _towards_nought(number: int, size: int) -> int:
    return abs(number) // size * (-1 if number < 0 else 1)


def format_duration(nanos: int) -> str:
    """Write the nanoseconds with units, hours the largest; below a second in one small unit."""
    sign, rest = ("-", -nanos) if nanos < 0 else ("", nanos)
    if rest == 0:
        return "0s"
    if rest < _SECOND:
        size, unit = next(
            (size, unit) for size, unit in ((10**6, "ms"), (10**3, "µs"), (1, "ns")) if rest >= size
        )
        return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(number: int, size: int) -> str:
    whole, rest = divmod(number, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if rest else str(whole)
