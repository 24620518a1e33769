"""The executor inside the runner's own process: tasks of one event loop, calls by provider."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from llm_research_lab.commands.execution.desk import Desk
from llm_research_lab.commands.execution.lane import Lane
from llm_research_lab.commands.execution.plan import Plan, load_plan
from llm_research_lab.commands.execution.portion import Portion
from llm_research_lab.commands.execution.preparing import Prepared, prepare
from llm_research_lab.commands.execution.sampling import Sampling, StoppedError
from llm_research_lab.commands.execution.sharing import Sharing
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.trail import load_dataset, model_inference
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.models import Provider
from llm_research_lab.storage.relational.ledger import Outcome
from llm_research_lab.storage.relational.queue import Lease
from llm_research_lab.telemetry.running import RunnerInstruments

PLANS = 32
"""Plans kept ready; an experiment that comes back after so many others is read again."""

LANES = 32
"""Models kept ready; beyond them, those without work are closed."""


class LocalExecutor:
    """Runs leases here. `provider_for` turns a model entry into its client."""

    def __init__(
        self,
        lab: Lab,
        desk: Desk,
        provider_for: Callable[[ModelEntry], Provider],
        instruments: RunnerInstruments,
    ) -> None:
        self._lab = lab
        self._desk = desk
        self._provider_for = provider_for
        self._instruments = instruments
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._backlog: Counter[str] = Counter()
        self._room = asyncio.Event()
        self._sharing = Sharing()
        self._draining = asyncio.Event()

    def full(self) -> frozenset[str]:
        """Name the model versions that have as much as they can do."""
        self._room.clear()
        return frozenset(model for model in self._backlog if self._is_full(model))

    def _is_full(self, model: str) -> bool:
        """One whose lane is not yet made is known by its first chunk alone."""
        lane = self._lanes.get(model)
        return self._backlog[model] >= (1 if lane is None else lane.most)

    async def room(self) -> None:
        """Return when a model has room again."""
        await self._room.wait()

    def slots(self) -> Mapping[str, int]:
        """Give each known model's samples at the desk: its slots, and what is admitted ahead."""
        self._show()
        return {model: lane.desk.width for model, lane in self._lanes.items()}

    def _show(self) -> None:
        lanes = self._lanes.values()
        self._instruments.slots.set(sum(lane.concurrency for lane in lanes))
        self._instruments.slots_busy.set(sum(lane.in_flight for lane in lanes))

    def drain(self) -> None:
        """Begin no further call; those in flight go on."""
        self._draining.set()

    async def close(self) -> None:
        """Close every provider."""
        while self._lanes:
            _, lane = self._lanes.popitem()
            await lane.provider.close()

    async def run(self, lease: Lease) -> None:
        """Run the lease; one that must be alone waits for the others and keeps new ones out."""

        def settled(samples: int) -> None:
            self._backlog[lease.model_id] -= samples
            if not self._is_full(lease.model_id):
                self._room.set()

        portion = Portion(lease, lease.count, settled)
        self._backlog[lease.model_id] += lease.count
        stored = False
        try:
            plan = await self._plan(lease.experiment_id)
            lane = await self._lane(plan)
            async with self._sharing.alone() if lease.alone else self._sharing.together():
                stored = await self._carry_out(plan, lane, portion)
        finally:
            portion.settle(portion.left)
            if self._backlog[lease.model_id] <= 0:
                del self._backlog[lease.model_id]
            if not stored:
                await asyncio.shield(self._desk.hand_back(lease.chunk_id, lease.fence))

    async def _plan(self, experiment_id: str) -> Plan:
        plan = self._plans.get(experiment_id)
        if plan is None:
            plan = self._plans[experiment_id] = await load_plan(self._lab, experiment_id)
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(experiment_id)
        return plan

    async def _lane(self, plan: Plan) -> Lane:
        lane = self._lanes.get(plan.model_id)
        if lane is None:
            provider = self._provider_for(plan.entry)
            told = self._instruments.model(*plan.model)
            lane = self._lanes[plan.model_id] = Lane.for_plan(plan, provider, self._lab.now, told)
            await self._close_idle()
        self._lanes.move_to_end(plan.model_id)
        return lane

    async def _close_idle(self) -> None:
        """Close the models without work, the longest unused first, down to `LANES`."""
        idle = [model for model in self._lanes if model not in self._backlog]
        for model in idle[: max(0, len(self._lanes) - LANES)]:
            await self._lanes.pop(model).provider.close()

    async def _carry_out(self, plan: Plan, lane: Lane, portion: Portion) -> bool:
        """Give the open samples their results: whether all of them are stored."""
        lease = portion.lease
        with load_dataset(self._lab, plan, lease) as span:
            prepared, known = await asyncio.to_thread(prepare, self._lab, plan, lease)
            span.set("lab.cached", len(known))
        portion.settle(portion.left - len(prepared) - len(known))
        stored = await self._record(plan, [portion.outcome(item.result) for item in known])
        sampling = Sampling(plan, lease, lane, self._desk, self._draining)
        with model_inference(self._lab, plan, lease):
            calls = [self._one(sampling, item, portion) for item in prepared]
            stored += await (_in_turn(calls) if lease.alone else _at_once(calls))
        return bool(stored) and all(stored)

    async def _one(self, sampling: Sampling, item: Prepared, portion: Portion) -> bool:
        try:
            async with sampling.lane.desk:
                if self._draining.is_set():
                    return False
                finished = await sampling.run(item)
        except StoppedError:
            return False
        outcome = portion.outcome(
            finished.result, finished.intent, finished.charged_picousd, finished.response_key
        )
        return all(await self._record(sampling.plan, [outcome]))

    async def _record(self, plan: Plan, outcomes: Sequence[Outcome]) -> list[bool]:
        """Store the outcomes together, and count those that were."""
        stored = await asyncio.gather(*map(self._desk.record, outcomes))
        for outcome, kept in zip(outcomes, stored, strict=True):
            if kept:
                failure = outcome.result.failure
                kind = None if failure is None else failure.kind
                self._instruments.finished(plan.experiment_type, kind)
        return stored


async def _at_once(calls: Sequence[Coroutine[Any, Any, bool]]) -> list[bool]:
    """Run them side by side; when one breaks, the others are cancelled and waited for."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _in_turn(calls: Sequence[Coroutine[Any, Any, bool]]) -> list[bool]:
    """Run them one by one: so whoever ends the runner was alone in flight."""
    waiting = list(calls)
    try:
        return [await waiting.pop(0) for _ in calls]
    finally:
        for call in waiting:
            call.close()
