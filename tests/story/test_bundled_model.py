"""The bundled model is real: it answers alike each time, within its constraints, in silence."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import pytest

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message
from llm_research_lab.models import BundledSettings, Call, ProviderError, provider_for

pytestmark = pytest.mark.model
MODEL = "smollm2-135m-instruct"
SETTINGS = BundledSettings(slots=2, context_tokens=512)


@pytest.fixture(scope="module")
def provider():
    one = provider_for(ModelEntry("bundled", MODEL), SETTINGS)
    yield one
    asyncio.run(one.close())


def call(content, timeout_seconds=60.0, **parameters):
    return Call(
        MODEL, (Message("user", content),), {"max_tokens": 8, **parameters}, timeout_seconds
    )


def capital(country):
    return f"What is the capital of {country}? Answer with the city's name alone."


async def refusal(provider, *args, **parameters):
    with pytest.raises(ProviderError) as caught:
        await provider.complete(call(*args, **parameters))
    return caught.value


async def test_it_knows_the_capital_of_france(provider):
    answer = await provider.complete(call(capital("France")))
    assert "Paris" in answer.text
    assert answer.usage.output_tokens <= 8


async def test_the_same_prompts_have_the_same_answers_in_any_company(provider):
    async def texts(countries):
        answers = await asyncio.gather(
            *(provider.complete(call(capital(country))) for country in countries)
        )
        return dict(zip(countries, (answer.text for answer in answers), strict=True))

    countries = ["France", "Spain", "Japan", "Chad", "Peru", "Oman"]
    assert await texts(countries) == await texts(countries[::-1])


async def test_a_seed_draws_the_same_answer_again(provider):
    story = [call("Name a fruit.", temperature=1.5, seed=seed) for seed in (1, 1, 2, 3, 4)]
    texts = [(await provider.complete(one)).text for one in story]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


async def test_a_grammar_holds_the_answer(provider):
    answer = await provider.complete(call(capital("France"), grammar='root ::= "Oslo" | "Rome"'))
    assert answer.text in {"Oslo", "Rome"}


async def test_a_schema_holds_the_answer(provider):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}},
        "required": ["city"],
        "additionalProperties": False,
    }
    answer = await provider.complete(call(capital("France"), json_schema=schema, max_tokens=60))
    assert set(json.loads(answer.text)) == {"city"}


async def test_a_stop_ends_the_answer(provider):
    whole = await provider.complete(call(capital("France"), max_tokens=20))
    stop = whole.text[4:6]
    cut = await provider.complete(call(capital("France"), max_tokens=20, stop=[stop]))
    assert cut.text == whole.text.partition(stop)[0]


async def test_a_prompt_beyond_the_context_is_too_long(provider):
    error = await refusal(provider, "word " * 1000)
    assert (error.kind, error.final) == ("too_long", True)
    assert "512" in str(error)


@pytest.mark.parametrize(
    "parameters", [{"json_schema": {"type": "nonsense"}}, {"temperature": "hot"}]
)
async def test_what_llama_cpp_does_not_take_is_refused(provider, parameters):
    error = await refusal(provider, "hi", **parameters)
    assert (error.kind, error.final) == ("refused", True)


async def test_text_that_utf_8_cannot_hold_is_refused(provider):
    error = await refusal(provider, "\ud83d")
    assert (error.kind, error.final) == ("refused", True)


async def test_a_late_or_cancelled_answer_frees_its_slot(provider):
    story = [call("Tell a very long story.", 0.3, max_tokens=400) for _ in range(SETTINGS.slots)]
    late = await asyncio.gather(*map(provider.complete, story), return_exceptions=True)
    assert [error.kind for error in late] == ["timeout"] * SETTINGS.slots
    started = time.perf_counter()
    await provider.complete(call("hi", max_tokens=1))
    # 400 tokens on both slots would take five seconds and more.
    assert time.perf_counter() - started < 4


async def test_closing_ends_what_is_being_written_and_the_next_call_loads_again():
    one = provider_for(ModelEntry("bundled", MODEL), BundledSettings(slots=1, context_tokens=256))
    tasks = [
        asyncio.create_task(one.complete(call("Tell a very long story.", max_tokens=200)))
        for _ in range(3)
    ]
    await asyncio.sleep(1)
    await one.close()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [error.kind for error in ended] == ["unavailable"] * 3
    assert (await one.complete(call("hi", max_tokens=1))).usage.output_tokens == 1
    await one.close()


ALONE = """
import asyncio, sys
from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message
from llm_research_lab.models import Call, provider_for, BundledSettings

async def main():
    one = provider_for(ModelEntry("bundled", "smollm2"), BundledSettings(1, 1, 256))
    loaded = "xllamacpp" in sys.modules
    for grammar in ['root ::= "Oslo"', "root ::= (("]:
        for _ in range(3):
            try:
                call = Call("smollm2", (Message("user", "hi"),), {"grammar": grammar})
                print((await one.complete(call)).text, loaded)
            except Exception as error:
                print(error.kind)

asyncio.run(main())
"""


def test_a_process_that_uses_it_prints_nothing_of_its_own_and_ends_well_unclosed():
    done = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == ["Oslo False"] * 3 + ["refused"] * 3
    # What cannot be parsed is printed past llama.cpp's log, once.
    assert done.stderr.count("error parsing grammar") == 1
    assert len(done.stderr.splitlines()) <= 3


async def test_the_librarys_own_http_server_lets_nobody_in():
    import httpx

    one = provider_for(ModelEntry("bundled", MODEL), BundledSettings(slots=1, context_tokens=256))
    await one.complete(call("hi", max_tokens=1))
    address = one._engine._server.listening_address
    async with httpx.AsyncClient(trust_env=False) as client:
        for path in ("/v1/models", "/props", "/slots", "/metrics"):
            assert (await client.get(address + path)).status_code == 401
        asked = await client.post(address + "/v1/chat/completions", json={"messages": []})
        assert asked.status_code == 401
    await one.close()
