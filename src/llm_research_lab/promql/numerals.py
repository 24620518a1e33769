"""A numeral means what Go says: ``1_000``, ``010`` is eight, ``0x1F``, ``0x1p-2``, ``Inf``.

Source: Go, strconv.ParseInt with base 0, then strconv.ParseFloat; Prometheus, promql/parser.
"""

from __future__ import annotations

import math
import re

from llm_research_lab.promql.cursor import Cursor
from llm_research_lab.promql.lexing import Token
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.durations import parse_duration

_OCTAL = re.compile(r"0_?[0-7]+(?:_[0-7]+)*")
_INTEGER = re.compile(r"0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*")
_LARGEST = (1 << 63) - 1


def is_numeral(token: Token) -> bool:
    """Whether the token is a number or a duration."""
    return token.kind in {"number", "duration"}


def seconds(cursor: Cursor, token: Token) -> float:
    """Give a numeral's value, a duration's in seconds."""
    if token.kind == "number":
        return number(cursor, token)
    try:
        return parse_duration(token.value) / 1000
    except InvalidError as error:
        raise cursor.refuse(token.start, error.expected, error.got, error.fix) from None


def number(cursor: Cursor, token: Token) -> float:
    """Give a number token's value."""
    text = token.value
    if _OCTAL.fullmatch(text) and (value := int(text.replace("_", ""), 8)) <= _LARGEST:
        return float(value)
    if text[:2] not in {"0x", "0X"}:
        return float(text)  # inf and nan among them; more than a float holds is Inf
    return _hexadecimal(cursor, token)


def _hexadecimal(cursor: Cursor, token: Token) -> float:
    text = token.value.replace("_", "")
    if _INTEGER.fullmatch(token.value) and (value := int(text, 16)) <= _LARGEST:
        return float(value)
    if "p" not in text.lower():
        raise cursor.refuse(
            token.start,
            "a hexadecimal number of at most 63 bits, or with an exponent",
            token.value,
            "write 0x1p64, or a decimal number",
        )
    try:
        return float.fromhex(text)
    except OverflowError:
        return math.inf
