"""Echo answers as its script says: the same calls in the same order, the same answers."""

from __future__ import annotations

import asyncio
from time import perf_counter

from llm_research_lab.cost.counting import output_bound
from llm_research_lab.experiments.echo_script import (
    EchoScript,
    ScriptedFailure,
    answer_of,
    failure_of,
    shortened,
    tokens,
)
from llm_research_lab.experiments.result import Usage
from llm_research_lab.models.port import Answer, Call, ProviderError


class EchoProvider:
    """The shipped twin of a real provider, for tests and benchmarks: no network, no model.

    Of the parameters it heeds ``max_tokens`` and ``stop``; the others cannot change what is
    scripted. `EchoScript` documents the script.
    """

    def __init__(self, model: str, script: EchoScript) -> None:
        self._model = model
        self._script = script
        self._calls = 0
        self._failed: dict[int, int] = {}

    async def complete(self, call: Call) -> Answer:
        """Answer, or fail, after the scripted delay; a delay beyond the time limit times out."""
        started = perf_counter()
        number = self._calls
        self._calls += 1
        if self._script.delay_ms:
            await self._delay(call)
        failure = failure_of(self._script, call.sample, number, self._failed)
        if failure is not None:
            self._note(failure, call.sample)
            raise self._error(failure)
        if self._failed:
            self._failed.pop(call.sample, None)
        said = answer_of(self._script, call.messages, call.sample)
        text = shortened(said, call.parameters, output_bound(call.parameters))
        read = sum(tokens(message.content) for message in call.messages)
        elapsed_ms = (perf_counter() - started) * 1000
        return Answer(text, Usage(read, tokens(text)), elapsed_ms)

    async def close(self) -> None:
        """Forget which samples failed."""
        self._failed.clear()

    async def _delay(self, call: Call) -> None:
        delay_seconds = self._script.delay_ms / 1000
        await asyncio.sleep(min(delay_seconds, call.timeout_seconds))
        if delay_seconds > call.timeout_seconds:
            raise ProviderError(
                "timeout",
                f"model {self._model}",
                f"an answer within {call.timeout_seconds:g} s",
                f"a scripted delay of {self._script.delay_ms:g} ms",
                "shorten script.delay_ms or raise limits.timeout_seconds",
            )

    def _note(self, failure: ScriptedFailure, sample: int) -> None:
        """Count only what is read again, so that a long run keeps nothing."""
        if failure.times is not None:
            self._failed[sample] = self._failed.get(sample, 0) + 1

    def _error(self, failure: ScriptedFailure) -> ProviderError:
        return ProviderError(
            failure.kind,
            f"model {self._model}",
            "an answer",
            f"the scripted failure {failure.kind}",
            "change script.failures of the entry",
            final=failure.final,
            retry_after_ms=failure.retry_after_ms,
        )
