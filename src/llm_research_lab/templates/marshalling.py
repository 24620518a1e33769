"""A value is written as JSON as Go's encoding/json writes it: keys sorted, HTML's signs escaped.

Source: Go, encoding/json (Marshal; strings, floats, structs by their tags, time.Time).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import Function, Record, is_sequence, sorted_items, type_of
from llm_research_lab.vocabulary.floats import format_float

_DEEPEST = 50
_SPECIAL = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SHORT |= {"\b": "\\b", "\f": "\\f"}
"""The last two since Go 1.22."""
_LEAST, _MOST = 1e-6, 1e21
"""Floats outside have an exponent. Source: Go, encoding/json/encode.go, floatEncoder (ES6)."""


def marshal(value: Any, depth: int = 0) -> str:
    """Write the value as JSON. Raises CallError for what JSON has not."""
    if depth > _DEEPEST:
        raise CallError("json: value is nested too deeply")
    own = getattr(value, "json", None)
    if own is not None:
        return str(own)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    return _holder(value, depth + 1)


def _holder(value: Any, depth: int) -> str:
    if isinstance(value, Function):
        raise CallError(f"json: unsupported type: {type_of(value)}")
    if isinstance(value, Record):
        tags = value.tags
        pairs = [(tags.get(name, name), one) for name, one in value.fields.items()]
    elif isinstance(value, Mapping):
        pairs = sorted_items(value)
    elif is_sequence(value):
        return f"[{','.join(marshal(one, depth) for one in value)}]"
    else:
        raise CallError(f"json: unsupported type: {type_of(value)}")
    return f"{{{','.join(f'{_text(name)}:{marshal(one, depth)}' for name, one in pairs)}}}"


def _text(text: str) -> str:
    return f'"{_SPECIAL.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    if "\ud800" <= char <= "\udfff":
        return "\\ufffd"
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise CallError(f"json: unsupported value: {format_float(value, 'g')}")
    size = abs(value)
    if size and not _LEAST <= size < _MOST:
        digits, _, exponent = format_float(value, "e").partition("e")
        sign, number = exponent[0], exponent[1:]
        # One nought goes: e-09 is e-9.
        shorter = number.removeprefix("0") if sign == "-" else number
        return f"{digits}e{sign}{shorter}"
    return format_float(value, "f")
