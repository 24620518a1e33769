"""CSV's bytes become rows of text cells: RFC 4180, any line end, UTF-8, in constant memory.

Blank lines are skipped, as by csv.DictReader and pandas. A wrong quote ends the reading: what
follows it cannot be told apart. Words of findings: Frictionless (extra-cell, missing-cell,
duplicate-label, blank-label). Source: RFC 4180; the csv module's reader splits the cells.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, repeat

from llm_research_lab.experiments.rows.encoding import nul_refusal, refusal, without_bom
from llm_research_lab.experiments.rows.quoting import Quoting, examine, record_bytes
from llm_research_lab.experiments.rows.row import (
    BLOCK_BYTES,
    ROW_BYTES,
    TOO_MANY_COLUMNS,
    Row,
    at_character,
    at_column,
    at_line,
    broken,
    quoted,
    too_long,
)
from llm_research_lab.experiments.schema import COLUMNS, NAME_CHARACTERS

csv.field_size_limit(max(csv.field_size_limit(), ROW_BYTES))
# The csv module's own limit, 128 KiB a cell, is the process's; it is only ever raised, and rows
# are measured before they come here.

_LINE_END = 2
_QUOTE_FIX = 'put the whole cell in quotes, and write each quote in it twice: ""'
_TROUBLES = {
    "bare-quote": ("expected no quote inside an unquoted cell, got one", _QUOTE_FIX),
    "after-quote": ("expected a comma or line end after the closing quote", _QUOTE_FIX),
    "open-quote": (
        "expected a closing quote, got the end of the file",
        "close the quote that opens here",
    ),
}


class CsvReader:
    """The first row that is not blank is the header; every other has as many cells."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] | None = None
        self.broken = False
        self._some = False
        self._held = bytearray()
        self._unread = 0
        self._line = 1
        self._offset = 0

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
            law, got = ("empty-file", "nothing") if self.names is None else ("no-rows", "no row")
            message = f"expected a header and at least one row, got {got}"
            line = self._line
            rows.append(broken(at_line(line), law, message, "add the rows", line=line))
        return rows

    def _read(self, *, last: bool) -> Iterator[Row]:
        """Take the whole rows out of what is held, then say what is wrong with the next."""
        self._unread = 0
        block = bytes(self._held)
        if self._offset == 0:
            short_block = without_bom(block)
            self._offset = len(block) - len(short_block)
            block = short_block
        quoting = examine(block, last=last)
        whole = block[: quoting.complete]
        self._held = bytearray(block[quoting.complete :])
        if len(block) > ROW_BYTES and whole and record_bytes(whole) > ROW_BYTES:
            yield self._too_long(block)
            return
        yield from self._rows(whole)
        if not self.broken:
            yield from self._rest(block, quoting, last=last)

    def _rest(self, block: bytes, quoting: Quoting, *, last: bool) -> Iterator[Row]:
        """Say what is wrong with the row that is not whole, if anything is."""
        left = block[quoting.complete :]
        if quoting.trouble and (last or quoting.trouble != "open-quote"):
            self.broken = True
            message, fix = _TROUBLES[quoting.trouble]
            line, where = self._place(left, quoting.at - quoting.complete)
            yield broken(where, quoting.trouble, message, fix, line=line)
        elif len(left) > ROW_BYTES + _LINE_END:
            yield self._too_long(left)

    def _rows(self, whole: bytes) -> Iterator[Row]:
        """Split sound whole rows into cells."""
        try:
            text = whole.decode()
        except UnicodeDecodeError as error:
            yield from self._not_utf8(whole, error)
            return
        self._offset += len(whole)
        rows, lines = self._split(text)
        if self.names is None:
            header = next((place for place, cells in enumerate(rows) if cells), None)
            if header is None:
                return
            yield from self._header(rows[header], lines[header])
            if self.broken:
                return
            rows, lines = rows[header + 1 :], lines[header + 1 :]
        yield from self._checked(rows, lines, nul="\0" in text)

    def _split(self, text: str) -> tuple[list[list[str]], Sequence[int]]:
        """Give the rows' cells and the line on which each starts."""
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        first = self._line
        if '"' not in text:
            rows = list(reader)
            self._line += len(rows)
            return rows, range(first, self._line)
        rows, lines, before = [], [], 0
        for cells in reader:
            rows.append(cells)
            lines.append(first + before)
            before = reader.line_num
        self._line += before
        return rows, lines

    def _checked(self, rows: list[list[str]], lines: Sequence[int], *, nul: bool) -> Iterator[Row]:
        """Give rows that have as many cells as the header, and findings for the others."""
        names = self.names or ()
        self._some = self._some or any(rows)
        if not nul and set(map(len, rows)) <= {len(names)}:
            yield from map(Row._make, zip(lines, rows, repeat(None), strict=False))
            return
        for cells, line in zip(rows, lines, strict=True):
            if not cells:
                continue
            if len(cells) != len(names):
                yield _ragged(cells, names, line)
            elif nul and (place := _with_nul(cells)) is not None:
                yield _nul(cells, at_column(line, names[place], place + 1), line)
            else:
                yield Row(line, cells)

    def _header(self, cells: list[str], line: int) -> Iterator[Row]:
        """Take the names, or say all that is wrong with them; then nothing can be checked."""
        rows = list(_header_findings(cells, line))
        self.broken = bool(rows)
        self.names = None if rows else tuple(cells)
        yield from rows

    def _not_utf8(self, whole: bytes, error: UnicodeDecodeError) -> Iterator[Row]:
        """Give the rows before the one that holds the wrong byte, then the finding."""
        sound = examine(whole[: error.start], last=False).complete
        yield from self._rows(whole[:sound])
        if not self.broken:
            self.broken = True
            row, at = whole[sound:], error.start - sound
            line, where = self._place(row, at)
            message, fix = refusal(row, at, self._offset)
            yield broken(where, "encoding", message, fix, line=line)

    def _place(self, record: bytes, at: int) -> tuple[int, str]:
        """Find the line and the column of a byte in the row that comes next."""
        before = record[:at].decode(errors="replace")
        lines = io.StringIO(before, newline="").readlines() or [""]
        ended = lines[-1].endswith(("\r", "\n"))
        line = self._line + len(lines) - (0 if ended else 1)
        ordinal = len(next(csv.reader(io.StringIO(before + "x", newline="")))) if before else 1
        if self.names is not None and ordinal <= len(self.names):
            return line, at_column(line, self.names[ordinal - 1], ordinal)
        return line, at_character(line, 1 if ended else len(lines[-1]) + 1)

    def _too_long(self, record: bytes) -> Row:
        self.broken = True
        self._held.clear()
        fix = "split the row"
        if record.count(b'"') % 2:
            fix = "close the quote that was opened in this row, or split the row"
        return too_long(self._line, at_line(self._line), fix)


