"""The runner leases chunks, runs them, finishes experiments, and hands back what it holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection

from llm_research_lab import models
from llm_research_lab.commands.execution import Desk, Executor, LocalExecutor
from llm_research_lab.commands.execution.finishing import finish, finishable
from llm_research_lab.commands.lab import Lab
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.models import Provider
from llm_research_lab.storage.relational import experiments, queue
from llm_research_lab.storage.relational.queue import LEASE_MS, Lease
from llm_research_lab.telemetry.context import begin
from llm_research_lab.telemetry.events import emit
from llm_research_lab.telemetry.running import RunnerInstruments
from llm_research_lab.vocabulary import UnavailableError

IDLE_SECONDS = 0.1
"""Between two looks at the queue while nothing waits, or there is no room."""

RENEW_SECONDS = LEASE_MS / 1000 / 4

LOOK_SECONDS = 1.0
"""Between two looks for experiments that others left unfinished, and at the depth of the queue."""

TROUBLE_SECONDS = 1.0
"""Between two tries while the store is locked or the disk is full."""

HAND_BACK_SECONDS = 2.0
"""What the store gets, after the drain, to take what is handed back; then the leases expire."""

DEFAULT_SLOTS = 4
"""Sizes the first chunk of a model of which nothing is known yet. Source: `Limits.concurrency`."""


@dataclass(slots=True)
class Runner:
    """One a process. `run` ends when `stop` is set and everything held is stored or handed back."""

    lab: Lab
    executor: Executor
    worker: str
    instruments: RunnerInstruments
    drain_seconds: float = 10.0
    renew_seconds: float = RENEW_SECONDS
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[asyncio.Task[None], Lease] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a chunk has ended: its experiment may be complete."""

    async def run(self) -> None:
        """Serve until stopped."""
        tasks = [
            asyncio.create_task(self._over_and_over(work, pause), name=name)
            for name, work, pause in (
                ("renew", self._renew, self._until_renewal),
                ("finish", self._finish, self._until_ended),
            )
        ]
        try:
            while not self.stop.is_set():
                if not await self._tried(self._lease_one):
                    await self._first(IDLE_SECONDS, self.stop.wait(), self.executor.room())
        finally:
            await self._drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _over_and_over(
        self, work: Callable[[], Awaitable[bool]], pause: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await pause()
            await self._tried(work)

    async def _tried(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do the work; False when the store cannot take it now, after a pause."""
        try:
            return await work()
        except UnavailableError as trouble:
            await self._trouble(trouble)
            return False

    async def _lease_one(self) -> bool:
        """Take one more chunk, if there is one and there is room for it."""
        without = self.executor.full()
        if not await self.lab.database.read(lambda c: queue.waits(c, without)):
            return False
        slots = self.executor.slots()
        lease = await self.lab.database.write(
            lambda c: queue.lease(c, self.worker, DEFAULT_SLOTS, without=without, slots_of=slots)
        )
        if lease is None:
            return False
        task = asyncio.create_task(self._run(lease), name=f"chunk {lease.chunk_id}")
        self.held[task] = lease
        task.add_done_callback(self._let_go)
        await asyncio.sleep(0)  # the executor counts the chunk before the next look
        return True

    def _let_go(self, task: asyncio.Task[None]) -> None:
        del self.held[task]
        self.ended.set()

    async def _run(self, lease: Lease) -> None:
        begin(**lease.ids)  # the task is the lease's own: it ends with it
        try:
            await self.executor.run(lease)
        except UnavailableError as trouble:
            await self._trouble(trouble)
        except Exception as error:  # noqa: BLE001 - recorded as the experiment's end
            await self._break(lease, error)

    async def _break(self, lease: Lease, error: Exception) -> None:
        """An experiment that cannot be run at all is failed, with the reason; never retried."""
        why = f"{type(error).__name__}: {error}"

        async def work() -> bool:
            await self._finish_one(lease.experiment_id, why)
            return True

        emit("experiment.broken", why=why, exception=error)
        self.instruments.broke()
        while not await self._tried(work) and not self.stop.is_set():
            pass

    async def _until_renewal(self) -> None:
        await asyncio.sleep(self.renew_seconds)

    async def _renew(self) -> bool:
        """Extend what is held; what another has taken meanwhile is given up at once."""
        pairs = [(lease.chunk_id, lease.fence) for lease in self.held.values()]
        if not pairs:
            return False
        kept = await self.lab.database.write(partial(queue.renew, held=pairs))
        lost = {pair for pair, alive in zip(pairs, kept, strict=True) if not alive}
        for task, lease in list(self.held.items()):
            if (lease.chunk_id, lease.fence) in lost:
                task.cancel()
        return True

    async def _until_ended(self) -> None:
        await self._first(LOOK_SECONDS, self.ended.wait())
        self.ended.clear()

    async def _finish(self) -> bool:
        found, counts, pending = await self.lab.database.read(_standing)
        self.instruments.waiting(counts.get("queued", 0), counts.get("running", 0), pending)
        for experiment_id in found:
            await self._finish_one(experiment_id)
        return bool(found)

    async def _finish_one(self, experiment_id: str, broken: str | None = None) -> None:
        ended = await finish(self.lab, experiment_id, broken)
        if ended is not None:
            seconds = ended.duration_ms / 1000
            self.instruments.ended(ended.status, ended.experiment_type, ended.samples, seconds)

    async def _trouble(self, trouble: UnavailableError) -> None:
        emit("store.unavailable", trouble=str(trouble))
        self.instruments.troubled()
        await self._first(TROUBLE_SECONDS, self.stop.wait())

    async def _first(self, seconds: float, *events: Coroutine[Any, Any, Any]) -> None:
        """Wait for any of the events, at most so long."""
        tasks = [asyncio.ensure_future(event) for event in events]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _drain(self) -> None:
        """Let the calls in flight end within `drain_seconds`; then cancel, which hands back."""
        self.executor.drain()
        if self.held:
            _, late = await asyncio.wait(list(self.held), timeout=self.drain_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=HAND_BACK_SECONDS)


def _standing(connection: Connection) -> tuple[list[str], dict[str, int], int]:
    """What can be finished, and what waits."""
    return (
        finishable(connection),
        experiments.counts(connection),
        experiments.samples_pending(connection),
    )


async def run_runner(
    lab: Lab,
    stop: asyncio.Event,
    drain_seconds: float = 10.0,
    *,
    provider_for: Callable[[ModelEntry], Provider] = models.provider_for,
) -> None:
    """Run a runner over the lab until `stop` is set."""
    instruments = RunnerInstruments(lab.instruments)
    desk = Desk(lab.database)
    desk.open()
    executor = LocalExecutor(lab, desk, provider_for, instruments)
    worker = f"{lab.new_id('run')}-{os.getpid()}"
    try:
        await Runner(lab, executor, worker, instruments, drain_seconds, stop=stop).run()
    finally:
        await desk.close(HAND_BACK_SECONDS)
        await executor.close()
