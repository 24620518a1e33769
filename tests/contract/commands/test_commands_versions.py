"""Prompts and models are immutable versions in their user's namespace. On every store."""

from __future__ import annotations

import pytest
from tests.contract.commands.labs import (
    ADMIN,
    ANN,
    BOB,
    NO_KEY,
    VIC,
    add_model,
    add_prompt,
    read,
    rows_in,
    trail,
)

from llm_research_lab.api.schemas import Model, Prompt
from llm_research_lab.commands import model_entries, prompts
from llm_research_lab.commands.paging import Page
from llm_research_lab.storage.relational import tables
from llm_research_lab.vocabulary import DeniedError, InvalidError, NotFoundError


async def test_the_same_content_is_the_same_version_and_other_content_the_next(lab):
    texts = ("a {{ x }}", "a {{ x }}", "b {{ x }}")
    first, same, other = [await add_prompt(lab, text=text) for text in texts]
    assert [made.status for made in (first, same, other)] == [201, 200, 201]
    assert read(first) == read(same)
    assert [read(made)["version"] for made in (first, other)] == ["v1", "v2"]
    assert len(await trail(lab, action="create")) == 2


async def test_a_prompt_is_shown_as_the_api_says(lab):
    made = read(await add_prompt(lab, text="{{ b }} and {{ a }}"))
    Prompt.model_validate(made)
    assert (made["text"], made["messages"]) == ("{{ b }} and {{ a }}", None)
    assert made["variables"] == ["a", "b"]
    assert made["reference"] == "ann/ask@v1"
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "{{ c }}"}]
    chat = read(await prompts.add(lab, ANN, {"name": "chat", "messages": messages}, NO_KEY))
    Prompt.model_validate(chat)
    assert (chat["text"], chat["messages"], chat["variables"]) == (None, messages, ["c"])


async def test_a_reference_without_owner_is_the_callers_own(lab):
    await add_prompt(lab, ANN, text="ann's")
    await add_prompt(lab, BOB, text="bob's")
    assert (await prompts.get(lab, ANN, "ask"))["text"] == "ann's"
    assert (await prompts.get(lab, BOB, "ask"))["text"] == "bob's"
    assert (await prompts.get(lab, ANN, "bob/ask@v1"))["text"] == "bob's"
    with pytest.raises(NotFoundError, match="ann/ask or bob/ask"):
        await prompts.get(lab, VIC, "ask")
    with pytest.raises(NotFoundError, match="v1 to v1"):
        await prompts.get(lab, ANN, "ask@v2")


@pytest.mark.parametrize("text", ["{{ x", "{% for a in b %}{{ a }}", "{{ x.__class__ }}"])
async def test_a_broken_prompt_is_refused_and_leaves_nothing(lab, text):
    with pytest.raises(InvalidError) as refused:
        await add_prompt(lab, text=text)
    assert refused.value.findings
    assert rows_in(lab, tables.prompts) == 0
    assert await trail(lab) == []


@pytest.mark.parametrize("name", ["../x", "a\0b", "A", "", "x" * 10_000])
async def test_a_name_that_is_none_is_refused(lab, name):
    with pytest.raises(InvalidError):
        await add_prompt(lab, name=name)
    with pytest.raises(InvalidError):
        await add_model(lab, name=name)


async def test_a_viewer_makes_nothing(lab):
    with pytest.raises(DeniedError):
        await add_prompt(lab, VIC)
    with pytest.raises(DeniedError):
        await add_model(lab, VIC)
    assert [one["resource_type"] for one in await trail(lab)] == ["prompt", "model"]


async def test_lists_are_newest_first_by_owner_and_page_by_page(lab):
    for number in range(3):
        await add_prompt(lab, ANN, text=f"{number}")
        await add_prompt(lab, BOB, text=f"{number}")
    everything = await prompts.listing(lab, VIC, Page())
    assert len(everything["items"]) == 6
    first = await prompts.listing(lab, VIC, Page(limit=2), "ann")
    rest = await prompts.listing(lab, VIC, Page(first["next_cursor"], 2), "ann")
    found = [one["reference"] for one in first["items"] + rest["items"]]
    assert found == ["ann/ask@v3", "ann/ask@v2", "ann/ask@v1"]
    assert rest["next_cursor"] is None
    with pytest.raises(InvalidError):
        await prompts.listing(lab, VIC, Page(first["next_cursor"], 2), "bob")


async def test_a_model_is_shown_with_its_price_or_why_it_has_none(lab):
    local = read(await add_model(lab))
    Model.model_validate(local)
    assert local["price"] == {
        "input_usd_per_million": "0",
        "output_usd_per_million": "0",
        "source": "local",
    }
    own = read(
        await add_model(
            lab, price={"input_usd_per_million": "0.15", "output_usd_per_million": "0.60"}
        )
    )
    assert own["price"]["output_usd_per_million"] == "0.6"
    assert own["price"]["source"] == "entry"
    unknown = read(
        await add_model(
            lab,
            name="remote",
            provider="openai",
            id="some-model",
            base_url="http://models.example/v1",
            insecure=True,
        )
    )
    Model.model_validate(unknown)
    assert unknown["insecure"] is True
    assert unknown["price"] is None
    assert "name a price in the entry" in unknown["price_reason"]
    assert await model_entries.get(lab, VIC, "ann/remote") == unknown
    listed = await model_entries.listing(lab, VIC, Page(limit=2))
    assert listed["items"] == [unknown, own]
    assert listed["next_cursor"] is not None


async def test_naming_a_secret_is_the_admins(lab):
    fields = {"provider": "openai", "id": "gpt-4o", "secret": "env:OPENAI_API_KEY"}
    with pytest.raises(DeniedError):
        await add_model(lab, ANN, **fields)
    made = read(await add_model(lab, ADMIN, **fields))
    assert made["secret"] == "env:OPENAI_API_KEY"
    assert made["price"]["source"] == "genai-prices"
    with pytest.raises(InvalidError):
        await add_model(lab, ADMIN, **{**fields, "secret": "sk-verysecret"})
    assert "sk-verysecret" not in str(await trail(lab))


async def test_a_broken_entry_is_refused_with_every_finding(lab):
    with pytest.raises(InvalidError) as refused:
        await add_model(lab, provider="echoo", parameters={"temprature": 1})
    assert len(refused.value.findings) == 2
    assert rows_in(lab, tables.models) == 0
