"""A JSON row is kept only if nothing of it would be lost: the laws that the parser leaves open."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from llm_research_lab.experiments.rows.row import TOO_MANY_COLUMNS, at_column, at_line, quoted
from llm_research_lab.experiments.schema import COLUMNS, NAME_CHARACTERS
from llm_research_lab.vocabulary import Finding

DEPTH = 32
"""Levels of nesting in one row, itself the first: as many as a body of the API may have."""

_KINDS = {
    str: "text",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
}
INTEGER_LIMIT = 1 << 63
"""Integers fit 64 bits with a sign."""

Trouble = tuple[str, str, str]
"""Law, message and fix: a finding that has no place yet."""

TOO_BIG: Trouble = (
    "integer",
    "expected an integer of 64 bits, got a larger one",
    "write it as text",
)

_TOO_DEEP: Trouble = (
    "depth",
    f"expected at most {DEPTH} levels of nesting, got more",
    "nest less",
)
_SIMPLE = {str, int, bool, float, type(None)}


def kind_of(value: Any) -> str:
    """Name a JSON value's kind."""
    return _KINDS.get(type(value), "null")


def is_plain(row: dict[str, Any], line: bytes) -> bool:
    """Tell the common row, flat and with nothing doubled or too big, by counting only.

    Each key has a colon, so as many colons as keys are no key twice. Its names were checked.
    """
    kinds = set(map(type, row.values()))
    if len(row) != line.count(b":") or not kinds <= _SIMPLE or b"\\u0000" in line:
        return False
    return float not in kinds or not any(
        type(value) is float and not -INTEGER_LIMIT <= value < INTEGER_LIMIT
        for value in row.values()
    )


def trouble_of(row: dict[str, Any], line: bytes, number: int) -> Finding | None:
    """Give the first law that the row breaks; `number` is its line's."""
    big = cache(lambda: _big_integers(line))
    return (
        _label(row, number)
        or _first(row, number, _too_deep)
        or _doubled(row, line, number)
        or _first(row, number, lambda value: _unfit(value, big))
    )


def _first(
    row: dict[str, Any], number: int, trouble_in: Callable[[Any], Trouble | None]
) -> Finding | None:
    """Give the first value's trouble, with its place."""
    for ordinal, (name, value) in enumerate(row.items(), 1):
        trouble = trouble_in(value)
        if trouble is not None:
            return Finding(at_column(number, name, ordinal), *trouble)
    return None


def _is_label(name: str) -> bool:
    return bool(name) and not name.isspace() and len(name) <= NAME_CHARACTERS and "\0" not in name


def _label(row: dict[str, Any], number: int) -> Finding | None:
    """Check the number of names, and each of them."""
    if len(row) > COLUMNS:
        message = f"{TOO_MANY_COLUMNS}, got {len(row)}"
        return Finding(at_line(number), "columns", message, "keep fewer columns")
    for ordinal, name in enumerate(row, 1):
        if not _is_label(name):
            message = f"expected a name that is not blank, of at most {NAME_CHARACTERS} characters"
            where = at_column(number, name, ordinal)
            return Finding(
                where, "blank-label", f"{message}, got {quoted(name)}", "name the column"
            )
    return None


class _DoubledError(ValueError):
    """A key stands twice in one object: carries it, and the object with the last of the two."""


def _doubled(row: dict[str, Any], line: bytes, number: int) -> Finding | None:
    """Find a key that stands twice, at any depth; the parser keeps the last of the two.

    The row is shallow, but the value of a dropped key may nest without end.
    """
    if _keys(row) == line.count(b":"):
        return None
    try:
        json.loads(line, object_pairs_hook=_once)
    except _DoubledError as error:
        name, made = error.args
        message = f"expected each key once, got {quoted(name)} twice"
        where = at_line(number)
        if made == row:
            where = at_column(number, name, list(row).index(name) + 1)
        return Finding(where, "duplicate-label", message, "keep one of them")
    except RecursionError:
        return Finding(at_line(number), *_TOO_DEEP)
    return None


def _keys(value: Any) -> int:
    """Count the keys at all depths, without recursion."""
    total, left = 0, [value]
    while left:
        item = left.pop()
        if type(item) is dict:
            total += len(item)
            left.extend(item.values())
        elif type(item) is list:
            left.extend(item)
    return total


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledError(Counter(names).most_common(1)[0][0], made)
    return made


def _too_deep(value: Any) -> Trouble | None:
    """Tell whether a value nests more levels than the row's limit leaves it."""
    left = [(value, 2)]
    while left:
        item, depth = left.pop()
        if type(item) not in (dict, list):
            continue
        if depth > DEPTH:
            return _TOO_DEEP
        inner = item.values() if type(item) is dict else item
        left.extend((one, depth + 1) for one in inner)
    return None


def _unfit(value: Any, big: Callable[[], frozenset[float]]) -> Trouble | None:
    """Tell what a value holds that the lab could not keep, at any depth."""
    left = [value]
    while left:
        item = left.pop()
        if type(item) is dict:
            left.extend(item)
            left.extend(item.values())
        elif type(item) is list:
            left.extend(item)
        elif type(item) is str and "\0" in item:
            return "nul", "expected text without NUL, got a NUL character", "remove it"
        elif type(item) in (int, float) and _is_big(item, big):
            return TOO_BIG
    return None


def _is_big(number: float, big: Callable[[], frozenset[float]]) -> bool:
    if -INTEGER_LIMIT <= number < INTEGER_LIMIT:
        return False
    return type(number) is int or number in big()


def _big_integers(line: bytes) -> frozenset[float]:
    """Give the line's integers over 64 bits as the floats that the parser makes of them.

    It says nothing of it; so a float beyond 64 bits asks for the line to be read again, exactly.
    """
    found: set[int] = set()
    json.loads(line, parse_int=lambda digits: found.add(int(digits)))
    return frozenset(
        float(number) for number in found if not -INTEGER_LIMIT <= number < INTEGER_LIMIT
    )
