"""A value has one canonical text, and its SHA-256 is its address."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hex: 64 characters."""
    return hashlib.sha256(canonical(value)).hexdigest()
