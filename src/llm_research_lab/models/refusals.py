"""A status that is no success has one kind of failure, and says whether asking again can help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from llm_research_lab.experiments.result import FailureKind

SHOWN = 300
"""Characters of a server's own words that an error repeats."""

TOO_LONG = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
)
"""Words for a prompt that does not fit: OpenAI's ``code``, llama.cpp's ``type``, OpenAI's."""

UNPAID = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
"""429s that waiting does not mend. Source: OpenAI, "Error codes", 429."""

_BY_STATUS: dict[int, tuple[FailureKind, bool]] = {
    408: ("timeout", False),
    409: ("unavailable", False),  # a lock that was not got in time, says OpenAI's Python SDK
    413: ("too_long", True),
    425: ("unavailable", False),
    429: ("rate_limited", False),
}

_FIXES: dict[int, str] = {
    401: "check the key that the entry's secret names",
    403: "check what the key may do",
    404: "check the entry's id and base_url",
    429: "lower the entry's limits, or ask the provider for more",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a status means: the kind, whether it is final, the server's words, and the mend."""

    kind: FailureKind
    final: bool
    words: str
    fix: str


def refusal_of(status: int, body: bytes) -> Refusal:
    """Read a status that is not 200 to 299; `body` may be anything.

    3xx and 4xx are final, apart from 408, 409, 425 and 429; 5xx are ``unavailable``; other
    numbers are ``garbage``. Source: RFC 9110, section 15.
    """
    error = _error(body)
    codes = {value for value in (error.get("code"), error.get("type")) if isinstance(value, str)}
    kind, final = _kind(status, codes)
    return Refusal(kind, final, _words(status, error, body), _fix(status, kind))


def _kind(status: int, codes: set[str]) -> tuple[FailureKind, bool]:
    if status == 429 and codes & UNPAID:  # noqa: PLR2004 - HTTP's own numbers say it best
        return "refused", True
    if 400 <= status < 500 and codes & TOO_LONG:  # noqa: PLR2004 - the same
        return "too_long", True
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 500:  # noqa: PLR2004 - the same
        return "refused", True
    return ("unavailable" if 500 <= status < 600 else "garbage"), False  # noqa: PLR2004 - the same


def _fix(status: int, kind: FailureKind) -> str:
    if kind == "too_long":
        return "shorten the prompt, or choose a model with a longer context"
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own numbers say it best
        return "write the final address into base_url; redirects are not followed"
    default = "wait, or ask the provider" if status >= 500 else "mend what the provider names"  # noqa: PLR2004
    return _FIXES.get(status, default)


def _error(body: bytes) -> dict[str, Any]:
    """The ``error`` of the body; a text there is its message; else nothing."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = value.get("error", value) if isinstance(value, dict) else {}
    return error if isinstance(error, dict) else {"message": error}


def _words(status: int, error: dict[str, Any], body: bytes) -> str:
    """The status and the server's own message, on one line and short."""
    message = error.get("message")
    said = message if isinstance(message, str) else body[: 4 * SHOWN].decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    line = line if len(line) <= SHOWN else line[:SHOWN] + "…"
    return f"status {status}: {line}" if line else f"status {status}"
