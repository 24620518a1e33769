"""A cursor is opaque to its holder, and worthless for any other list than its own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from llm_research_lab.vocabulary import Finding, InvalidError

T = TypeVar("T")

LIMIT = 50
LIMIT_MOST = 500
"""Items of a page: by default, and at most."""


@dataclass(frozen=True, slots=True)
class Page:
    """How much of a list is asked for: from the cursor on, so many."""

    cursor: str | None = None
    limit: int = LIMIT


def cursor_of(kind: str, *values: object) -> str:
    """Write the cursor of a list of this kind (its name, order and filters)."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *values])).rstrip(b"=").decode()


def read_cursor(text: str | None, kind: str, *types: type | tuple[type, ...]) -> list[Any] | None:
    """Read the values of a cursor of this kind; None for None. Raises InvalidError."""
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
        good = (
            found == kind
            and len(values) == len(types)
            and all(isinstance(value, t) for value, t in zip(values, types, strict=True))
            and not any(isinstance(value, int) and not 0 <= value < 1 << 63 for value in values)
        )
    except (ValueError, TypeError, binascii.Error):
        good = False
    if not good:
        raise _bad(text)
    return list(values)


def cut(
    rows: Sequence[T], page: Page, view: Callable[[T], Any], mark: Callable[[T], str]
) -> dict[str, Any]:
    """Make the answer of a list from one row more than was asked for, if there is one."""
    shown = rows[: page.limit]
    more = len(rows) > len(shown)
    return {
        "items": [view(row) for row in shown],
        "next_cursor": mark(shown[-1]) if more and shown else None,
    }


def _bad(text: str) -> InvalidError:
    expected, got = "a cursor that this list gave", repr(text[:60])
    fix = "take next_cursor of the last page, with the same filters and order"
    where = "query parameter cursor"
    return InvalidError(where, expected, got, fix, (Finding(where, expected, f"got {got}", fix),))
