"""JSON Lines' bytes become rows of values by name: one strict object a line, constant memory.

Blank lines are skipped; a carriage return is white space, so CRLF is fine. Refused are NaN and
infinities, doubled keys, lone surrogates, NUL, and integers or nesting that a reader of 64 bits
or a shallow stack could not keep. Source: RFC 8259, RFC 7493 (I-JSON), jsonlines.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from llm_research_lab.experiments.rows.encoding import nul_refusal, refusal, without_bom
from llm_research_lab.experiments.rows.json_laws import DEPTH, is_plain, kind_of, trouble_of
from llm_research_lab.experiments.rows.row import (
    BLOCK_BYTES,
    ROW_BYTES,
    Row,
    at_character,
    at_line,
    broken,
    too_long,
)
from llm_research_lab.experiments.schema import COLUMNS
from llm_research_lab.vocabulary import Finding

_LINE_END = 2
_NOT_NUMBERS = (b"NaN", b"Infinity", b"-Infinity")
_DEEP = "depth limit"
_INFINITE = "number is infinity"


class JsonReader:
    """Every line is an object of its own; a broken one is a finding and the next is read."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] | None = None
        self.broken = False
        self._some = False
        self._held = bytearray()
        self._unread = 0
        self._line = 1
        self._offset = 0
        self._skipping = False
        self._labels: set[str] = set()

    def feed(self, data: bytes) -> list[Row]:
        """Take more bytes; give the rows that they complete."""
        rows: list[Row] = []
        for start in range(0, len(data), BLOCK_BYTES):
            if self.broken:
                break
            piece = data[start : start + BLOCK_BYTES]
            self._held += piece
            self._unread += len(piece)
            if self._unread >= BLOCK_BYTES:
                rows += self._read(last=False)
        return rows

    def finish(self) -> list[Row]:
        """Take the end of the file; give the rows that are left."""
        rows = [] if self.broken else list(self._read(last=True))
        if not self._some and not self.broken:
            self.broken = True
            message = "expected at least one row, got none"
            fix = "write one JSON object a line"
            rows.append(broken(at_line(1), "empty-file", message, fix, line=1))
        return rows

    def _read(self, *, last: bool) -> Iterator[Row]:
        """Take the whole lines out of what is held; a line that grows too long is skipped."""
        self._unread = 0
        if self._offset == 0:
            block = without_bom(bytes(self._held))
            self._offset = len(self._held) - len(block)
        else:
            block = bytes(self._held)
        lines = block.split(b"\n")
        left = b"" if last else lines.pop()
        if last and not lines[-1]:
            lines.pop()
        self._held = bytearray(left)
        yield from self._lines(lines)
        if self._skipping:
            self._offset += len(left)
            self._held.clear()
        elif len(left) > ROW_BYTES + _LINE_END:
            yield self._too_long()
            self._offset += len(left)
            self._held.clear()
            self._skipping = True

    def _lines(self, lines: list[bytes]) -> Iterator[Row]:
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > ROW_BYTES and len(line.rstrip(b"\r")) > ROW_BYTES:
                yield self._too_long()
            elif row := self._row(line):
                self._some = True
                yield row
                if self.broken:
                    return
            self._line += 1
            self._offset += len(line) + 1

    def _too_long(self) -> Row:
        self._some = True
        return too_long(self._line, at_line(self._line), "split the row")

    def _row(self, line: bytes) -> Row | None:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            return self._refused(line, error) if line.strip() else None
        if type(value) is not dict:
            message = f"expected a JSON object, got {kind_of(value)}"
            fix = 'write {"column": value, …} on each line'
            return broken(at_line(self._line), "row-type", message, fix, line=self._line)
        finding = self._examined(value, line)
        return Row(self._line, None if finding else value, finding)

    def _examined(self, row: dict[str, Any], line: bytes) -> Finding | None:
        """Check what the parser lets pass; a row with the names of one before is told quickly."""
        if row.keys() <= self._labels and is_plain(row, line):
            return None
        finding = trouble_of(row, line, self._line)
        if finding is None and len(self._labels) < COLUMNS:
            self._labels.update(row)
        return finding

    def _refused(self, line: bytes, error: orjson.JSONDecodeError) -> Row:
        """Say why a line is no JSON."""
        try:
            line.decode()
        except UnicodeDecodeError as wrong:
            self.broken = True
            message, fix = refusal(line, wrong.start, self._offset)
            character = len(line[: wrong.start].decode()) + 1
            where = at_character(self._line, character)
            return broken(where, "encoding", message, fix, line=self._line)
        law, message, fix = _why(line, error)
        if law == "nul":
            self.broken = True
        where = at_character(self._line, error.pos + 1)
        return broken(where, law, message, fix, line=self._line)


def _why(line: bytes, error: orjson.JSONDecodeError) -> tuple[str, str, str]:
    """Give law, message and fix of what the parser refused."""
    if b"\0" in line:
        return "nul", *nul_refusal(line.decode())
    text = line.decode()
    if text[error.pos :].encode().startswith(_NOT_NUMBERS):
        return (
            "number",
            "expected a finite number, got NaN or an infinity",
            "write null, or quote it",
        )
    if error.msg.startswith(_INFINITE):
        return "number", "expected a number of 64 bits, got a larger one", "write it as text"
    if error.msg.startswith(_DEEP):
        return "depth", f"expected at most {DEPTH} levels of nesting, got more", "nest less"
    if "surrogate" in error.msg:
        message = "expected text that UTF-8 can hold, got half of a surrogate pair"
        return "utf-8", message, "write the whole pair, or the character itself"
    return "json", f"expected one JSON object a line, got: {error.msg}", "mend the JSON here"
