"""A number is written for a person, as Prometheus's template functions write it.

Source: Prometheus, docs/configuration/template_reference.md, "Numbers".
"""

from __future__ import annotations

import math
import re
from typing import Any

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import type_of
from llm_research_lab.vocabulary.floats import format_float
from llm_research_lab.vocabulary.quoting import quote

_ABOVE, _BELOW, _BINARY = "kMGTPEZY", "munpfazy", "kMGTPEZY"
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?[0-9]+|inf(?:inity)?)|nan",
    re.IGNORECASE,
)
_INT64 = 1 << 63


def number(value: Any) -> float:
    """Give the value as a float: a number, or a text that is one. Raises CallError."""
    if isinstance(value, str):
        return parse_float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallError(f"can't convert {type_of(value)} to float")
    return float(value)


def parse_float(text: str) -> float:
    """Read a float as Go's strconv.ParseFloat. Raises CallError with its words."""
    if not _NUMBER.fullmatch(text):
        raise CallError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    value = float.fromhex(text) if "x" in text.lower() else float(text)
    if math.isinf(value) and "i" not in text.lower():
        raise CallError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return value


def _four(value: float) -> str:
    return format_float(value, "g", 4)


def _scaled(value: float, step: float, prefixes: str) -> tuple[float, str]:
    """Divide by the step as often as it takes to come below it, and give the prefix."""
    prefix = ""
    for name in prefixes:
        if abs(value) < step:
            break
        prefix, value = name, value / step
    return value, prefix


def _raised(value: float) -> tuple[float, str]:
    """Multiply by a thousand as often as it takes to reach one, and give the prefix."""
    prefix = ""
    for name in _BELOW:
        if abs(value) >= 1:
            break
        prefix, value = name, value * 1000
    return value, prefix


def humanize(value: Any) -> str:
    """Write with a prefix of the metric system: ``1.234k``."""
    real = number(value)
    if real == 0 or not math.isfinite(real):
        return _four(real)
    scaled, prefix = _scaled(real, 1000, _ABOVE) if abs(real) >= 1 else _raised(real)
    return _four(scaled) + prefix


def humanize1024(value: Any) -> str:
    """Write with a binary prefix: ``1.234ki``."""
    real = number(value)
    if abs(real) <= 1 or not math.isfinite(real):
        return _four(real)
    scaled, prefix = _scaled(real, 1024, _BINARY)
    return _four(scaled) + (f"{prefix}i" if prefix else "")


def humanize_duration(value: Any) -> str:
    """Write seconds as ``1d 2h 3m 4s``, or with a prefix below one."""
    real = number(value)
    if not math.isfinite(real):
        return _four(real)
    if real == 0:
        return _four(real) + "s"
    if abs(real) < 1:
        scaled, prefix = _raised(real)
        return f"{_four(scaled)}{prefix}s"
    sign, real = ("-", -real) if real < 0 else ("", real)
    whole = int(real) if real < _INT64 else -_INT64
    if whole < 0:  # What amd64 makes of a float that is no int64; Go divides towards nought.
        return sign + _parts(whole)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{sign}{_four(real)}s"
    return sign + _parts(whole)


def _parts(whole: int) -> str:
    flip = -1 if whole < 0 else 1
    whole = abs(whole)
    units = (
        (whole // 86_400, "d"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "m"),
        (whole % 60, "s"),
    )
    first = next(at for at, (count, _) in enumerate(units) if count)
    return " ".join(f"{flip * count}{unit}" for count, unit in units[first:])


def humanize_percentage(value: Any) -> str:
    """Write a ratio as per cent."""
    return _four(number(value) * 100) + "%"


def nanos_of(seconds: float) -> int:
    """Give a time's nanoseconds, in whole milliseconds. Raises CallError where Go has none."""
    nanos = seconds * 1e9
    if nanos >= _INT64 or nanos < -_INT64:
        message = f"{format_float(seconds, 'g')} cannot be represented as a nanoseconds timestamp"
        raise CallError(f"{message} since it overflows int64")
    whole = int(nanos)
    millis = abs(whole) // 1_000_000 * (1 if whole >= 0 else -1)
    return millis * 1_000_000
