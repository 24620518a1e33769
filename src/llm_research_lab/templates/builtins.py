"""What every template may call: comparison, and or not, index, slice, len, printing, escaping.

Source: Go, text/template/funcs.go (what they take and what they say).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.formatting import sprintf
from llm_research_lab.templates.printing import show, sprint, sprintln
from llm_research_lab.templates.values import (
    ANY,
    Byte,
    Function,
    Record,
    element,
    is_sequence,
    truth,
    type_of,
)

_HTML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"}
)
_SCRIPT = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}


# --- comparison


def _kind(value: Any) -> str:
    """Name what can be compared by its value; nil and what holds others is ``""``."""
    if isinstance(value, bool):
        return "bool"
    return next((kind.__name__ for kind in (int, float, str) if isinstance(value, kind)), "")


def _comparable(value: Any) -> Any:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def equal(first: Any, *others: Any) -> bool:
    """Whether the first is one of the others."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_is_same(first, other) for other in others)


def _is_same(first: Any, other: Any) -> bool:
    kinds = _kind(first), _kind(other)
    if first is None or other is None:
        return first is other
    if kinds[0] != kinds[1]:
        raise CallError("incompatible types for comparison")
    if kinds[0]:
        return bool(first == other)
    return _is_same_holder(first, other)


def _is_same_holder(first: Any, other: Any) -> bool:
    """Pointers are the same or not; of the rest Go compares nothing that holds a map or a slice."""
    types = type_of(first), type_of(other)
    shapes = tuple(_shape(one) for one in (first, other))
    if shapes[0] != shapes[1]:
        raise CallError(
            f"non-comparable types {sprintf('%s', [first])}: {types[0]}, {types[1]}: {show(other)}"
        )
    if shapes[0] == "pointer":
        return first is other
    raise CallError(f"non-comparable type {sprintf('%s', [other])}: {types[1]}")


def _shape(value: Any) -> str:
    if isinstance(value, Record):
        return "pointer" if value.go_type.startswith("*") else "struct"
    return "map" if isinstance(value, Mapping) else "slice"


