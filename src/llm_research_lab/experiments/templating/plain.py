"""A value is written the plain way: text as it is, null as nothing, all else as JSON."""

from __future__ import annotations

import math
from typing import Any

import orjson
from jinja2 import Undefined
from jinja2.exceptions import SecurityError

PLAIN = (str, int, float, bool, type(None), list, tuple, dict)


def text(value: Any) -> str:
    """Write ``3`` as 3, ``1.5`` as 1.5, ``True`` as true, ``None`` as the empty text.

    Lists and objects are JSON without spaces, keys sorted. An undefined value, NaN, an infinity
    and whatever is not plain data raise: they have no text that a reader would expect. Those that
    lists and objects hold do not come this far: reading refuses them (`Budget.measure`).
    """
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return ""
    if kind is int:
        return str(value)
    if kind in (bool, float, list, tuple, dict):
        return json_text(value)
    if isinstance(value, Undefined):
        return str(value)  # StrictUndefined raises here, and says what is missing
    raise SecurityError(f"a template writes plain values, not {kind.__name__}")


def json_text(value: Any) -> str:
    """JSON with sorted keys and no spaces; TypeError or ValueError for what JSON cannot hold."""
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
