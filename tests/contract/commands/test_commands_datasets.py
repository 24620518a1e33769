"""A dataset is kept whole or not at all, once, and who reads its rows is in the trail."""

from __future__ import annotations

import asyncio

import pytest
from tests.contract.commands.labs import (
    ANN,
    CSV,
    NO_KEY,
    VIC,
    add_dataset,
    chunks_of,
    key,
    read,
    rows_in,
    trail,
)

from llm_research_lab.api.schemas import Dataset
from llm_research_lab.commands import datasets
from llm_research_lab.commands.paging import Page
from llm_research_lab.storage.relational import tables
from llm_research_lab.vocabulary import (
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
)

JSONL = b'{"country":"France","capital":"Paris"}\n{"country":"Peru","capital":"Lima"}\n'
SCHEMA = {"columns": [{"name": "country", "type": "string"}, {"name": "capital", "type": "string"}]}


async def test_a_dataset_is_shown_as_the_api_says(lab):
    made = await add_dataset(lab)
    shown = read(made)
    Dataset.model_validate(shown)
    assert made.status == 201
    assert (shown["reference"], shown["rows"], shown["format"]) == ("ann/capitals@v1", 3, "csv")
    assert lab.objects.exists(shown["digest"])
    assert await datasets.get(lab, VIC, "ann/capitals") == shown
    assert (await datasets.listing(lab, VIC, Page()))["items"] == [shown]
    [entry] = await trail(lab)
    assert (entry["action"], entry["resource_id"]) == ("create", shown["id"])
    assert entry["metadata"]["reference"] == "ann/capitals@v1"


async def test_the_same_rows_are_the_same_version(lab):
    first = await add_dataset(lab)
    assert (await add_dataset(lab)).status == 200
    other = read(await add_dataset(lab, data=JSONL, kind="jsonl"))
    assert (read(first)["version"], other["version"]) == ("v1", "v2")
    assert rows_in(lab, tables.datasets) == 2


async def test_a_bad_file_leaves_nothing_but_its_findings(lab):
    with pytest.raises(InvalidError) as refused:
        await add_dataset(lab, data=CSV + b"one,two,three\n" * 30, once=key("k"))
    assert (len(refused.value.findings), refused.value.total) == (20, 30)
    assert rows_in(lab, tables.datasets) == 0
    assert rows_in(lab, tables.idempotency) == 0
    assert await trail(lab) == []


async def test_a_given_schema_is_checked_and_kept(lab):
    shown = read(await add_dataset(lab, schema=SCHEMA))
    assert [one["nullable"] for one in shown["schema"]["columns"]] == [False, False]
    wrong = {"columns": [{"name": "country", "type": "text"}]}
    with pytest.raises(InvalidError) as refused:
        await add_dataset(lab, schema=wrong)
    assert refused.value.findings


async def test_a_viewer_adds_none_and_the_stream_is_not_read(lab):
    read_any = False

    async def chunks():
        nonlocal read_any
        read_any = True
        yield CSV

    with pytest.raises(DeniedError):
        await datasets.add(lab, VIC, "capitals", "csv", None, chunks(), NO_KEY)
    assert not read_any
    assert len(await trail(lab, outcome="failure")) == 1


async def test_an_upload_sent_twice_is_kept_once_and_answered_alike(lab):
    first = await add_dataset(lab, once=key("k"))
    assert await add_dataset(lab, once=key("k")) == first
    assert first.status == 201
    assert len(await trail(lab)) == 1


async def test_another_body_or_head_under_the_key_is_refused(lab):
    await add_dataset(lab, once=key("k"))
    for data, once in ((CSV + b"Chad,Ndjamena\n", key("k")), (CSV, key("k", "2"))):
        with pytest.raises(InvalidError) as refused:
            await add_dataset(lab, data=data, once=once)
        assert refused.value.where == "header Idempotency-Key"
    assert rows_in(lab, tables.datasets) == 1


async def test_while_an_upload_runs_the_same_again_is_a_conflict_and_another_is_refused(lab):
    going, may_end = asyncio.Event(), asyncio.Event()

    async def slow():
        yield CSV[:20]
        going.set()
        await may_end.wait()
        yield CSV[20:]

    first = asyncio.create_task(
        datasets.add(lab, ANN, "capitals", "csv", None, slow(), key("k", "1"))
    )
    await going.wait()
    with pytest.raises(ConflictError):
        await add_dataset(lab, once=key("k", "1"))
    with pytest.raises(InvalidError):
        await add_dataset(lab, once=key("k", "2"))
    may_end.set()
    assert (await first).status == 201


async def test_an_upload_that_is_cut_gives_its_claim_back(lab):
    going = asyncio.Event()

    async def endless():
        while True:
            yield b"country,capital\n"
            going.set()
            await asyncio.sleep(0.001)

    cut = asyncio.create_task(datasets.add(lab, ANN, "capitals", "csv", None, endless(), key("k")))
    await going.wait()
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert rows_in(lab, tables.idempotency) == 0
    assert (await add_dataset(lab, once=key("k"))).status == 201


async def test_a_preview_gives_rows_from_its_offset_and_says_where_the_next_begins(lab):
    await add_dataset(lab)
    first = await datasets.preview(lab, VIC, "ann/capitals", 0, 2)
    assert [row["capital"] for row in first["items"]] == ["Paris", "Lima"]
    assert first["next_cursor"] == "2"
    rest = await datasets.preview(lab, VIC, "ann/capitals@v1", 2, 2)
    assert rest == {"items": [{"country": "Japan", "capital": "Tokyo"}], "next_cursor": None}
    beyond = await datasets.preview(lab, VIC, "ann/capitals", 10**9, 2)
    assert beyond == {"items": [], "next_cursor": None}


async def test_reading_rows_is_audited_and_so_is_asking_in_vain(lab):
    shown = read(await add_dataset(lab))
    await datasets.preview(lab, VIC, "ann/capitals", 0, 2)
    with pytest.raises(NotFoundError):
        await datasets.preview(lab, VIC, "ann/capitols", 0, 2)
    entries = await trail(lab, action="read")
    assert [(one["resource_id"], one["outcome"]) for one in entries] == [
        (shown["id"], "success"),
        ("ann/capitols", "failure"),
    ]
    assert {one["metadata"]["event_type"] for one in entries} == {"data_access"}
    assert {one["user_id"] for one in entries} == {"vic"}


@pytest.mark.parametrize("name", ["../x", "a\0b", "x" * 10_000])
async def test_a_name_is_never_a_path(lab, name):
    with pytest.raises(InvalidError):
        await datasets.add(lab, ANN, name, "csv", None, chunks_of(CSV), NO_KEY)
