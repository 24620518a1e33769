"""Between an operator and its right side stands how two vectors meet.

``bool``, then ``on`` or ``ignoring``, then ``group_left`` or ``group_right``, then fills.
Source: Prometheus, "Operators"; promql/parser/generated_parser.y (bin_modifier).
"""

from __future__ import annotations

import re

from llm_research_lab.promql.cursor import Cursor
from llm_research_lab.promql.nodes import Matching
from llm_research_lab.promql.numerals import is_numeral, seconds

_NOT_LABELS = frozenset({"without"})
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FILLS = frozenset({"fill", "fill_left", "fill_right"})


def labels(cursor: Cursor) -> tuple[str, ...]:
    """Read label names in parentheses; a comma may end them."""
    cursor.demand("(", "before the label names")
    found = []
    while not cursor.takes(")"):
        found.append(_label(cursor))
        if not cursor.takes(",") and not cursor.sees(")"):
            raise cursor.unexpected('"," or ")" after a label name')
    return tuple(found)


def _label(cursor: Cursor) -> str:
    token = cursor.token
    fits = token.kind == "word" and _LABEL.fullmatch(token.value)
    if token.keyword in _NOT_LABELS or not (fits or (token.kind == "string" and token.value)):
        raise cursor.unexpected("a label name", "write one here, in quotes if it is unusual")
    return cursor.take().value


def matching(cursor: Cursor) -> tuple[bool, Matching | None]:
    """Read the modifiers: whether ``bool`` is among them, and the matching if one is written."""
    bool_modifier = cursor.token.keyword == "bool"
    cursor.at += bool_modifier
    if cursor.token.keyword not in {"on", "ignoring"}:
        left, right = _fills(cursor)
        if left is None and right is None:
            return bool_modifier, None
        return bool_modifier, Matching("one-to-one", fill_left=left, fill_right=right)
    on = cursor.take().keyword == "on"
    names = labels(cursor)
    found = Matching("one-to-one", on, names)
    if cursor.token.keyword in {"group_left", "group_right"}:
        many_left = cursor.take().keyword == "group_left"
        include = labels(cursor) if cursor.sees("(") else ()
        found = Matching("many-to-one" if many_left else "one-to-many", on, names, include)
    left, right = _fills(cursor)
    return bool_modifier, Matching(found.card, on, names, found.include, left, right)


def _fills(cursor: Cursor) -> tuple[float | None, float | None]:
    """Read ``fill(x)``, or ``fill_left(x)`` and ``fill_right(x)`` in any order, each once."""
    found: dict[str, float] = {}
    while cursor.token.keyword in _FILLS and _opens(cursor):
        token = cursor.take()
        if token.keyword in found or "fill" in found or (found and token.keyword == "fill"):
            raise cursor.refuse(
                token.start, "each side filled once", f"{token.keyword} again", "remove it"
            )
        cursor.demand_experimental(token.start, f"the modifier {token.keyword}")
        found[token.keyword] = _fill(cursor, token.keyword)
    both = found.get("fill")
    return found.get("fill_left", both), found.get("fill_right", both)


def _opens(cursor: Cursor) -> bool:
    return cursor.after.kind == "operator" and cursor.after.value == "("


def _fill(cursor: Cursor, keyword: str) -> float:
    cursor.demand("(", f"after {keyword}")
    sign = -1 if cursor.sees("-") else 1
    if cursor.sees("+", "-"):
        cursor.take()
    if not is_numeral(cursor.token):
        raise cursor.unexpected("the number to fill with", "write a number here")
    value = sign * seconds(cursor, cursor.take())
    cursor.demand(")", "after the number to fill with")
    return value
