"""A key is ``lab_`` and 256 random bits; only its SHA-256 is kept.

A key of 256 bits cannot be guessed, so its digest needs no salt and no slow hash.
Source: OWASP ASVS 4, 2.9 and 2.10 (look-up secrets of 112 bits and more).
"""

from __future__ import annotations

import base64
import hashlib
import re

KEY_BYTES = 32
_KEY = re.compile(r"lab_[A-Za-z0-9_-]{43}")


def key_of(random: bytes) -> str:
    """Write 32 random bytes as a key: 47 characters that need no quoting anywhere."""
    if len(random) != KEY_BYTES:
        raise ValueError(f"a key needs {KEY_BYTES} random bytes, not {len(random)}")
    return "lab_" + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def is_key(text: str) -> bool:
    """Whether the text has the form of a key, so that nothing else reaches the database."""
    return _KEY.fullmatch(text) is not None


def digest_of(key: str) -> str:
    """SHA-256 in hex: what is stored, and what a request's key is looked up by."""
    return hashlib.sha256(key.encode()).hexdigest()
