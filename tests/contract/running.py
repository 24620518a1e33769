"""Experiments over a lab, scripted providers, and a runner that runs until they have ended."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import func, select, update
from tests.contract.commands.labs import ANN, add_dataset, add_model, add_prompt, create

from llm_research_lab.commands.execution import Desk, LocalExecutor
from llm_research_lab.experiments.result import Usage
from llm_research_lab.models import Answer, ProviderError, provider_for
from llm_research_lab.service.runner import run_runner
from llm_research_lab.storage.relational import experiments, queue
from llm_research_lab.storage.relational.tables import chunks, results
from llm_research_lab.telemetry.running import RunnerInstruments

PATIENCE = 60


def csv(rows):
    return b"country,capital\n" + b"".join(f"land {i},town {i}\n".encode() for i in range(rows))


def on_time(lab):
    """The lab with the real clock: a breaker and prices go by it."""
    return replace(lab, now=lambda: time.time_ns() // 1_000_000)


async def prepared(lab, rows=20, prompt="Town of {{ country }}?", who=ANN, **entry):
    await add_dataset(lab, who, data=csv(rows))
    await add_prompt(lab, who, text=prompt)
    if entry.get("provider", "echo") == "echo":
        answers = {"answer": [f"town {i}" for i in range(rows)]}
        entry["script"] = answers | entry.get("script", {})
    await add_model(lab, who, **entry)


async def experiment(lab, rows=20, who=ANN, fields=None, **entry):
    """Stock the lab and create one experiment: its id."""
    prompt = entry.pop("prompt", "Town of {{ country }}?")
    await prepared(lab, rows, prompt, who, **entry)
    return (await create(lab, who, **(fields or {})))["id"]


async def row(lab, experiment_id):
    return await lab.database.read(lambda c: experiments.get(c, experiment_id))


async def found(lab, experiment_id):
    """The results by sample."""
    query = select(results).where(results.c.experiment_id == experiment_id)
    rows = await lab.database.read(lambda c: c.execute(query.order_by(results.c.sample)).all())
    return {one.sample: one for one in rows}


async def count(lab, table):
    return await lab.database.read(lambda c: c.scalar(select(func.count()).select_from(table)))


async def states(lab):
    query = select(chunks.c.state).order_by(chunks.c.id)
    return await lab.database.read(lambda c: c.scalars(query).all())


async def lease(lab, worker="w1", slots=4):
    return await lab.database.write(lambda c: queue.lease(c, worker, slots))


async def expire(lab):
    await lab.database.write(lambda c: c.execute(update(chunks).values(lease_expires_at=1)))


async def take_over(lab, worker):
    """Another's lease on the chunk that is held, in one step: its holder has no time to renew it."""

    def work(connection):
        connection.execute(update(chunks).values(lease_expires_at=1))
        return queue.lease(connection, worker, 4)

    return await lab.database.write(work)


async def until(condition):
    """Wait for what other tasks bring about."""
    end = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.005)


async def ended(lab, *ids, statuses=("completed", "failed", "cancelled")):
    async def condition():
        return all([(await row(lab, one)).status in statuses for one in ids])

    await until(condition)


@asynccontextmanager
async def executor(lab, provider=None):
    """An executor over a desk; `provider` answers for every model."""
    desk = Desk(lab.database)
    desk.open()
    make = provider_for if provider is None else lambda _entry: provider
    one = LocalExecutor(lab, desk, make, RunnerInstruments(lab.instruments))
    try:
        yield one
    finally:
        await one.close()
        await desk.close(1.0)


@asynccontextmanager
async def runner(lab, provider=None, drain_seconds=5.0):
    stop = asyncio.Event()
    make = provider_for if provider is None else lambda _entry: provider
    task = asyncio.create_task(run_runner(lab, stop, drain_seconds, provider_for=make))
    try:
        yield task
    finally:
        stop.set()
        await task


class Scripted:
    """Answers at once; counts its calls, and how many were in flight together."""

    def __init__(self):
        self.calls, self.now, self.most, self.cut = [], 0, 0, 0

    async def complete(self, call):
        self.calls.append(call)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self.answer(call)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        finally:
            self.now -= 1

    async def answer(self, call):
        return Answer(f"town {call.sample}", Usage(3, 2), 1.0)

    async def close(self):
        pass


class Held(Scripted):
    """Answers when `go` is set."""

    def __init__(self):
        super().__init__()
        self.go = asyncio.Event()

    async def answer(self, call):
        await self.go.wait()
        return await super().answer(call)

    async def called(self, times):
        async def condition():
            return len(self.calls) >= times

        await until(condition)


class Slow(Scripted):
    async def answer(self, call):
        await asyncio.sleep(0.003)
        return await super().answer(call)


class Broken(Held):
    """One sample meets a bug of the provider, as soon as all others are held."""

    async def answer(self, call):
        if call.sample == 3:
            await asyncio.sleep(0.05)
            raise ValueError("a bug")
        return await super().answer(call)


class Flaky(Scripted):
    """The first `times` calls of each sample fail with the kind."""

    def __init__(self, kind, times, final=False, retry_after_ms=None):
        super().__init__()
        self.kind, self.times, self.final, self.retry_after_ms = kind, times, final, retry_after_ms

    async def answer(self, call):
        if sum(one.sample == call.sample for one in self.calls) <= self.times:
            raise ProviderError(
                self.kind,
                "model",
                "an answer",
                "none",
                "try again",
                final=self.final,
                retry_after_ms=self.retry_after_ms,
            )
        return await super().answer(call)
