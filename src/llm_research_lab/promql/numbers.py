"""A number is printed in the fewest digits that read back as it.

Source: Go, strconv.FormatFloat.
"""

from __future__ import annotations

import math
from decimal import Decimal

_LEAST_EXPONENT = -4
_MOST_EXPONENT = 21


def print_number(value: float) -> str:
    """Write without an exponent, as Prometheus prints a literal: ``0.5``, ``1000000``, ``+Inf``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = f"{Decimal(repr(value)):f}"
    return text.removesuffix(".0")


def print_short(value: float) -> str:
    """Write as Go's ``%v``: with an exponent below 1e-4 and from 1e21 on."""
    if not math.isfinite(value) or value == 0:
        return print_number(value)
    exponent = Decimal(repr(value)).adjusted()
    if _LEAST_EXPONENT <= exponent < _MOST_EXPONENT:
        return print_number(value)
    digits = "".join(map(str, Decimal(repr(value)).as_tuple().digits)).rstrip("0")
    sign = "-" if value < 0 else ""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
