"""A dataset is checked while it streams in, kept whole or not at all, and never changes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from llm_research_lab.audit import AuditOutcome, data_access
from llm_research_lab.commands import versioned, views
from llm_research_lab.commands.access import origin_of, require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import FORGOTTEN, Made, Once, Said, keep
from llm_research_lab.commands.paging import Page, cut
from llm_research_lab.commands.receiving import Received, receive
from llm_research_lab.commands.receiving import rows as rows_at
from llm_research_lab.commands.refusals import refused
from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.schema import Schema, read_schema, schema_to_json
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import audit_log, idempotency, now_ms
from llm_research_lab.storage.relational.tables import datasets
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary import NotFoundError, UnavailableError, checked_name

Format = Literal["csv", "jsonl"]

_abandoning: set[asyncio.Task[None]] = set()
"""Claims being given back whose requests are gone; held here so that they end."""


async def add(  # noqa: PLR0917 - an upload is all of these
    lab: Lab,
    caller: Caller,
    name: str,
    format: Format,  # noqa: A002 - the query's word
    schema: dict[str, Any] | None,
    chunks: AsyncIterator[bytes],
    once: Once,
) -> Made:
    """Keep the rows as a version: 201, or 200 when a version has them already.

    An ``Idempotency-Key`` is claimed before the stream is read and given back if it fails;
    `once.digest` is of everything but the body. Raises InvalidError with the first findings.
    """
    name = checked_name(name, "path parameter name")
    await require(lab, caller, "datasets.create", "dataset", name)
    upload = _Upload(name, format, _schema(schema), _Stream(chunks, once.digest), once)
    if once.key is None:
        return await _receive(lab, caller, upload)
    ended = await _claim(lab, caller.principal.user, once.key, once.digest)
    if ended is not None:
        return await _replay(ended, upload.stream)
    try:
        return await _receive(lab, caller, upload)
    except BaseException:
        await _abandon(lab, caller.principal.user, once.key)
        raise


async def listing(lab: Lab, caller: Caller, page: Page, owner: str | None = None) -> dict[str, Any]:
    """List versions, newest first."""
    await require(lab, caller, "datasets.read", "dataset", "*")
    rows, kind = await versioned.rows_of(lab, datasets, page, owner)
    return cut(rows, page, views.dataset, lambda row: versioned.mark_of(kind, row))


async def get(lab: Lab, caller: Caller, reference: str) -> dict[str, Any]:
    """Show one version: its schema and statistics, no rows."""
    await require(lab, caller, "datasets.read", "dataset", reference)
    return views.dataset(await versioned.find(lab, caller, datasets, reference))


async def preview(
    lab: Lab, caller: Caller, reference: str, offset: int, limit: int
) -> dict[str, Any]:
    """Show rows from the offset on. Audited as data access before they are read."""
    await require(lab, caller, "datasets.read", "dataset", reference)
    try:
        row = await versioned.find(lab, caller, datasets, reference)
    except NotFoundError:
        await _accessed(lab, caller, reference[:200], "failure")
        raise
    await _accessed(lab, caller, row.id, "success")
    lab.instruments.counter("dataset_access_total")[(caller.principal.user,)].inc()
    count = max(0, min(limit, row.rows - offset))
    items = await asyncio.to_thread(rows_at, lab, row.digest, offset, count) if count else []
    after = offset + count
    return {"items": items, "next_cursor": str(after) if count and after < row.rows else None}


async def _accessed(lab: Lab, caller: Caller, dataset_id: str, outcome: AuditOutcome) -> None:
    await lab.database.write(
        lambda c: audit_log.append(
            c, data_access(now_ms(c), origin_of(caller), dataset_id, outcome)
        )
    )


def _schema(given: dict[str, Any] | None) -> Schema | None:
    if given is None:
        return None
    schema, findings = read_schema(Source(given))
    if schema is None or findings:
        raise refused(findings)
    return schema


@dataclass(slots=True)
class _Stream:
    """The body as it comes, and the digest of the whole request once it has come."""

    chunks: AsyncIterator[bytes]
    head: str
    body: Any = field(default_factory=hashlib.sha256)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.chunks:
            self.body.update(chunk)
            yield chunk

    async def drained(self) -> str:
        """Read what is left, and give the digest."""
        async for _ in self:
            pass
        return self.digest()

    def digest(self) -> str:
        """SHA-256 of the head's digest and the body's."""
        return hashlib.sha256(f"{self.head} {self.body.hexdigest()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Upload:
    """What is to be kept under which name, and the request that asks for it."""

    name: str
    format: Format
    schema: Schema | None
    stream: _Stream
    once: Once


async def _claim(lab: Lab, user: str, key: str, head: str) -> idempotency.Ended | None:
    def unit(connection: Connection) -> idempotency.Ended | None:
        now = now_ms(connection)
        idempotency.forget(connection, now, FORGOTTEN)
        began = idempotency.begin_stream(connection, user, key, head, now)
        return began if isinstance(began, idempotency.Ended) else None

    return await lab.database.write(unit)


async def _replay(ended: idempotency.Ended, stream: _Stream) -> Made:
    """Answer as before, if the body is the one that came before: it is read to know."""
    if await stream.drained() != ended.digest:
        raise idempotency.other_request()
    return Made(ended.status, ended.body)


async def _abandon(lab: Lab, user: str, key: str) -> None:
    """Give the claim back, even when the request is being cancelled."""

    async def unclaim() -> None:
        with suppress(UnavailableError):  # then it lapses by itself
            await lab.database.write(lambda c: idempotency.abandon(c, user, key))

    task = asyncio.create_task(unclaim(), name="abandon an upload")
    _abandoning.add(task)
    task.add_done_callback(_abandoning.discard)
    await asyncio.shield(task)


async def _receive(lab: Lab, caller: Caller, upload: _Upload) -> Made:
    received = await receive(lab, aiter(upload.stream), upload.format, upload.schema)
    crash_point("datasets.received")
    version_id = lab.new_id("ds")

    def work(connection: Connection) -> Made:
        row, status = versioned.add(
            connection,
            caller,
            datasets,
            version_id=version_id,
            name=upload.name,
            digest=received.digest,
            own=_columns(received, upload.format),
        )
        shown, key = views.dataset(row), upload.once.key
        if key is not None:
            digest = upload.stream.digest()
            keep(connection, caller.principal.user, key, Said(shown, status), digest)
        return Made(status, orjson.dumps(shown))

    return await lab.database.write(work)


def _columns(received: Received, kind: Format) -> dict[str, Any]:
    return {
        "schema": schema_to_json(received.schema),
        "rows": received.rows,
        "bytes": received.bytes,
        "format": kind,
        "statistics": received.statistics,
    }
