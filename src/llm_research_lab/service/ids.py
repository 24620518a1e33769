"""An id sorts by its creation: within a process each is greater than the one before."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32. Source: github.com/ulid/spec, "Encoding"."""

LENGTH = 26
RANDOM_BYTES = 10
_RANDOM_BITS = 8 * RANDOM_BYTES


class Ulids:
    """Makes ULIDs: 48 bits of milliseconds, then 80 random ones.

    In one millisecond, and when the clock was set back, the last one plus one follows.
    Source: github.com/ulid/spec, "Monotonicity".
    """

    def __init__(self, now_ms: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._random = random
        self._last = -1
        self._door = threading.Lock()

    def new(self) -> str:
        """Make the next one: 26 characters."""
        with self._door:
            drawn = int.from_bytes(self._random(RANDOM_BYTES))
            fresh = (self._now_ms() << _RANDOM_BITS) | drawn
            later = fresh >> _RANDOM_BITS > self._last >> _RANDOM_BITS
            self._last = fresh if later else self._last + 1
            return written(self._last)


def written(number: int) -> str:
    """Write 128 bits in 26 characters."""
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


_ULIDS = Ulids(lambda: time.time_ns() // 1_000_000, os.urandom)


def new_id(prefix: str) -> str:
    """Make an id of this process: ``exp_`` and a ULID for the prefix ``exp``."""
    return f"{prefix}_{_ULIDS.new()}"
