"""One sample: admitted, called, retried, scored; at the end it has one result."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from llm_research_lab.commands.execution.desk import Desk
from llm_research_lab.commands.execution.lane import Lane
from llm_research_lab.commands.execution.plan import Plan
from llm_research_lab.commands.execution.preparing import Prepared, score
from llm_research_lab.commands.trail import answered, call_of
from llm_research_lab.cost import cost, to_pico
from llm_research_lab.experiments.result import Failure, FailureKind, SampleResult
from llm_research_lab.experiments.retrying import Again, GiveUp, decide
from llm_research_lab.models import Answer, Call, ProviderError
from llm_research_lab.storage.relational.ledger import Intent, Retraction
from llm_research_lab.storage.relational.queue import Lease
from llm_research_lab.telemetry.crash import crash_point

BREAKER_PATIENCE_SECONDS = 120.0
"""A sample that has waited so long at an open breaker is failed as ``unavailable``."""

GRACE_SECONDS = 5.0
"""A provider that does not keep its own time limit is cut off this much later."""

LONG_ANSWER = 10_000
"""Characters from which an answer is scored on another thread: below, the hop costs more."""

BREAKER_OPEN = f"the provider did not recover within {BREAKER_PATIENCE_SECONDS:.0f} s"

MAYBE_PAID: frozenset[FailureKind] = frozenset({"timeout", "unavailable", "garbage"})
"""The provider may have done the work, and may charge for it."""


class StoppedError(Exception):
    """The lease or the experiment's right to run is gone; the sample is left for later."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A sample's result, and the intent of the call that gave it (None: no call was made)."""

    item: Prepared
    result: SampleResult
    intent: Intent | None
    charged_picousd: int

    @property
    def response_key(self) -> str | None:
        """Name the cache entry that this result becomes: an answer, scored or not."""
        return None if self.result.answer is None else self.item.key


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the samples of one lease share. `draining` is set when no further call may begin."""

    plan: Plan
    lease: Lease
    lane: Lane
    desk: Desk
    draining: asyncio.Event

    async def run(self, item: Prepared) -> Finished:
        """Return the sample's result, not yet recorded. Raises StoppedError."""
        intent = self._intent(item)
        attempt = 0
        while True:
            probe = await self._pass_breaker()
            if probe is None:
                return _unmade(item, Failure("unavailable", BREAKER_OPEN), attempt)
            over = await self._admitted(intent, probe=probe)
            if over is not None:
                return _unmade(item, over, attempt)
            try:
                answer = await self._call(item, intent, probe=probe)
            except ProviderError as error:
                attempt += 1
                maybe = error.kind in MAYBE_PAID and not error.unbilled
                paid = intent.ceiling_picousd if maybe else 0
                again = self._decide(attempt, error)
                if isinstance(again, GiveUp):
                    failure = Failure(error.kind, f"{error} ({again.reason})")
                    return Finished(item, _failed(item, failure, attempt), intent, paid)
                await self.desk.retract(Retraction(intent, paid))
                await self._wait(again.wait_ms / 1000)
                self.lane.instruments.again()
            else:
                if answer is not None:
                    return await self._answered(item, answer, attempt + 1, intent)
                await self.desk.retract(Retraction(intent, 0))

    async def _pass_breaker(self) -> bool | None:
        """Wait for the breaker: whether the call is its probe; None when it stays open."""
        waited = 0.0
        while True:
            wait_ms, probe = self.lane.ask_breaker()
            if wait_ms <= 0:
                return probe
            if waited >= BREAKER_PATIENCE_SECONDS:
                return None
            pause = min(wait_ms / 1000, 1.0)
            await self._wait(pause)
            waited += pause

    async def _admitted(self, intent: Intent, *, probe: bool) -> Failure | None:
        """Wait for a ``go``: None; or say that the cap forbids it. Raises StoppedError."""
        going = False
        waited: dict[str, float] = {}
        try:
            while True:
                admission = await self.desk.admit(intent)
                if admission.outcome == "go":
                    going = True
                    for limit, seconds in waited.items():
                        self.lane.instruments.waited(limit, seconds)
                    return None
                if admission.outcome == "stop":
                    raise StoppedError(admission.reason)
                if admission.outcome == "over_cap":
                    return Failure("cost_cap", admission.reason)
                pause = admission.wait_ms / 1000 * random.uniform(1.0, 1.2)  # noqa: S311
                await self._wait(pause)
                if admission.limit is not None:
                    waited[admission.limit] = waited.get(admission.limit, 0.0) + pause
        finally:
            if probe and not going:
                self.lane.lose_probe()

    async def _wait(self, seconds: float) -> None:
        """Wait, or raise StoppedError as soon as no further call may begin."""
        try:
            async with asyncio.timeout(seconds):
                await self.draining.wait()
        except TimeoutError:
            return
        raise StoppedError("the runner stops")

    def _check_going(self) -> None:
        if self.draining.is_set():
            raise StoppedError("the runner stops")

    async def _call(self, item: Prepared, intent: Intent, *, probe: bool) -> Answer | None:
        """Make the call in a slot; None when the breaker has opened meanwhile.

        One that is cut off before it was begun is taken back.
        """
        begun = False
        crash_point("runner.before_call")
        try:
            async with self.lane.slot():
                self._check_going()
                if not probe and self.lane.breaker.state != "closed":
                    return None
                begun = True
                answer = await self._complete(item)
        except BaseException as error:
            if not isinstance(error, ProviderError):
                self.lane.lose_probe()
            if not begun:
                self.desk.retract(Retraction(intent, 0)).cancel()
            raise
        crash_point("runner.after_call")
        return answer

    async def _complete(self, item: Prepared) -> Answer:
        timeout = self.plan.entry.limits.timeout_seconds
        call = Call(self.plan.entry.id, item.messages, self.plan.parameters, timeout, item.sample)
        with call_of(self.plan, self.lease, call) as span, self.lane.instruments.call() as told:
            try:
                answer = await self._ask(call)
            except ProviderError as error:
                span.fail(error.kind)
                told.error = error.kind
                raise
            told.answered = True
            answered(span, answer)
            return answer

    async def _ask(self, call: Call) -> Answer:
        """Ask the provider, cut off beyond its time; the breaker hears how it ended."""
        timeout = call.timeout_seconds
        try:
            async with asyncio.timeout(timeout + GRACE_SECONDS):
                answer = await self.lane.provider.complete(call)
        except TimeoutError:
            self.lane.note("timeout")
            raise ProviderError(
                "timeout",
                f"model {self.plan.entry.id}",
                f"an answer within {timeout:g} s",
                "none",
                "raise limits.timeout_seconds or ask for fewer tokens",
            ) from None
        except ProviderError as error:
            self.lane.note(error.kind)
            raise
        self.lane.note("success")
        return answer

    def _decide(self, attempt: int, error: ProviderError) -> Again | GiveUp:
        return decide(
            attempt,
            kind=error.kind,
            final=error.final,
            retry_after_ms=error.retry_after_ms,
            attempts=self.plan.entry.limits.attempts,
            draw=random.random(),  # noqa: S311 - jitter, not a secret
        )

    def _intent(self, item: Prepared) -> Intent:
        return Intent(
            self.plan.experiment_id,
            self.lease.chunk_id,
            self.lease.fence,
            item.sample,
            self.plan.limit_key,
            self.plan.entry.limits,
            self.plan.ceiling_picousd(item.messages),
            self.plan.token_bound(item.messages),
            self.plan.shared,
        )

    async def _answered(
        self, item: Prepared, answer: Answer, attempt: int, intent: Intent
    ) -> Finished:
        price = None if self.plan.price is None else cost(answer.usage, self.plan.price)
        usage = answer.usage
        self.lane.instruments.used(usage.input_tokens, usage.output_tokens, price)
        bare = SampleResult(
            item.sample,
            item.messages,
            answer.text,
            answer.usage,
            answer.latency_ms,
            price,
            attempts=attempt,
        )
        if len(answer.text) < LONG_ANSWER:
            scored = score(self.plan, item, bare)
        else:
            scored = await asyncio.to_thread(score, self.plan, item, bare)
        return Finished(item, scored, intent, 0 if price is None else to_pico(price))


def _failed(item: Prepared, failure: Failure, attempts: int) -> SampleResult:
    return SampleResult(
        item.sample, item.messages, None, None, None, None, failure=failure, attempts=attempts
    )


def _unmade(item: Prepared, failure: Failure, attempts: int) -> Finished:
    """Fail a sample whose call was not made: nothing is reserved, nothing charged."""
    return Finished(item, _failed(item, failure, attempts), None, 0)
