"""The desk gathers what running samples ask of the ledger, and asks it in one transaction a time.

While one batch commits the next one gathers, so the number of commits depends on the disk, not on
the number of samples in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from llm_research_lab.storage.relational import Database, ledger
from llm_research_lab.storage.relational.ledger import Admission, Intent, Outcome, Retraction
from llm_research_lab.vocabulary import UnavailableError

T = TypeVar("T")

RETRY_SECONDS = 0.5
"""Between two tries while the store is full or locked; nothing is dropped meanwhile."""


@dataclass(slots=True)
class _Batch:
    intents: list[Intent] = field(default_factory=list)
    admitted: list[asyncio.Future[Admission]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    recorded: list[asyncio.Future[bool]] = field(default_factory=list)
    retractions: list[Retraction] = field(default_factory=list)
    retracted: list[asyncio.Future[None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.intents or self.outcomes or self.retractions)


class Desk:
    """One a process. `open` starts it; `close` ends it after the last batch is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering = _Batch()
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        """Why the last batch could not be stored yet; None when all is well."""

    def open(self) -> None:
        """Start serving, in the running event loop."""
        self._task = asyncio.create_task(self._serve(), name="desk")

    async def close(self) -> None:
        """Store what is gathered, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def admit(self, intent: Intent) -> Admission:
        """Ask whether the call may be made; a ``go`` is written down when this returns."""
        future: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        self._gathering.intents.append(intent)
        self._gathering.admitted.append(future)
        self._wake.set()
        return await future

    async def record(self, outcome: Outcome) -> bool:
        """Store a result; False when the lease was lost and the result therefore dropped."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._gathering.outcomes.append(outcome)
        self._gathering.recorded.append(future)
        self._wake.set()
        return await future

    async def retract(self, retraction: Retraction) -> None:
        """Take back a call that ended without an answer."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathering.retractions.append(retraction)
        self._gathering.retracted.append(future)
        self._wake.set()
        await future

    async def _serve(self) -> None:
        while not (self._closing and not self._gathering):
            await self._wake.wait()
            self._wake.clear()
            while self._gathering:
                batch, self._gathering = self._gathering, _Batch()
                await self._store(batch)

    async def _store(self, batch: _Batch) -> None:
        while True:
            try:
                recorded, admitted = await self._database.write(lambda c: _carry_out(c, batch))
            except UnavailableError as trouble:
                self.trouble = str(trouble)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for this batch
                _fail(batch, error)
                return
            else:
                self.trouble = None
                _answer(batch.recorded, recorded)
                _answer(batch.admitted, admitted)
                _answer(batch.retracted, [None] * len(batch.retracted))
                return


def _carry_out(connection: Connection, batch: _Batch) -> tuple[list[bool], list[Admission]]:
    """Settle first, then admit: what was released can be reserved again at once."""
    recorded = ledger.record(connection, batch.outcomes) if batch.outcomes else []
    if batch.retractions:
        ledger.retract(connection, batch.retractions)
    return recorded, ledger.admit(connection, batch.intents) if batch.intents else []


def _answer(futures: Sequence[asyncio.Future[T]], values: Sequence[T]) -> None:
    for future, value in zip(futures, values, strict=True):
        if not future.done():
            future.set_result(value)


def _fail(batch: _Batch, error: Exception) -> None:
    for future in (*batch.admitted, *batch.recorded, *batch.retracted):
        if not future.done():
            future.set_exception(error)
