"""A file becomes a dataset's object when every row keeps the schema; else nothing of it stays.

The object's digest is of the canonical content: schema and rows. So one table is one version,
sent as CSV or as JSON Lines. Memory is constant: a schema that must be inferred costs a second pass
over a file without a name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import orjson

from llm_research_lab.commands.lab import Lab
from llm_research_lab.experiments.rows import (
    CsvCheck,
    Findings,
    Format,
    Inference,
    JsonCheck,
    Row,
    Statistics,
    reader_for,
    row_lines,
    schema_line,
)
from llm_research_lab.experiments.schema import Schema
from llm_research_lab.storage.objects import ObjectWriter
from llm_research_lab.storage.objects.lines import LineWriter, read_lines
from llm_research_lab.storage.private import explained
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import Finding, InvalidError

T = TypeVar("T")

_OBJECTS = "object_operation_duration_seconds"

PIECE_BYTES = 1 << 18
"""Bytes handed to the thread at once: enough that the hand-over costs nothing."""

_EXPECTED = {
    "csv": "CSV (RFC 4180, UTF-8, with a header) whose every row keeps the schema",
    "jsonl": "JSON Lines (UTF-8, an object a line) whose every row keeps the schema",
}


@dataclass(frozen=True, slots=True)
class Received:
    """What was kept. `bytes` are those of the canonical content."""

    digest: str
    schema: Schema
    rows: int
    bytes: int
    statistics: dict[str, Any]


async def receive(
    lab: Lab,
    chunks: AsyncIterator[bytes],
    format: Format,  # noqa: A002 - the word of the API and the tables
    schema: Schema | None,
) -> Received:
    """Keep a file's rows as an object; it is on the disk when this returns.

    Raises InvalidError with the first findings and their total: of the file's form, when the schema
    must be inferred and the form is wrong, else of form and types together. UnavailableError when
    the disk is full. A file that breaks off in `chunks`, or a cancellation, leaves nothing either.
    """
    stack = ExitStack()
    try:
        if schema is None:
            survey = _Survey(format, stack.enter_context(lab.objects.scratch()))
            await _hand_over(chunks, survey.feed)
            schema = await _in_thread(survey.finish)
            chunks = survey.again()
        keeping = _Keeping(
            format,
            schema,
            stack.enter_context(lab.objects.writing()),
            lab.instruments.histogram(_OBJECTS)[("write",)].observe,
        )
        await _hand_over(chunks, keeping.feed)
        return await _in_thread(keeping.finish)
    finally:
        await _in_thread(stack.close)


def rows(lab: Lab, digest: str, first: int, count: int) -> list[Mapping[str, Any]]:
    """Give rows of a kept file from the first (from 0) on: fewer where they end. Blocks.

    Costs what the rows cost: the index leads to them. NotFoundError when nothing has the digest.
    """
    began = time.perf_counter()
    with lab.objects.open(digest) as file:
        found = [orjson.loads(line) for line in read_lines(file, first, count)]
    lab.instruments.histogram(_OBJECTS)[("read",)].observe(time.perf_counter() - began)
    return found


class _Survey:
    """The first pass: writes the bytes down, looks at every row, and infers the schema."""

    def __init__(self, format: Format, scratch: BinaryIO) -> None:  # noqa: A002 - as above
        self._format = format
        self._scratch = scratch
        self._reader = reader_for(format)
        self._inference: Inference | None = None
        self._findings = Findings()

    def feed(self, data: bytes) -> bool:
        """Take more bytes; False once the rest need not come."""
        if not self._findings.total:
            try:
                self._scratch.write(data)
            except OSError as error:
                raise explained(error, Path("the data directory")) from error
        self._take(self._reader.feed(data))
        return not self._reader.broken

    def finish(self) -> Schema:
        """Take the end, go back to the start, and give the schema; or raise InvalidError."""
        self._take(self._reader.finish())
        schema = None if self._inference is None else self._inference.schema()
        if not self._findings.total and (schema is None or not schema.columns):
            message = "expected at least one column, got none"
            self._findings.add(Finding("line 1", "columns", message, "name a column"))
        if self._findings.total or schema is None:
            raise refusal(self._format, self._findings)
        try:
            self._scratch.seek(0)  # writes what is still held
        except OSError as error:
            raise explained(error, Path("the data directory")) from error
        return schema

    async def again(self) -> AsyncIterator[bytes]:
        """Give the bytes once more."""
        while data := await _in_thread(self._scratch.read, PIECE_BYTES):
            yield data

    def _take(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if self._inference is None:
            self._inference = Inference(self._reader.names)
        self._findings.add_of(rows)
        if not self._findings.total:
            self._inference.take(rows)
            if self._inference.finding is not None:
                self._findings.add(self._inference.finding)


class _Keeping:
    """The last pass: checks every row and writes it in its canonical form."""

    def __init__(
        self,
        format: Format,  # noqa: A002 - as above
        schema: Schema,
        writer: ObjectWriter,
        committed: Callable[[float], None],
    ) -> None:
        self._format = format
        self._schema = schema
        self._writer = writer
        self._committed = committed
        self._lines = LineWriter(writer, schema_line(schema))
        self._reader = reader_for(format)
        self._check: CsvCheck | JsonCheck | None = None
        self._findings = Findings()
        self._statistics = Statistics(schema)

    def feed(self, data: bytes) -> bool:
        """Take more bytes; False once the rest need not come."""
        self._take(self._reader.feed(data))
        return not self._reader.broken

    def finish(self) -> Received:
        """Commit the object, or raise InvalidError."""
        self._take(self._reader.finish())
        if self._findings.total:
            raise refusal(self._format, self._findings)
        written = self._lines.finish()
        crash_point("receiving.written")
        began = time.perf_counter()
        self._writer.commit(written.digest)
        self._committed(time.perf_counter() - began)
        crash_point("receiving.kept")
        return Received(
            written.digest, self._schema, written.lines, written.bytes, self._statistics.result()
        )

    def _take(self, rows: Sequence[Row]) -> None:
        if self._format == "csv" and self._reader.names is None:
            self._findings.add_of(rows)  # there is no header, or none that rows could be read by
            return
        if not rows:
            return
        if self._check is None:
            self._check = self._checking()
        columns = self._check.take(rows)
        if columns is not None:
            self._statistics.take(columns)
            self._lines.write(row_lines(self._schema.names, columns))

    def _checking(self) -> CsvCheck | JsonCheck:
        if self._reader.names is None:
            return JsonCheck(self._schema, self._findings)
        return CsvCheck(self._schema, self._reader.names, self._findings)


def refusal(format: Format, findings: Findings) -> InvalidError:  # noqa: A002 - as above
    """Say what is wrong with a file: the first finding in words, the first twenty as they are."""
    first = findings.first[0]
    number = "1 finding" if findings.total == 1 else f"{findings.total} findings, the first"
    return InvalidError(
        first.where,
        _EXPECTED[format],
        f"{number}: {first.message}",
        first.fix,
        tuple(findings.first),
        findings.total,
    )


async def _hand_over(chunks: AsyncIterator[bytes], feed: Callable[[bytes], bool]) -> None:
    """Feed the chunks, a few together, on another thread, until they end or enough is known."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= PIECE_BYTES:
            if not await _in_thread(feed, bytes(held[:PIECE_BYTES])):
                return
            del held[:PIECE_BYTES]
    if held:
        await _in_thread(feed, bytes(held))


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Run on another thread, and let no cancellation overtake it: it uses what is cleaned up."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # seen; the cancellation is what is raised
        raise
