"""The runner leases chunks, runs them, finishes experiments, and hands back what it holds."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field

from llm_research_lab.commands.execution import Desk, Executor, LocalExecutor
from llm_research_lab.commands.execution.finishing import finish, finishable
from llm_research_lab.commands.lab import Lab
from llm_research_lab.models import provider_for
from llm_research_lab.storage.relational import queue
from llm_research_lab.storage.relational.queue import LEASE_MS, Lease
from llm_research_lab.vocabulary import UnavailableError

IDLE_SECONDS = 0.1
"""Between two looks at the queue while nothing waits, or there is no room."""

RENEW_SECONDS = LEASE_MS / 1000 / 4

TROUBLE_SECONDS = 1.0
"""Between two tries while the store is locked or the disk is full."""


@dataclass(slots=True)
class Runner:
    """One a process. `run` ends when `stop` is set and everything held is stored or handed back."""

    lab: Lab
    executor: Executor
    worker: str
    drain_seconds: float = 10.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[asyncio.Task[None], Lease] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Serve until stopped."""
        heart = asyncio.create_task(self._renew(), name="renew")
        ender = asyncio.create_task(self._finish(), name="finish")
        try:
            while not self.stop.is_set():
                if not await self._lease_one():
                    await self._pause(IDLE_SECONDS)
        finally:
            await self._drain()
            for task in (heart, ender):
                task.cancel()
            await asyncio.gather(heart, ender, return_exceptions=True)

    async def _lease_one(self) -> bool:
        """Take one more chunk, if there is one and there is room for it."""
        without = self.executor.full()
        try:
            if not await self.lab.database.read(lambda c: queue.waits(c, without)):
                return False
            slots = self.executor.slots()
            lease = await self.lab.database.write(
                lambda c: queue.lease(c, self.worker, slots, without=without)
            )
        except UnavailableError as trouble:
            await self._trouble(trouble)
            return False
        if lease is None:
            return False
        task = asyncio.create_task(self._run(lease), name=f"chunk {lease.chunk_id}")
        self.held[task] = lease
        task.add_done_callback(self.held.pop)
        await asyncio.sleep(0)  # the executor counts the chunk before the next look
        return True

    async def _run(self, lease: Lease) -> None:
        try:
            await self.executor.run(lease)
        except Exception as error:  # noqa: BLE001 - recorded as the experiment's end
            await self._failed(lease, error)

    async def _failed(self, lease: Lease, error: Exception) -> None:
        """An experiment that cannot be run at all is failed, with the reason; never retried."""
        await finish(self.lab, lease.experiment_id, broken=f"{type(error).__name__}: {error}")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            pairs = [(lease.chunk_id, lease.fence) for lease in self.held.values()]
            if not pairs:
                continue
            try:
                alive = await self.lab.database.write(lambda c, p=pairs: queue.renew(c, p))
            except UnavailableError as trouble:
                await self._trouble(trouble)
                continue
            lost = {pair for pair, kept in zip(pairs, alive, strict=True) if not kept}
            for task, lease in list(self.held.items()):
                if (lease.chunk_id, lease.fence) in lost:
                    task.cancel()

    async def _finish(self) -> None:
        while True:
            try:
                for experiment_id in await self.lab.database.read(finishable):
                    await finish(self.lab, experiment_id)
            except UnavailableError as trouble:
                await self._trouble(trouble)
            await asyncio.sleep(IDLE_SECONDS)

    async def _trouble(self, trouble: UnavailableError) -> None:
        self.troubles.append(str(trouble))
        del self.troubles[:-10]
        await self._pause(TROUBLE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return

    async def _drain(self) -> None:
        """Let the calls in flight end within `drain_seconds`; then cancel, which hands back."""
        self.executor.drain()
        if self.held:
            _, late = await asyncio.wait(self.held, timeout=self.drain_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


async def run_runner(lab: Lab, stop: asyncio.Event, drain_seconds: float = 10.0) -> None:
    """Run a runner over the lab until `stop` is set."""
    desk = Desk(lab.database)
    desk.open()
    executor = LocalExecutor(lab, desk, provider_for)
    worker = f"{lab.new_id('run')}-{os.getpid()}"
    try:
        await Runner(lab, executor, worker, drain_seconds, stop).run()
    finally:
        await executor.close()
        await desk.close()
