"""The filters and methods that a template may use: pure, over plain values, never superlinear.

Their names and meanings are Jinja2's. The value and the arguments are charged before the call; a
filter that makes something larger than it was given asks the budget for room first.
Source: https://jinja.palletsprojects.com/en/stable/templates/#builtin-filters
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson
from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from llm_research_lab.experiments.templating.operators import budget_of, kind_of
from llm_research_lab.experiments.templating.plain import json_text, text

_DIGITS = 400
_STRIPPED = 64


def _text_filter(change: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: change(text(value))


def _each(context: Context, values: Any) -> Any:
    """Charge a text letter by letter, since it is not read as a whole; lists already are."""
    if isinstance(values, str):
        budget_of(context).spend(len(values))
    return values


@pass_context
def joined(context: Context, values: Any, separator: Any = "", attribute: Any = None) -> str:
    """Join the texts of a list's values."""
    chosen = mapped(values, attribute) if attribute is not None else _each(context, values)
    texts, between = [text(value) for value in chosen], text(separator)
    budget_of(context).room(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _joined_by(context: Context, separator: str, values: Any) -> str:
    return joined(context, values, separator)


@pass_context
def replaced(context: Context, value: Any, old: Any, new: Any) -> str:
    """Replace every occurrence of one text by another."""
    whole, old, new = text(value), text(old), text(new)
    budget_of(context).room(len(whole) + whole.count(old) * len(new))
    return whole.replace(old, new)


@pass_context
def indented(context: Context, value: Any, width: int = 4, first: bool = False) -> str:
    """Put spaces before every line but the first and the empty ones."""
    if not isinstance(width, int) or width < 0:
        raise ValueError("an indent is 0 or more spaces")  # less would give the budget back
    whole = text(value)
    budget_of(context).room(len(whole) + whole.count("\n") * width + width)
    lines = whole.split("\n")
    tail = [(" " * width + line if line else line) for line in lines[1:]]
    return "\n".join([" " * width + lines[0] if first else lines[0], *tail])


@pass_context
def as_json(context: Context, value: Any, indent: int | None = None) -> str:
    """Write JSON, with keys sorted; any `indent` is two spaces."""
    option = orjson.OPT_SORT_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    written = orjson.dumps(value, option=option).decode()
    budget_of(context).room(len(written))
    return written


def defaulted(value: Any, other: Any = "", boolean: bool = False) -> Any:
    """Give another value for an undefined one (with true: for an empty one too)."""
    return other if isinstance(value, Undefined) or (boolean and not value) else value


def mapped(values: Any, attribute: Any) -> list[Any]:
    """Take one field of every object of a list."""
    return [value[attribute] for value in values]


def truncated(value: Any, length: int = 255, end: str = "…") -> str:
    """Cut a text that is longer than `length` characters; the end counts."""
    whole = text(value)
    return whole if len(whole) <= length else whole[: max(length - len(end), 0)] + end


def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
    """Round a number; `method` is common, ceil or floor."""
    if method == "common":
        return round(float(value), precision)
    factor = 10.0**precision
    return {"ceil": math.ceil, "floor": math.floor}[method](value * factor) / factor


def whole_number(value: Any, default: Any = 0) -> Any:
    """Read a whole number; the default for what is none."""
    try:
        short = _short(value)
        return int(float(short)) if isinstance(short, str) and "." in short else int(short)
    except (ValueError, TypeError, OverflowError):
        return default


def real_number(value: Any, default: Any = 0.0) -> Any:
    """Read a number; the default for what is none."""
    try:
        return float(_short(value))
    except (ValueError, TypeError, OverflowError):
        return default


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _DIGITS:
        raise ValueError("too many digits")
    return value


@pass_context
def unique(context: Context, values: Any) -> list[Any]:
    """Keep the first of values that are equal as JSON, in order."""
    kept: dict[str, Any] = {}
    for value in _each(context, values):
        kept.setdefault(json_text(value), value)
    return list(kept.values())


def total(values: Any) -> Any:
    """Add numbers up; Python's `start` would join lists, at the square of their size."""
    return sum(values)


def pairs(value: Any) -> list[tuple[Any, Any]]:
    """List an object's keys with their values."""
    if not isinstance(value, dict):
        raise TypeError(f"{kind_of(value)} has no items")
    return list(value.items())


def first(values: Any) -> Any:
    """Return the first value; IndexError when there is none."""
    return (values if isinstance(values, str) else list(values))[0]


def trimmed(value: Any, characters: str | None = None) -> str:
    """Take blanks, or any of a few given characters, off both ends."""
    return text(value).strip(_few(characters))


def _few(characters: str | None) -> str | None:
    """Keep stripping linear: Python's costs the text's length times the set's."""
    if characters is not None and len(characters) > _STRIPPED:
        raise ValueError(f"more than {_STRIPPED} characters to strip")
    return characters


def last(values: Any) -> Any:
    """Return the last value; IndexError when there is none."""
    return (values if isinstance(values, str) else list(values))[-1]


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "capitalize": _text_filter(str.capitalize),
    "count": len,
    "d": defaulted,
    "default": defaulted,
    "first": first,
    "float": real_number,
    "indent": indented,
    "int": whole_number,
    "items": pairs,
    "join": joined,
    "last": last,
    "length": len,
    "list": list,
    "lower": _text_filter(str.lower),
    "map": mapped,
    "max": max,
    "min": min,
    "replace": replaced,
    "reverse": lambda values: values[::-1] if isinstance(values, str) else list(values)[::-1],
    "round": rounded,
    "sort": lambda values, reverse=False: sorted(values, reverse=reverse),
    "string": text,
    "sum": total,
    "title": _text_filter(str.title),
    "tojson": as_json,
    "trim": trimmed,
    "truncate": truncated,
    "unique": unique,
    "upper": _text_filter(str.upper),
    "wordcount": _text_filter(lambda value: len(value.split())),
}

_TEXT_METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(str, name)
    for name in (
        "capitalize",
        "count",
        "endswith",
        "find",
        "isdigit",
        "lower",
        "split",
        "splitlines",
        "startswith",
        "title",
        "upper",
    )
} | {
    "strip": trimmed,
    "lstrip": lambda value, characters=None: value.lstrip(_few(characters)),
    "rstrip": lambda value, characters=None: value.rstrip(_few(characters)),
}
_OBJECT_METHODS: dict[str, Callable[..., Any]] = {
    "get": dict.get,
    "items": pairs,
    "keys": list,
    "values": lambda value: list(value.values()),
}
METHODS = frozenset(_TEXT_METHODS) | frozenset(_OBJECT_METHODS) | {"replace", "join"}


@pass_context
def called(context: Context, value: Any, name: str, *arguments: Any, **options: Any) -> Any:
    """Call a harmless method of a text or an object."""
    if isinstance(value, str) and name == "replace":
        return replaced(context, value, *arguments)
    if isinstance(value, str) and name == "join":
        return _joined_by(context, value, *arguments)
    methods = _TEXT_METHODS if isinstance(value, str) else _OBJECT_METHODS
    if name not in methods or not isinstance(value, (str, dict)):
        raise TypeError(f"{text(value)[:40]!r} has no method {name}")
    return methods[name](value, *arguments, **options)
