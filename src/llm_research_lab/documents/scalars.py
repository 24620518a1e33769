"""A plain YAML scalar is null, a boolean, a number that every JSON reader keeps, or text."""

from __future__ import annotations

import re
from math import isfinite

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUES = frozenset({"true", "True", "TRUE"})
FALSES = frozenset({"false", "False", "FALSE"})
INTEGER_LIMIT = 2**63
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o([0-7]+)|0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DIGITS = 20

Scalar = str | int | float | bool | None


def resolved(text: str) -> tuple[Scalar, str | None]:
    """The value and None, or None and what is wrong with the number.

    Integers fit 64 bits with a sign and floats are finite; ``.inf`` and ``.nan`` are text here,
    since JSON has neither. Source: YAML 1.2.2, 10.3.2 (core schema).
    """
    if text in NULLS:
        return None, None
    if text in TRUES or text in FALSES:
        return text in TRUES, None
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    other = _OTHER_BASE.fullmatch(text)
    if other:
        return _integer(other[1] or other[2], 8 if other[1] else 16)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return (value, None) if isfinite(value) else (None, "the number is too large")
    return text, None


def _integer(digits: str, base: int) -> tuple[Scalar, str | None]:
    """Read at most 64 bits; leading zeros do not count."""
    short = digits.lstrip("+-0") or "0"
    value = int(short, base) if len(short) <= _DIGITS + 2 else INTEGER_LIMIT
    if value >= INTEGER_LIMIT:
        return None, "the whole number has more than 64 bits"
    return (-value if digits.startswith("-") else value), None
