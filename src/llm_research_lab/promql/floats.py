"""A float as Go's strconv writes it: the shortest digits that read back as the same float.

Source: Go, strconv.FormatFloat with precision -1.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

_LEAST_EXPONENT, _MOST_EXPONENT = -4, 6
"""'g' with the shortest precision turns to exponents below and from here on.
Source: Go, strconv/ftoa.go, "use precision 6 for this decision"."""


def format_float(value: float, form: Literal["f", "g", "e"] = "f") -> str:
    """Write ``+Inf``, ``-Inf``, ``NaN`` or digits: `form` f without exponents, g as Go's %v."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = _shortest(value)
    if form == "f":
        return sign + _plain(digits, exponent)
    if form == "g" and _LEAST_EXPONENT <= exponent < _MOST_EXPONENT:
        return sign + _plain(digits, exponent)
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def format_open_metrics(value: float) -> str:
    """Write a label's float: as ``g``, and ``.0`` after what would look like a whole number.

    Source: Prometheus, model/labels/float.go, FormatOpenMetricsFloat.
    """
    text = format_float(value, "g")
    return text if not math.isfinite(value) or set(text) & set(".e") else f"{text}.0"


def _shortest(value: float) -> tuple[str, str, int]:
    """Give the sign, the digits without zeros at the end, and the first one's power of ten."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    parts = Decimal(repr(abs(value))).as_tuple()
    digits = "".join(map(str, parts.digits)).lstrip("0")
    if not digits:
        return sign, "0", 0
    exponent = int(parts.exponent) + len(digits) - 1
    return sign, digits.rstrip("0"), exponent


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole
