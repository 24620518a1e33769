"""A float is written as Go's strconv writes it: the shortest digits that read back, or a precision.

Source: Go, strconv.FormatFloat.
"""

from __future__ import annotations

import math
from decimal import Decimal

_LEAST_EXPONENT = -4
_SHORTEST_EXPONENT = 6
"""'g' without a precision turns to exponents from here on.
Source: Go, strconv/ftoa.go, "use precision 6 for this decision"."""

_MANTISSA_BITS = 52
_LEAST_POWER = -1074


def format_float(value: float, form: str = "f", precision: int = -1) -> str:
    """Write the float; `form` is one of b e f g x, precision -1 the fewest digits needed.

    ``+Inf``, ``-Inf``, ``NaN`` are words; f is without an exponent, g is Go's %v.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if form in "bx":
        return _binary(value) if form == "b" else _hexadecimal(value, precision)
    if precision >= 0:
        return f"{value:.{precision}{form}}"
    sign, digits, exponent = _shortest(value)
    if form == "f" or (form == "g" and _LEAST_EXPONENT <= exponent < _SHORTEST_EXPONENT):
        return sign + _plain(digits, exponent)
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _shortest(value: float) -> tuple[str, str, int]:
    """Give the sign, the digits without zeros at the end, and the first one's power of ten."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    parts = Decimal(repr(abs(value))).as_tuple()
    digits = "".join(map(str, parts.digits)).lstrip("0")
    if not digits:
        return sign, "0", 0
    return sign, digits.rstrip("0"), int(parts.exponent) + len(digits) - 1


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


def _binary(value: float) -> str:
    """Write the mantissa as an integer, and the power of two that it is taken times."""
    fraction, exponent = math.frexp(value)
    shift = max(exponent - _MANTISSA_BITS - 1, _LEAST_POWER) if value else _LEAST_POWER
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    return f"{sign}{int(abs(math.ldexp(fraction, exponent - shift)))}p{shift:+d}"


def _hexadecimal(value: float, precision: int) -> str:
    """Write ``0x1.8p+01``: one bit before the point, the exponent in decimal digits."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        bits, exponent = 0, 0
    else:
        fraction, exponent = math.frexp(abs(value))
        bits, exponent = int(fraction * (1 << (_MANTISSA_BITS + 1))), exponent - 1
    if 0 <= precision < _MANTISSA_BITS // 4:
        kept = _MANTISSA_BITS - 4 * precision
        half, odd = 1 << (kept - 1), bits >> kept & 1
        bits = (bits + half - 1 + odd) >> kept << kept
        if bits >> (_MANTISSA_BITS + 1):
            bits, exponent = bits >> 1, exponent + 1
    whole, rest = bits >> _MANTISSA_BITS, bits & ((1 << _MANTISSA_BITS) - 1)
    digits = f"{rest:013x}"
    digits = digits.rstrip("0") if precision < 0 else digits.ljust(precision, "0")[:precision]
    point = f".{digits}" if digits else ""
    return f"{sign}0x{whole}{point}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
