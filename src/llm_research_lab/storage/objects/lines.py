"""Lines in an object are read from the middle: an index stands behind them.

Layout: head, lines, index, footer. An index entry (line, offset) is written for the first line and
for each that begins 64 KiB or more after the last entry, so the index of a gibibyte takes 256 KiB,
and a line is found by a binary search and a scan of at most 64 KiB. Numbers are 64 bits,
big-endian. The digest is of head and lines only: the rest follows from them.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from os import SEEK_END
from struct import Struct
from typing import BinaryIO

from llm_research_lab.storage.objects.port import ObjectWriter
from llm_research_lab.vocabulary import UnavailableError

STRIDE_BYTES = 1 << 16

_MAGIC = b"LABLINE1"
_FOOTER = Struct(">8sQQQ")
_ENTRY = Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed: the digest, bytes and lines of head and lines, without the index."""

    digest: str
    bytes: int
    lines: int


class LineWriter:
    """Writes head and lines into an object, and remembers where lines begin."""

    def __init__(self, writer: ObjectWriter, head: bytes) -> None:
        self._writer = writer
        self._sha = hashlib.sha256()
        self._bytes = self._due = 0
        self._lines = 0
        self._entries = array("Q")
        self._add(head)
        self._due = len(head)

    def write(self, lines: Sequence[bytes]) -> None:
        """Add lines, each with its line feed and no other."""
        self._index(lines)
        self._add(b"".join(lines))

    def finish(self) -> Written:
        """Write the index; what is left is to commit the digest."""
        written = Written(self._sha.hexdigest(), self._bytes, self._lines)
        pairs = zip(self._entries[::2], self._entries[1::2], strict=True)
        self._writer.write(b"".join(_ENTRY.pack(line, offset) for line, offset in pairs))
        footer = _FOOTER.pack(_MAGIC, written.bytes, written.lines, len(self._entries) // 2)
        self._writer.write(footer)
        return written

    def _index(self, lines: Sequence[bytes]) -> None:
        offset, due = self._bytes, self._due
        for number, line in enumerate(lines, self._lines):
            if offset >= due:
                self._entries.extend((number, offset))
                due = offset + STRIDE_BYTES
            offset += len(line)
        self._due = due
        self._lines += len(lines)

    def _add(self, data: bytes) -> None:
        self._sha.update(data)
        self._bytes += len(data)
        self._writer.write(data)


def read_lines(file: BinaryIO, first: int, count: int) -> list[bytes]:
    """Give lines from the first (from 0) on: fewer where they end, none beyond.

    UnavailableError when the footer is not what was written.
    """
    size = file.seek(0, SEEK_END)
    footer = b""
    if size >= _FOOTER.size:
        file.seek(size - _FOOTER.size)
        footer = file.read(_FOOTER.size)
    if not footer.startswith(_MAGIC):
        raise _damaged()
    _, content, lines, entries = _FOOTER.unpack(footer)
    if content + entries * _ENTRY.size + _FOOTER.size != size:
        raise _damaged()
    wanted = min(count, lines - first)
    if wanted <= 0:
        return []
    line, offset = _entry_before(file, content, entries, first)
    file.seek(offset)
    return list(islice(file, first - line, first - line + wanted))


def _entry_before(file: BinaryIO, content: int, entries: int, line: int) -> tuple[int, int]:
    """Find the last entry at or before the line; the first entry is of line 0."""
    least, most = 0, entries
    found = (0, 0)
    while least < most:
        middle = (least + most) // 2
        file.seek(content + middle * _ENTRY.size)
        number, offset = _ENTRY.unpack(file.read(_ENTRY.size))
        if number <= line:
            found, least = (number, offset), middle + 1
        else:
            most = middle
    return found


def _damaged() -> UnavailableError:
    return UnavailableError(
        "object", "lines and their index", "a damaged object", "restore it from a backup"
    )
