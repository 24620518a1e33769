"""An object is there whole or not at all, and never changes."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from llm_research_lab.vocabulary import InvalidError, NotFoundError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ObjectWriter(Protocol):
    """Bytes that are no object yet; left uncommitted, they leave nothing behind."""

    def write(self, data: bytes) -> None:
        """Add bytes. UnavailableError when there is no room for them."""

    def commit(self, digest: str) -> None:
        """Return when the object is on the disk and visible to all; then nothing more is written.

        Two who commit one digest both succeed: it names one content.
        """


class ObjectStore(Protocol):
    """Objects by digest: 64 characters of hex, checked at each call (InvalidError)."""

    def writing(self) -> AbstractContextManager[ObjectWriter]:
        """Begin an object; at the end of the context what is not committed is gone."""

    def scratch(self) -> AbstractContextManager[BinaryIO]:
        """Give a file without a name, to write and read again; at the end it is gone.

        Its errors are OSError: whoever writes to it explains them.
        """

    def open(self, digest: str) -> BinaryIO:
        """Open for reading; it can seek. NotFoundError when there is none."""

    def size(self, digest: str) -> int:
        """Give its bytes. NotFoundError when there is none."""

    def exists(self, digest: str) -> bool:
        """Tell whether the object is there."""

    def delete(self, digest: str) -> None:
        """Return when the object is gone; one that is not there is gone already."""


def checked_digest(digest: str) -> str:
    """Return the digest unchanged, or raise InvalidError: so it is never a path."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidError(
            "object", "a digest of 64 characters 0-9 a-f", repr(digest[:70]), "give a whole digest"
        )
    return digest


def missing(digest: str) -> NotFoundError:
    """Say that no object has the digest."""
    fix = "restore the objects from the backup that the database is of"
    return NotFoundError(f"object {digest}", "an object", "none of this digest", fix)
