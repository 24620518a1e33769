"""The executor inside the runner's own process: tasks of one event loop, calls by provider."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from llm_research_lab.commands.execution.desk import Desk
from llm_research_lab.commands.execution.lane import Lane
from llm_research_lab.commands.execution.plan import Plan, load_plan
from llm_research_lab.commands.execution.preparing import Known, Prepared, prepare
from llm_research_lab.commands.execution.sampling import StoppedError, rekeyed, run_sample
from llm_research_lab.commands.lab import Lab
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import SampleResult
from llm_research_lab.models import Provider
from llm_research_lab.storage.relational import queue
from llm_research_lab.storage.relational.ledger import Outcome
from llm_research_lab.storage.relational.queue import Lease

PLANS = 32
"""Plans kept ready; an experiment that comes back after so many others is read again."""

DEFAULT_SLOTS = 4


class LocalExecutor:
    """Runs leases here. `provider_for` turns a model entry into its client."""

    def __init__(
        self, lab: Lab, desk: Desk, provider_for: Callable[[ModelEntry], Provider]
    ) -> None:
        self._lab = lab
        self._desk = desk
        self._provider_for = provider_for
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lanes: dict[str, Lane] = {}
        self._alone = asyncio.Lock()
        self._together: set[asyncio.Task[None]] = set()
        self._draining = False

    def full(self) -> frozenset[str]:
        """Name the model versions whose lane has as much as it can do."""
        return frozenset(model for model, lane in self._lanes.items() if lane.full)

    def slots(self) -> int:
        """Return the widest lane's slots; a new lane's are not known before its first lease."""
        return max((lane.concurrency for lane in self._lanes.values()), default=DEFAULT_SLOTS)

    async def close(self) -> None:
        """Close every provider."""
        for lane in self._lanes.values():
            await lane.provider.close()
        self._lanes.clear()

    async def run(self, lease: Lease) -> None:
        """Run the lease; one that must be alone waits for the others and keeps new ones out."""
        plan = await self._plan(lease.experiment_id)
        lane = self._lane(plan)
        portion = _Portion(lease, lane, lease.count)
        lane.backlog += portion.left
        try:
            if lease.alone:
                async with self._alone:
                    await self._others_done()
                    await self._carry_out(plan, portion)
            else:
                async with self._alone:
                    task = asyncio.create_task(self._carry_out(plan, portion))
                    self._together.add(task)
                    task.add_done_callback(self._together.discard)
                await _carried(task)
        finally:
            lane.backlog -= portion.left

    def drain(self) -> None:
        """Begin no further call; those in flight go on."""
        self._draining = True

    async def _others_done(self) -> None:
        while self._together:
            await asyncio.wait(self._together)

    async def _plan(self, experiment_id: str) -> Plan:
        plan = self._plans.get(experiment_id)
        if plan is None:
            plan = await self._lab.database.read(lambda c: load_plan(c, experiment_id))
            self._plans[experiment_id] = plan
            while len(self._plans) > PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(experiment_id)
        return plan

    def _lane(self, plan: Plan) -> Lane:
        lane = self._lanes.get(plan.model_id)
        if lane is None:
            provider = self._provider_for(plan.entry)
            lane = self._lanes[plan.model_id] = Lane.for_plan(plan, provider, self._lab.now)
        return lane

    async def _carry_out(self, plan: Plan, portion: _Portion) -> None:
        stored = False
        try:
            prepared, known = await asyncio.to_thread(prepare, self._lab, plan, portion.lease)
            portion.settle(portion.left - len(prepared) - len(known))
            stored = all(await asyncio.gather(*(self._known(item, portion) for item in known)))
            calls = [self._one(plan, item, portion) for item in prepared]
            stored = await _run_all(calls, one_by_one=portion.lease.alone) and stored
        finally:
            if not stored:
                await asyncio.shield(self._hand_back(portion.lease))

    async def _known(self, item: Known, portion: _Portion) -> bool:
        return await self._desk.record(portion.outcome(item.result, None, 0, None))

    async def _one(self, plan: Plan, item: Prepared, portion: _Portion) -> bool:
        lane = portion.lane
        try:
            async with lane.desk:
                if self._draining:
                    return False
                finished = await run_sample(plan, portion.lease, item, lane, self._desk)
        except StoppedError:
            return False
        return await self._desk.record(
            portion.outcome(
                finished.result,
                finished.reserved_picousd,
                finished.charged_picousd,
                rekeyed(finished),
            )
        )

    async def _hand_back(self, lease: Lease) -> None:
        held = [(lease.chunk_id, lease.fence)]
        await self._lab.database.write(lambda c: queue.hand_back(c, held))


@dataclass(slots=True)
class _Portion:
    """A lease at work: `left` samples have no result yet."""

    lease: Lease
    lane: Lane
    left: int

    def settle(self, samples: int) -> None:
        """So many samples fewer are left, here and in the lane."""
        self.left -= samples
        self.lane.backlog -= samples

    def outcome(
        self, result: SampleResult, reserved: int | None, charged: int, key: str | None
    ) -> Outcome:
        """Make the record of a result; the last one completes the chunk."""
        self.settle(1)
        return Outcome(
            self.lease.chunk_id,
            self.lease.fence,
            self.lease.experiment_id,
            result,
            reserved,
            charged,
            key,
            last=self.left == 0,
        )


async def _run_all(calls: Sequence[Awaitable[bool]], *, one_by_one: bool) -> bool:
    if one_by_one:
        return all([await call for call in calls])
    return all(await asyncio.gather(*calls))


async def _carried(task: asyncio.Task[None]) -> None:
    """Wait for the task; when the waiter is cancelled, the task is too, and is waited for."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