def less(first: Any, second: Any) -> bool:
    """Whether the first is below the second; numbers and strings have an order."""
    kinds = _kind(first), _kind(second)
    if "" in kinds:
        raise CallError("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise CallError("incompatible types for comparison")
    if kinds[0] == "bool":
        raise CallError("invalid type for comparison")
    return bool(_comparable(first) < _comparable(second))


def _at_most(first: Any, second: Any) -> bool:
    return less(first, second) or equal(first, second)


# --- what holds others


def _whole(index: Any, length: int) -> int:
    if index is None:
        raise CallError("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise CallError(f"cannot index slice/array with type {type_of(index)}")
    if not 0 <= index <= length:
        raise CallError(f"index out of range: {index}")
    return index


def _place(index: Any, length: int, what: str) -> int:
    """Give a place that there is; Go's check lets the one after the last through."""
    if _whole(index, length) == length:
        raise CallError(f"reflect: {what} index out of range")
    return int(index)


def index(item: Any, *indices: Any) -> Any:
    """Give the element under the indices, one after the other."""
    if item is None:
        raise CallError("index of untyped nil")
    for one in indices:
        if item is None:
            raise CallError("index of nil pointer")
        item = _indexed(item, one)
    return item


def _indexed(item: Any, key: Any) -> Any:
    if isinstance(item, str):
        raw = item.encode("utf-8", "replace")
        return Byte(raw[_place(key, len(raw), "string")])
    if isinstance(item, Mapping):
        if key is None:
            raise CallError("value is nil; should be of type string")
        if not isinstance(key, str):
            raise CallError(f"value has type {type_of(key)}; should be string")
        return element(item, key)
    if is_sequence(item):
        return item[_place(key, len(item), "slice")]
    raise CallError(f"can't index item of type {type_of(item)}")


def cut(item: Any, *bounds: Any) -> Any:
    """Give a part of a string or a slice; from the start and to the end where none is said."""
    if item is None:
        raise CallError("slice of untyped nil")
    if len(bounds) > 3:  # noqa: PLR2004 - low, high, capacity
        raise CallError(f"too many slice indexes: {len(bounds)}")
    if isinstance(item, str) and len(bounds) == 3:  # noqa: PLR2004 - capacity
        raise CallError("cannot 3-index slice a string")
    if not isinstance(item, str) and not is_sequence(item):
        raise CallError(f"can't slice item of type {type_of(item)}")
    whole = item.encode("utf-8", "replace") if isinstance(item, str) else tuple(item)
    low, high, *_ = [_whole(one, len(whole)) for one in bounds] + [0, len(whole)][len(bounds[:2]) :]
    if low > high:
        raise CallError(f"invalid slice index: {low} > {high}")
    part = whole[low:high]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else part


def length(item: Any) -> int:
    """Give how many elements, or bytes, there are."""
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(item, str):
        return len(item.encode("utf-8", "replace"))
    if isinstance(item, Mapping) or is_sequence(item):
        return len(item)
    raise CallError(f"len of type {type_of(item)}")


def call(function: Any, *values: Any) -> Any:
    """Call a function that is a value."""
    if function is None:
        raise CallError("call of nil")
    if not isinstance(function, Function):
        raise CallError(f"non-function of type {type_of(function)}")
    count, fixed = len(values), len(function.parameters) - function.variadic
    if count < fixed or (count > fixed and not function.variadic):
        least = "at least " if function.variadic else ""
        raise CallError(f"wrong number of args: got {count} want {least}{fixed}")
    for number, value in enumerate(values):
        expected = function.parameters[min(number, len(function.parameters) - 1)]
        if expected not in (ANY, type_of(value)):
            raise CallError(f"arg {number} has type {type_of(value)}; should be {expected}")
    return function.call(*values)


# --- writing


def printable(value: Any) -> Any:
    """Give what writing writes: nil is ``<no value>``."""
    return "<no value>" if value is None else value


def _joined(values: tuple[Any, ...]) -> str:
    return sprint([printable(value) for value in values])


def html(*values: Any) -> str:
    """Escape for HTML."""
    return _joined(values).translate(_HTML)


def script(*values: Any) -> str:
    """Escape for a string of JavaScript."""
    return "".join(_SCRIPT.get(char) or _plain(char) for char in _joined(values))


def _plain(char: str) -> str:
    if char >= " " and char.isprintable():
        return char
    return f"\\u{ord(char):04X}"


def urlquery(*values: Any) -> str:
    """Escape for the query of a URL."""
    return escape_query(_joined(values))


def escape_query(text: str) -> str:
    """Escape as Go's url.QueryEscape: a space is a plus sign."""
    return quote_plus(text, safe="~", errors="replace")


_last = operator.itemgetter(-1)

BUILTINS: Mapping[str, Function] = {
    "and": Function(_last, (ANY, ANY), variadic=True),
    "or": Function(_last, (ANY, ANY), variadic=True),
    "not": Function(lambda value: not truth(value), (ANY,)),
    "eq": Function(equal, (ANY, ANY), variadic=True),
    "ne": Function(lambda first, second: not equal(first, second), (ANY, ANY)),
    "lt": Function(less, (ANY, ANY)),
    "le": Function(_at_most, (ANY, ANY)),
    "gt": Function(lambda first, second: not _at_most(first, second), (ANY, ANY)),
    "ge": Function(lambda first, second: not less(first, second), (ANY, ANY)),
    "index": Function(index, (ANY, ANY), variadic=True),
    "slice": Function(cut, (ANY, ANY), variadic=True),
    "len": Function(length, (ANY,)),
    "call": Function(call, (ANY, ANY), variadic=True),
    "print": Function(lambda *values: sprint(values), (ANY,), variadic=True),
    "println": Function(lambda *values: sprintln(values), (ANY,), variadic=True),
    "printf": Function(
        lambda template, *values: sprintf(template, values), ("string", ANY), variadic=True
    ),
    "html": Function(html, (ANY,), variadic=True),
    "js": Function(script, (ANY,), variadic=True),
    "urlquery": Function(urlquery, (ANY,), variadic=True),
}
"""``and`` and ``or`` are here for their parameters: `evaluating` stops where one decides."""
