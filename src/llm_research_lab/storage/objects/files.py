"""An object is one private file, ``objects/ab/ab…``, which appears by a rename after its fsync."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, cast

from llm_research_lab.storage.objects.port import checked_digest, missing
from llm_research_lab.storage.private import PRIVATE_DIRECTORY, explained, sync_directory
from llm_research_lab.telemetry.crash import crash_point

_SHARD = 2
"""Characters of the digest that name the folder: 256 folders keep each of them small."""

_BUFFER_BYTES = 1 << 18


class _Writer:
    """A file in the folder of unfinished ones, mode 0600, until it is committed."""

    def __init__(self, root: Path, tmp: Path) -> None:
        self._root = root
        descriptor, name = tempfile.mkstemp(prefix="object.", dir=tmp)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb", buffering=_BUFFER_BYTES)

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise explained(error, self._path) from error

    def commit(self, digest: str) -> None:
        place = _place(self._root, digest)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            crash_point("objects.synced")
            _make_folder(place.parent)
            self._path.replace(place)
            crash_point("objects.renamed")
            sync_directory(place.parent)
        except OSError as error:
            raise explained(error, place) from error
        crash_point("objects.committed")

    def drop(self) -> None:
        """Leave nothing behind; after a commit there is nothing to leave."""
        with suppress(OSError):  # what the buffer still held finds no room, and is not wanted
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


class FileObjects:
    """Objects below `root`; unfinished ones in `tmp`, which is on the same file system."""

    def __init__(self, root: Path, tmp: Path) -> None:
        self._root = root
        self._tmp = tmp

    @contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Begin an object. UnavailableError when the disk has no room for it."""
        try:
            writer = _Writer(self._root, self._tmp)
        except OSError as error:
            raise explained(error, self._tmp) from error
        try:
            yield writer
        finally:
            writer.drop()

    @contextmanager
    def scratch(self) -> Iterator[BinaryIO]:
        """Give a file that no name leads to: even a killed process leaves none."""
        try:
            file = cast("BinaryIO", self._nameless())
        except OSError as error:
            raise explained(error, self._tmp) from error
        try:
            yield file
        finally:
            with suppress(OSError):  # as above
                file.close()

    def _nameless(self) -> IO[bytes]:
        return tempfile.TemporaryFile(dir=self._tmp, buffering=_BUFFER_BYTES)

    def open(self, digest: str) -> BinaryIO:
        """Open for reading."""
        place = _place(self._root, digest)
        try:
            return place.open("rb")
        except FileNotFoundError:
            raise missing(digest) from None
        except OSError as error:
            raise explained(error, place) from error

    def size(self, digest: str) -> int:
        """Give its bytes."""
        place = _place(self._root, digest)
        try:
            return place.stat().st_size
        except FileNotFoundError:
            raise missing(digest) from None
        except OSError as error:
            raise explained(error, place) from error

    def exists(self, digest: str) -> bool:
        """Tell whether the object is there."""
        return _place(self._root, digest).is_file()

    def delete(self, digest: str) -> None:
        """Drop the object, and return when its name is gone from the disk."""
        place = _place(self._root, digest)
        try:
            place.unlink()
            crash_point("objects.deleted")
            sync_directory(place.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise explained(error, place) from error


def _place(root: Path, digest: str) -> Path:
    """Where an object is: a checked digest leads nowhere else."""
    return root / checked_digest(digest)[:_SHARD] / digest


def _make_folder(folder: Path) -> None:
    """Make the folder, and return when its own name is on the disk."""
    if not folder.is_dir():
        folder.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
        sync_directory(folder.parent)
