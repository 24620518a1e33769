"""A number or a character means what Go says: ``0x1F``, ``1_000``, ``'a'``.

Source: Go's specification, "Integer literals", "Floating-point literals", "Rune literals";
text/template/parse/node.go (which numbers are integers too).
"""

from __future__ import annotations

import re

from llm_research_lab.templates.nodes import Number
from llm_research_lab.vocabulary.quoting import ESCAPE, unquote

_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*"
    r"|[1-9](?:_?[0-9])*)"
)
_DIGITS = r"[0-9](?:_?[0-9])*"
_FLOAT = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_HEX_FLOAT = re.compile(rf"[+-]?0[xX]_?(?:{_HEX}\.?(?:{_HEX})?|\.{_HEX})[pP][+-]?{_DIGITS}")
_INT64 = 1 << 63
_UINT64 = 1 << 64


def read_char(at: int, quoted: str) -> Number:
    """Read ``'a'`` as its code point. Raises ValueError."""
    value = unquote(quoted)
    escaped = ESCAPE.fullmatch(quoted[1:-1])
    if len(value) != 1 and escaped is None:
        raise ValueError(f"malformed character constant: {quoted}")
    code = _byte(escaped) if escaped else None
    code = ord(value) if code is None else code
    return Number(at, quoted, code, float(code), code)


def _byte(escaped: re.Match[str]) -> int | None:
    octal, byte, *_ = escaped.groups()
    if octal or byte:
        return int(octal, 8) if octal else int(byte, 16)
    return None


def read_number(at: int, text: str) -> Number:
    """Read a number. Raises ValueError with Go's words."""
    if _INTEGER.fullmatch(text):
        return _integer(at, text)
    if _FLOAT.fullmatch(text):
        real = float(text.replace("_", ""))
    elif _HEX_FLOAT.fullmatch(text):
        real = float.fromhex(text.replace("_", ""))
    else:
        raise ValueError(f'bad number syntax: "{text}"')
    if not set(text) & set(".eEpP"):
        raise ValueError(f'integer overflow: "{text}"')
    if abs(real) == float("inf"):
        raise ValueError(f'bad number syntax: "{text}"')
    whole = int(real) if abs(real) < _INT64 and real == int(real) else None
    return Number(at, text, whole, real, real)


def _integer(at: int, text: str) -> Number:
    digits = text.replace("_", "")
    unsigned = digits.lstrip("+-")
    octal = len(unsigned) > 1 and unsigned[0] == "0" and unsigned.isdecimal()
    value = int(unsigned, 8 if octal else 0) * (-1 if digits[0] == "-" else 1)
    if not -_INT64 <= value < _UINT64:
        raise ValueError(f'integer overflow: "{text}"')
    return Number(at, text, value, float(value), value)
