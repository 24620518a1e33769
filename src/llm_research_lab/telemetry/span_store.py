"""The last hour's kept spans lie in the data directory: lines of JSON, bounded in age and bytes.

Each process appends to segments of its own, so nothing is locked; whoever reads merges them. A
process that is killed leaves at most one torn line, at the end of a segment that nobody continues.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from llm_research_lab.telemetry.spans import Span

AGE_SECONDS = 3600.0
BYTES = 64_000_000
"""Of all processes together: an hour of some fifty kept spans a second."""

PARTS = 16
"""A segment is at most so small a part of the bytes and of the age: what goes, goes by segment."""

SUFFIX = ".jsonl"


class SpanStore:
    """One process's segments, and the broom for all of them. Used by one thread at a time."""

    def __init__(
        self,
        folder: Path,
        process: str,
        *,
        most_bytes: int = BYTES,
        age_seconds: float = AGE_SECONDS,
    ) -> None:
        self._folder = folder
        self._process = process
        self._most_bytes = most_bytes
        self._age_seconds = age_seconds
        self._descriptor: int | None = None
        self._began = 0.0
        self._size = 0

    def write(self, spans: Sequence[Span]) -> int:
        """Append the spans; give how many the disk did not take. Raises OSError."""
        lines = [line_of(span, self._process) for span in spans]
        data = b"".join(lines)
        descriptor = self._segment(len(data))
        written = os.write(descriptor, data)
        self._size += written
        if written == len(data):
            return 0
        self._end()  # a full disk: the torn line is the segment's last
        whole = data[:written].count(b"\n")
        return len(lines) - whole

    def sweep(self) -> None:
        """Remove what is too old, then the oldest until the bytes are within the bound."""
        found = sorted(_segments(self._folder), key=lambda one: one[1].st_mtime, reverse=True)
        oldest, total = time.time() - self._age_seconds, 0
        for path, stat in found:
            total += stat.st_size
            if stat.st_mtime < oldest or total > self._most_bytes:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the segment."""
        self._end()

    def _segment(self, coming: int) -> int:
        """Give the open segment, or a new one when it is full, old, or swept away by another."""
        descriptor = self._descriptor
        if descriptor is not None:
            full = self._size + coming > self._most_bytes // PARTS
            old = time.monotonic() - self._began > self._age_seconds / PARTS
            if not full and not old and os.fstat(descriptor).st_nlink:
                return descriptor
            self._end()
        self.sweep()
        name = f"{self._process}-{time.time_ns():020d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._folder / name, flags, 0o600)
        self._began, self._size = time.monotonic(), 0
        return self._descriptor

    def _end(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def line_of(span: Span, process: str) -> bytes:
    """Write a span as its line."""
    recording = span.recording
    parent = span.parent_id
    return orjson.dumps(
        {
            "trace_id": f"{recording.trace_id:032x}",
            "span_id": f"{span.span_id:016x}",
            "parent_id": None if parent is None else f"{parent:016x}",
            "name": span.name,
            "kind": span.kind,
            "process": process,
            "start_ns": span.start_ns,
            "took_ns": span.took_ns,
            "failure": span.failure,
            "kept": recording.decision,
            "attributes": span.attributes,
        },
        option=orjson.OPT_APPEND_NEWLINE,
        default=list,
    )


def read_spans(
    folder: Path, containing: str = "", *, age_seconds: float = AGE_SECONDS
) -> list[dict[str, Any]]:
    """Give the spans of all processes that ended within the age, by their start.

    With `containing` only those whose line has the text. Of two with one id the later line counts:
    an experiment that was retried is written again. Torn lines are passed over.
    """
    oldest = time.time_ns() - int(age_seconds * 1e9)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in _lines(folder, containing.encode()):
        with suppress(ValueError, KeyError, TypeError):
            span = orjson.loads(line)
            if span["start_ns"] + span["took_ns"] >= oldest:
                found[span["trace_id"], span["span_id"]] = span
    return sorted(found.values(), key=lambda span: int(span["start_ns"]))


def _lines(folder: Path, containing: bytes) -> Iterator[bytes]:
    for path, _ in sorted(_segments(folder), key=lambda one: one[1].st_mtime):
        with suppress(FileNotFoundError), path.open("rb") as file:  # swept away meanwhile
            yield from (line for line in file if containing in line)


def _segments(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):
            yield path, path.stat()


Line = Mapping[str, Any]
"""A span as it was read."""
