"""The desk gathers what running samples ask of the ledger, and asks it in one transaction a time.

While one batch commits the next one gathers, so the number of commits depends on the disk, not on
the number of samples in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from llm_research_lab.storage.relational import Database, ledger, queue
from llm_research_lab.storage.relational.ledger import Admission, Intent, Outcome, Retraction
from llm_research_lab.vocabulary import UnavailableError

RETRY_SECONDS = 0.5
"""Between two tries while the store is full or locked; nothing is dropped meanwhile."""

BATCH = 200
"""Wishes of one transaction: some 20 ms of the write lock, as the writer's own groups take."""


@dataclass(frozen=True, slots=True)
class Return:
    """A lease to be handed back, after all that was asked under it before."""

    chunk_id: int
    fence: int


Asked = Intent | Outcome | Retraction | Return


@dataclass(slots=True)
class _Wish:
    """What is asked, and who waits for the answer; nobody, when the future is cancelled."""

    asked: Asked
    answer: asyncio.Future[Any]


class Desk:
    """One a process. `open` starts it; `close` ends it after the last batch is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering: deque[_Wish] = deque()
        self._wake = asyncio.Event()
        self._closing_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        """Why the last batch could not be stored yet; None when all is well."""

    def open(self) -> None:
        """Start serving, in the running event loop."""
        self._task = asyncio.create_task(self._serve(), name="desk")

    async def close(self, patience_seconds: float = 0.0) -> None:
        """Store what is gathered, then stop; give up what the store refuses for so long.

        Whoever waits for what is given up gets UnavailableError. A later wish raises it.
        """
        if self._closing_at is None:
            self._closing_at = time.monotonic() + patience_seconds
        self._wake.set()
        if self._task is not None:
            await self._task

    def admit(self, intent: Intent) -> asyncio.Future[Admission]:
        """Ask whether the call may be made; a ``go`` is written down when this is done.

        A ``go`` that nobody waits for any more is taken back.
        """
        answer: asyncio.Future[Admission] = self._ask(intent)
        return answer

    def record(self, outcome: Outcome) -> asyncio.Future[bool]:
        """Store a result; False when the lease was lost and the result therefore dropped."""
        answer: asyncio.Future[bool] = self._ask(outcome)
        return answer

    def retract(self, retraction: Retraction) -> asyncio.Future[None]:
        """Take back a call that ended without an answer, or that was not made."""
        answer: asyncio.Future[None] = self._ask(retraction)
        return answer

    def hand_back(self, chunk_id: int, fence: int) -> asyncio.Future[None]:
        """Return a lease, after all that was asked under it before."""
        answer: asyncio.Future[None] = self._ask(Return(chunk_id, fence))
        return answer

    def _ask(self, asked: Asked) -> asyncio.Future[Any]:
        if self._task is None or self._task.done():
            raise UnavailableError("desk", "an open desk", "a closed one", "start the runner again")
        wish = _Wish(asked, asyncio.get_running_loop().create_future())
        self._gathering.append(wish)
        self._wake.set()
        return wish.answer

    async def _serve(self) -> None:
        while self._closing_at is None or self._gathering:
            await self._wake.wait()
            self._wake.clear()
            while self._gathering:
                most = min(BATCH, len(self._gathering))
                await self._store([self._gathering.popleft() for _ in range(most)])

    async def _store(self, batch: Sequence[_Wish]) -> None:
        """Store a batch; one that cannot be stored whole is stored wish by wish."""
        try:
            answers = await self._written([wish.asked for wish in batch])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            if len(batch) > 1 and not isinstance(error, UnavailableError):
                for wish in sorted(batch, key=lambda wish: _order(wish.asked)):
                    await self._store([wish])
                return
            for wish in batch:
                if not wish.answer.done():
                    wish.answer.set_exception(error)
            return
        for wish, answer in zip(batch, answers, strict=True):
            self._answer(wish, answer)

    def _answer(self, wish: _Wish, answer: Any) -> None:
        """Tell who waits. A call that was admitted for nobody is retracted."""
        if not wish.answer.done():
            wish.answer.set_result(answer)
        elif isinstance(wish.asked, Intent) and answer.outcome == "go":
            self.retract(Retraction(wish.asked, 0)).cancel()

    async def _written(self, asked: Sequence[Asked]) -> list[Any]:
        while True:
            try:
                answers = await self._database.write(lambda c: _carry_out(c, asked))
            except UnavailableError as trouble:
                self.trouble = str(trouble)
                if self._closing_at is not None and time.monotonic() >= self._closing_at:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.trouble = None
                return answers


def _carry_out(connection: Connection, asked: Sequence[Asked]) -> list[Any]:
    """Settle first, then admit: what was released can be reserved again at once."""
    answers: dict[int, Any] = {}
    for kind, work in _WORK:
        mine = [(place, one) for place, one in enumerate(asked) if isinstance(one, kind)]
        if mine:
            given = work(connection, [one for _, one in mine])
            answers.update(zip((place for place, _ in mine), given, strict=True))
    return [answers[place] for place in range(len(asked))]


def _retract(connection: Connection, retractions: Sequence[Retraction]) -> list[None]:
    ledger.retract(connection, retractions)
    return [None] * len(retractions)


def _hand_back(connection: Connection, returns: Sequence[Return]) -> list[None]:
    queue.hand_back(connection, [(one.chunk_id, one.fence) for one in returns])
    return [None] * len(returns)


_WORK: tuple[tuple[type, Callable[[Connection, Any], Sequence[Any]]], ...] = (
    (Outcome, ledger.record),
    (Retraction, _retract),
    (Return, _hand_back),
    (Intent, ledger.admit),
)
"""In the order in which a batch is carried out. A return comes after all of its lease's own."""


def _order(asked: Asked) -> int:
    return next(place for place, (kind, _) in enumerate(_WORK) if isinstance(asked, kind))
