"""Every provider keeps the laws of its port: echo, an HTTP server's, the bundled model's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest
from tests.servers.openai_server import OpenAIServer, Reply

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message
from llm_research_lab.models import Call, Provider, ProviderError, provider_for

ASKED = (Message("user", "What is the capital of France? Answer with the city's name alone."),)
LONG = (Message("user", "Tell me a very long story about a city and its river."),)
MODELS = {"echo": "echo", "openai": "m", "bundled": "smollm2-135m-instruct"}


@dataclass(frozen=True)
class Subject:
    """A provider that answers, and one of the same kind that takes a minute for a long answer."""

    model: str
    ready: Provider
    slow: Provider

    def call(self, messages=ASKED, **more) -> Call:
        parameters = {"max_tokens": 8, **more.pop("parameters", {})}
        return Call(self.model, messages, parameters, **more)

    def long_call(self, **more) -> Call:
        return self.call(LONG, parameters={"max_tokens": 1500}, **more)


@pytest.fixture(params=["echo", "openai", pytest.param("bundled", marks=pytest.mark.model)])
async def subject(request):
    model = MODELS[request.param]
    with OpenAIServer() as server, OpenAIServer(Reply(delay_ms=60_000)) as late:
        entries = {
            "echo": (
                ModelEntry("echo", model),
                ModelEntry("echo", model, script={"delay_ms": 6e4}),
            ),
            "openai": tuple(
                ModelEntry("openai", model, base_url=one.url) for one in (server, late)
            ),
            "bundled": (ModelEntry("bundled", model),) * 2,
        }[request.param]
        ready, slow = map(provider_for, entries)
        yield Subject(model, ready, slow)
        await ready.close()
        await slow.close()


async def test_an_answer_has_text_counted_tokens_and_its_time(subject):
    started = time.perf_counter()
    answer = await subject.ready.complete(subject.call())
    passed_ms = (time.perf_counter() - started) * 1000
    assert answer.text
    assert answer.usage.input_tokens > 0
    assert 0 < answer.usage.output_tokens <= 8
    assert 0 < answer.latency_ms <= passed_ms


async def test_many_tasks_of_one_loop_are_each_answered(subject):
    calls = [subject.ready.complete(subject.call(sample=sample)) for sample in range(9)]
    answers = await asyncio.gather(*calls)
    assert len({answer.text for answer in answers}) == 1


async def test_a_late_answer_is_a_timeout_that_may_be_asked_again(subject):
    await subject.ready.complete(subject.call())  # what is loaded once is loaded
    started = time.perf_counter()
    with pytest.raises(ProviderError) as caught:
        await subject.slow.complete(subject.long_call(timeout_seconds=0.2))
    assert (caught.value.kind, caught.value.final) == ("timeout", False)
    assert "0.2 s" in str(caught.value)
    assert 0.15 <= time.perf_counter() - started < 5


async def test_cancellation_stops_the_call_and_leaves_the_provider_whole(subject):
    task = asyncio.create_task(subject.slow.complete(subject.long_call()))
    await asyncio.sleep(0.1)
    task.cancel()
    async with asyncio.timeout(20):  # far below what the whole answer takes
        with pytest.raises(asyncio.CancelledError):
            await task
    answer = await subject.ready.complete(subject.call())
    assert answer.text


async def test_closing_twice_does_nothing(subject):
    await subject.ready.complete(subject.call())
    await subject.ready.close()
    await subject.ready.close()


async def test_a_provider_that_was_never_called_closes(subject):
    await subject.ready.close()


async def test_the_event_loop_goes_on_while_a_call_is_made(subject):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    await subject.ready.complete(subject.call())  # what is loaded once is loaded
    ticking = asyncio.create_task(tick())
    with pytest.raises(ProviderError):
        await subject.slow.complete(subject.long_call(timeout_seconds=0.3))
    ticking.cancel()
    assert ticks >= 3  # a call on the loop leaves none; a busy machine leaves fewer than sixty
