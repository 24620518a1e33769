"""A log file is rotated at its size; a full disk costs lines, never the process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from llm_research_lab.storage.private import explained


class LogFile:
    """Takes whole lines; ``NAME.1`` is the newest of the `files` old ones. One writer."""

    def __init__(self, path: Path, size: int, files: int) -> None:
        self.path = path
        self.lost = 0
        self._size = size
        self._files = files
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise explained(error, path) from error

    def copy(self, lines: Iterable[bytes]) -> None:
        """Write the lines as they come, until they end."""
        for line in lines:
            self.write(line)

    def write(self, line: bytes) -> None:
        """Write a line; count it as lost when the disk takes no more."""
        try:
            if os.fstat(self._descriptor).st_size + len(line) > self._size:
                self._rotate()
            os.write(self._descriptor, line)
        except OSError:
            self.lost += 1

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _rotate(self) -> None:
        for number in range(self._files - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        fresh = self._open()
        os.close(self._descriptor)
        self._descriptor = fresh

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
