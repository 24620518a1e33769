"""A private file is there whole or not at all, and its owner alone can read it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from llm_research_lab.vocabulary import InvalidError, LabError, UnavailableError

PRIVATE_DIRECTORY = 0o700

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_DIRECTORY = frozenset({errno.ENOTDIR, errno.EEXIST, errno.EISDIR})
_NO_PATH = frozenset({errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})


def write_private(path: Path, content: bytes, *, synced: Callable[[], None] = lambda: None) -> None:
    """Replace the file at once, mode 0600, and return when it is on the disk.

    `synced` is called between the new file's sync and its rename.

    A crash leaves the old file whole, and perhaps a file ``.NAME.…`` beside it.
    Raises what `explained` makes of an OSError.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            synced()
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise explained(error, path) from error


def sync_directory(path: Path) -> None:
    """Return when the directory's entries are on the disk. Source: fsync(2), "Notes"."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def explained(error: OSError, path: Path) -> LabError:
    """Say what the file system's error means, and what to do about it."""
    where = f"path {error.filename or path}"
    got = error.strerror or str(error)
    if error.errno in _FULL:
        return UnavailableError(where, "room on the disk", got, "free some space")
    if error.errno in _DENIED:
        fix = "change its mode or owner, or name another with --data-dir"
        return InvalidError(where, "a path that you may write", got, fix)
    if error.errno in _NO_DIRECTORY:
        fix = "name a directory with --data-dir; no part of its path may be a file"
        return InvalidError(where, "a directory", got, fix)
    if error.errno in _NO_PATH:
        return InvalidError(where, "a path", got, "name another with --data-dir")
    return UnavailableError(where, "a disk that reads and writes", got, "check the disk's health")
