"""One sample: admitted, called, retried, scored, recorded; at the end it has one result."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from decimal import Decimal

from llm_research_lab.commands.execution.desk import Desk
from llm_research_lab.commands.execution.lane import Lane
from llm_research_lab.commands.execution.plan import Plan
from llm_research_lab.commands.execution.preparing import Prepared, score
from llm_research_lab.cost import ceiling, cost, token_bound
from llm_research_lab.cost.money import to_pico
from llm_research_lab.experiments.result import Failure, FailureKind, SampleResult
from llm_research_lab.experiments.retrying import Again, decide
from llm_research_lab.models import Answer, Call, ProviderError
from llm_research_lab.storage.relational.ledger import Intent, Retraction
from llm_research_lab.storage.relational.queue import Lease
from llm_research_lab.telemetry.crash import crash_point

BREAKER_PATIENCE_SECONDS = 120.0
"""A sample that has waited so long at an open breaker is failed as ``unavailable``."""

GRACE_SECONDS = 5.0
"""A provider that does not keep its own time limit is cut off this much later."""

BREAKER_OPEN = f"the provider did not recover within {BREAKER_PATIENCE_SECONDS:.0f} s"

MAYBE_PAID: frozenset[FailureKind] = frozenset({"timeout", "unavailable", "garbage"})
"""The provider may have done the work, and may charge for it."""


class StoppedError(Exception):
    """The lease or the experiment's right to run is gone; the sample is left for later."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A sample's result, with what its last call had reserved and was charged."""

    item: Prepared
    result: SampleResult
    reserved_picousd: int | None
    charged_picousd: int


async def run_sample(plan: Plan, lease: Lease, item: Prepared, lane: Lane, desk: Desk) -> Finished:
    """Return the sample's result, not yet recorded. Raises StoppedError."""
    intent = _intent(plan, lease, item)
    attempt = 0
    while True:
        if not await _pass_breaker(lane):
            return _unmade(item, Failure("unavailable", BREAKER_OPEN), attempt)
        over = await _admitted(desk, intent)
        if over is not None:
            return _unmade(item, over, attempt)
        attempt += 1
        try:
            answer = await _call(plan, item, lane)
        except ProviderError as error:
            paid = intent.ceiling_picousd if error.kind in MAYBE_PAID else 0
            again = decide(
                attempt,
                kind=error.kind,
                final=error.final,
                retry_after_ms=error.retry_after_ms,
                attempts=plan.entry.limits.attempts,
                draw=random.random(),  # noqa: S311 - jitter, not a secret
            )
            if not isinstance(again, Again):
                failure = Failure(error.kind, f"{error} ({again.reason})")
                return Finished(
                    item, _without_answer(item, failure, attempt), intent.ceiling_picousd, paid
                )
            await desk.retract(Retraction(intent, paid))
            await asyncio.sleep(again.wait_ms / 1000)
            continue
        return _answered(plan, item, answer, attempt, intent)


async def _pass_breaker(lane: Lane) -> bool:
    waited = 0.0
    while (wait_ms := lane.breaker_wait_ms()) > 0:
        if waited >= BREAKER_PATIENCE_SECONDS:
            return False
        pause = min(wait_ms / 1000, 1.0)
        await asyncio.sleep(pause)
        waited += pause
    return True


async def _admitted(desk: Desk, intent: Intent) -> Failure | None:
    while True:
        admission = await desk.admit(intent)
        if admission.outcome == "go":
            return None
        if admission.outcome == "stop":
            raise StoppedError(admission.reason)
        if admission.outcome == "over_cap":
            return Failure("cost_cap", admission.reason)
        await asyncio.sleep(admission.wait_ms / 1000 * random.uniform(1.0, 1.2))  # noqa: S311


async def _call(plan: Plan, item: Prepared, lane: Lane) -> Answer:
    timeout = plan.entry.limits.timeout_seconds
    call = Call(plan.entry.id, item.messages, plan.parameters, timeout, item.sample)
    crash_point("runner.before_call")
    async with lane.slots:
        try:
            async with asyncio.timeout(timeout + GRACE_SECONDS):
                answer = await lane.provider.complete(call)
        except TimeoutError:
            lane.note("timeout")
            raise ProviderError(
                "timeout",
                f"model {plan.entry.id}",
                f"an answer within {timeout} s",
                "none",
                "raise limits.timeout_seconds or ask for fewer tokens",
            ) from None
        except ProviderError as error:
            lane.note(error.kind)
            raise
    lane.note("success")
    crash_point("runner.after_call")
    return answer


def _intent(plan: Plan, lease: Lease, item: Prepared) -> Intent:
    most = Decimal(0)
    if plan.price is not None:
        most = ceiling(item.messages, plan.parameters, plan.price)
    return Intent(
        plan.experiment_id,
        lease.chunk_id,
        lease.fence,
        item.sample,
        plan.limit_key,
        plan.entry.limits,
        to_pico(most),
        token_bound(item.messages, plan.parameters),
        plan.shared,
    )


def _answered(plan: Plan, item: Prepared, answer: Answer, attempt: int, intent: Intent) -> Finished:
    price = None if plan.price is None else cost(answer.usage, plan.price)
    bare = SampleResult(
        item.sample,
        item.messages,
        answer.text,
        answer.usage,
        answer.latency_ms,
        price,
        attempts=attempt,
    )
    charged = 0 if price is None else to_pico(price)
    return Finished(item, score(plan, item, bare), intent.ceiling_picousd, charged)


def _without_answer(item: Prepared, failure: Failure, attempts: int) -> SampleResult:
    return SampleResult(
        item.sample, item.messages, None, None, None, None, failure=failure, attempts=attempts
    )


def _unmade(item: Prepared, failure: Failure, attempts: int) -> Finished:
    """Fail a sample whose call was not made: nothing is reserved, nothing charged."""
    return Finished(item, _without_answer(item, failure, attempts), None, 0)


def rekeyed(finished: Finished) -> str | None:
    """Name the cache entry that this result may become: a first answer, scored or not."""
    fresh = finished.result.answer is not None and not finished.result.cached
    return finished.item.key if fresh else None
