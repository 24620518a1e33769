"""What has the form of a key, a name that says secret, or was told to be one, is never written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

HIDDEN = "***"

SHORTEST = 6
"""A told secret that is shorter would be found inside ordinary words."""

_FORMS = re.compile(
    r"lab_[A-Za-z0-9_-]{43}"  # a key of the lab
    r"|\bsk-[A-Za-z0-9_-]{16,}"  # a key of a provider
    r"|(?<=[Bb]earer )[^\s\"'\\]+"
)
_HINTS = ("lab_", "sk-", "earer ")
"""Each form has one of these: looking for them is twenty times faster than the expression."""

_NAMES = re.compile(
    r"(?i)(^|_)(key|secret|password|passwd|authorization|cookie|credentials?|token)$"
)

_told: tuple[str, ...] = ()


def conceal(secret: str) -> None:
    """Hide this text from now on, wherever it would be written; as JSON writes it, too."""
    global _told  # noqa: PLW0603 - what the process must not say is the process's own
    if len(secret) >= SHORTEST:
        escaped = orjson.dumps(secret).decode()[1:-1]
        known = {*_told, secret, escaped}
        _told = tuple(sorted(known, key=len, reverse=True))  # the longer one may hold the shorter


def masked(text: str) -> str:
    """Hide what has the form of a key, and what was told to be secret."""
    for secret in _told:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for hint in _HINTS:
        if hint in text:
            return _FORMS.sub(HIDDEN, text)
    return text


def hidden(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the fields without the values whose name says that they are secret, at any depth."""
    return {
        name: HIDDEN if is_secret(name) else hidden(value) if isinstance(value, Mapping) else value
        for name, value in fields.items()
    }


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Tell whether the name is one of a secret."""
    return _NAMES.search(name) is not None
