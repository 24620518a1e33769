"""A lock has one holder, and is free when the holder and all who inherited it are gone."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llm_research_lab.storage.private import explained
from llm_research_lab.vocabulary import ConflictError, Instant, rfc3339

POLL_SECONDS = 0.05
RECORD_BYTES = 1_000
"""The record is far shorter; anything longer is not ours to read."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that took the lock; others may hold it for it."""

    pid: int
    started_at: Instant


@dataclass(slots=True)
class Lock:
    """Holds while `descriptor` is open here or in a child that was given it (``pass_fds``).

    So a second start is refused even when this process was killed and its children still live.
    """

    path: Path
    descriptor: int

    def share(self) -> None:
        """Let others share it from now on; ConflictError when one took it in this moment."""
        if not _locked(self.descriptor, fcntl.LOCK_SH):
            self.release()
            raise _held(self.path)

    def release(self) -> None:
        """Let go here; heirs of the descriptor hold on. A second call does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def take(path: Path, *, wait_seconds: float = 0.0, shared: bool = False) -> Lock:
    """Take the lock and write who holds it, or raise ConflictError after the wait.

    A shared lock bears other shared ones, and no other.
    """
    deadline = time.monotonic() + wait_seconds
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explained(error, path) from error
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        while not _locked(descriptor, kind):
            if time.monotonic() >= deadline:
                raise _held(path)  # noqa: TRY301 - closes the descriptor as all else does
            time.sleep(POLL_SECONDS)
        _record(descriptor)
        os.set_inheritable(descriptor, True)
    except OSError as error:
        os.close(descriptor)
        raise explained(error, path) from error
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(path, descriptor)


def holder(path: Path) -> Holder | None:
    """Read who took the lock last; None when nobody did. It may be free again."""
    try:
        record = json.loads(path.read_bytes()[:RECORD_BYTES])
        return Holder(int(record["pid"]), int(record["started_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def held(path: Path) -> bool:
    """Whether anyone holds the lock now; asked without taking it for longer than the question."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _record(descriptor: int) -> None:
    started_at = time.time_ns() // 1_000_000
    record = json.dumps({"pid": os.getpid(), "started_at": started_at}).encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, record, 0)


def _held(path: Path) -> ConflictError:
    who = holder(path)
    got = "another process" if who is None else f"pid {who.pid} since {rfc3339(who.started_at)}"
    return ConflictError(
        f"data directory {path.parent}",
        "a directory that no other lab runs on",
        f"one held by {got}, or by its children",
        "stop that lab first, or name another with --data-dir",
    )
