"""Echo does what its script says, and nothing else."""

from __future__ import annotations

import asyncio
import time

import pytest

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message, Usage
from llm_research_lab.models import Call, ProviderError, provider_for
from llm_research_lab.vocabulary import InvalidError


def echo(**script):
    return provider_for(ModelEntry("echo", "echo", script=script))


def call(sample=0, content="hello", **more):
    return Call("echo", (Message("user", content),), sample=sample, **more)


async def outcomes(provider, samples):
    found = []
    for sample in samples:
        try:
            found.append((await provider.complete(call(sample))).text)
        except ProviderError as error:
            found.append((error.kind, error.final, error.retry_after_ms))
    return found


async def test_the_tokens_are_counted_by_a_law_of_its_own():
    answer = await echo(answer="12345").complete(call(content="123456789"))
    assert answer.usage == Usage(3, 2)


async def test_max_tokens_and_stop_are_heeded():
    provider = echo(answer="one two three")
    cut = await provider.complete(call(parameters={"max_tokens": 1}))
    assert (cut.text, cut.usage.output_tokens) == ("one ", 1)
    assert (await provider.complete(call(parameters={"stop": [" t"]}))).text == "one"


async def test_a_sample_is_answered_after_its_scripted_failures_and_fails_anew_next_time():
    provider = echo(failures=[{"samples": [1], "kind": "rate_limited", "times": 2,
                               "retry_after_ms": 9}])  # fmt: skip
    failed = ("rate_limited", False, 9)
    once = ["hello", failed, failed, "hello"]
    assert await outcomes(provider, [0, 1, 1, 1]) == once
    assert await outcomes(provider, [0, 1, 1, 1]) == once


async def test_failures_without_times_never_end():
    provider = echo(failures=[{"every": 2, "kind": "refused"}])
    assert await outcomes(provider, [1, 1, 0]) == [("refused", True, None)] * 2 + ["hello"]


async def test_the_first_calls_fail_then_all_is_well():
    provider = echo(failures=[{"first": 2, "kind": "unavailable"}])
    assert await outcomes(provider, [5, 6, 5]) == [("unavailable", False, None)] * 2 + ["hello"]


async def test_a_delay_passes_before_the_answer():
    started = time.perf_counter()
    answer = await echo(delay_ms=20).complete(call())
    assert time.perf_counter() - started >= 0.019
    assert answer.latency_ms >= 19


async def test_closing_forgets_who_failed():
    provider = echo(failures=[{"every": 1, "kind": "garbage", "times": 1}])
    assert await outcomes(provider, [0]) == [("garbage", False, None)]
    await provider.close()
    assert await outcomes(provider, [0]) == [("garbage", False, None)]


async def test_ten_thousand_calls_take_little_of_a_samples_millisecond():
    provider = echo()
    one = call(content="What is the capital of France?")
    started = time.process_time()
    for _ in range(10_000):
        await provider.complete(one)
    assert time.process_time() - started < 5  # 0.05 to 0.1 here: a slip to 0.5 ms each shows
    await asyncio.sleep(0)


def test_a_kept_script_that_is_none_is_said_at_once():
    with pytest.raises(InvalidError) as caught:
        echo(echo="backwards")
    assert caught.value.findings[0].where == "/script/echo"
