"""A named crash point kills the process with SIGKILL when ``LAB_CRASH_AT`` names it.

``LAB_CRASH_AT=queue.recorded`` kills at the first passing, ``queue.recorded:3`` at the third.
Only tests set it; unset, a crash point costs one comparison. It is read once, at import.
"""

from __future__ import annotations

import os
import signal
from threading import Lock

_name, _, _count = os.environ.get("LAB_CRASH_AT", "").partition(":")
_left = int(_count or 1)
_lock = Lock()


def crash_point(name: str) -> None:
    """Die here, at once and without cleaning up, when this passing is the one asked for."""
    if not _name or name != _name:
        return
    global _left  # noqa: PLW0603 - the count of passings is the process's own
    with _lock:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
