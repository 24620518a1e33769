"""Objects in memory: the shipped twin of the files, for tests and for what need not stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from llm_research_lab.storage.objects.port import checked_digest, missing


class _Writer:
    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects
        self._buffer = BytesIO()

    def write(self, data: bytes) -> None:
        self._buffer.write(data)

    def commit(self, digest: str) -> None:
        self._objects[checked_digest(digest)] = self._buffer.getvalue()
        self._buffer.close()


class MemoryObjects:
    """Keeps what every store keeps, until the process ends."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    @contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Begin an object."""
        yield _Writer(self._objects)

    @contextmanager
    def scratch(self) -> Iterator[BinaryIO]:
        """Give a buffer."""
        with BytesIO() as buffer:
            yield buffer

    def open(self, digest: str) -> BinaryIO:
        """Open for reading."""
        return BytesIO(self._get(digest))

    def size(self, digest: str) -> int:
        """Give its bytes."""
        return len(self._get(digest))

    def exists(self, digest: str) -> bool:
        """Tell whether the object is there."""
        return checked_digest(digest) in self._objects

    def delete(self, digest: str) -> None:
        """Drop the object."""
        self._objects.pop(checked_digest(digest), None)

    def _get(self, digest: str) -> bytes:
        try:
            return self._objects[checked_digest(digest)]
        except KeyError:
            raise missing(digest) from None