def _header_findings(cells: list[str], line: int) -> Iterator[Row]:
    if len(cells) > COLUMNS:
        message = f"{TOO_MANY_COLUMNS}, got {len(cells)}"
        yield broken(at_line(line), "columns", message, "keep fewer columns", line=line)
        return
    times = Counter(cells)
    seen: set[str] = set()
    for ordinal, name in zip(count(1), cells, strict=False):
        where = at_column(line, name, ordinal)
        if "\0" in name:
            yield _nul(cells, where, line)
        elif not name.strip():
            message = "expected a name, got a blank one"
            yield broken(where, "blank-label", message, "name the column", line=line)
        elif len(name) > NAME_CHARACTERS:
            message = f"expected a name of at most {NAME_CHARACTERS} characters, got {len(name)}"
            yield broken(where, "label-length", message, "shorten the name", line=line)
        elif name in seen:
            message = f"expected each name once, got {quoted(name)} {times[name]} times"
            yield broken(where, "duplicate-label", message, "rename the column", line=line)
        seen.add(name)


def _ragged(cells: list[str], names: tuple[str, ...], line: int) -> Row:
    """Say where a row ends too soon, or goes on too long."""
    got, expected = len(cells), len(names)
    message = f"expected {expected} cells, got {got}"
    if got < expected:
        where = at_column(line, names[got], got + 1)
        return broken(where, "missing-cell", message, "add the missing cells", line=line)
    where = f"line {line}, column {expected + 1}"
    fix = "remove the extra cells, or quote the cell that holds a comma"
    return broken(where, "extra-cell", message, fix, line=line)


def _with_nul(cells: list[str]) -> int | None:
    return next((place for place, cell in enumerate(cells) if "\0" in cell), None)


def _nul(cells: list[str], where: str, line: int) -> Row:
    message, fix = nul_refusal(",".join(cells))
    return broken(where, "nul", message, fix, line=line)
