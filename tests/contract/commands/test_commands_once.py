"""A request sent twice with its key is done once and answered alike. On every store."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.contract.commands.labs import ANN, BOB, NO_KEY, key, read, rows_in, trail

from llm_research_lab.commands import prompts
from llm_research_lab.commands.once import Said, digest_of_request, once, replayed
from llm_research_lab.storage.relational import idempotency, now_ms, tables
from llm_research_lab.vocabulary import ConflictError, InvalidError

ASK = {"name": "ask", "text": "Hello {{ who }}"}


async def test_the_same_request_is_done_once_and_answered_alike(lab):
    first = await prompts.add(lab, ANN, ASK, key("k"))
    assert await prompts.add(lab, ANN, ASK, key("k")) == first
    assert rows_in(lab, tables.prompts) == 1
    assert len(await trail(lab)) == 1


async def test_another_request_under_the_same_key_is_refused(lab):
    await prompts.add(lab, ANN, ASK, key("k", "1"))
    with pytest.raises(InvalidError) as refused:
        await prompts.add(lab, ANN, {**ASK, "name": "other"}, key("k", "2"))
    assert refused.value.where == "header Idempotency-Key"
    assert rows_in(lab, tables.prompts) == 1


async def test_a_key_is_its_users_own(lab):
    await prompts.add(lab, ANN, ASK, key("k"))
    made = read(await prompts.add(lab, BOB, ASK, key("k")))
    assert made["owner"] == "bob"


async def test_a_request_that_still_runs_is_a_conflict(lab):
    lab.database.write_now(lambda c: idempotency.begin(c, "ann", "k", "1" * 64, now_ms(c)))
    with pytest.raises(ConflictError):
        await prompts.add(lab, ANN, ASK, key("k"))
    assert rows_in(lab, tables.prompts) == 0


async def test_a_request_that_failed_may_be_sent_again(lab):
    def fails(connection):
        raise ConflictError("it", "this", "that", "wait")

    with pytest.raises(ConflictError):
        await once(lab, ANN, key("k"), fails)
    assert (await once(lab, ANN, key("k"), lambda c: {"done": True})).body == b'{"done":true}'


async def test_a_work_that_fails_leaves_nothing_of_what_it_did(lab):
    def fails(connection):
        idempotency.begin(connection, "ann", "inner", "1" * 64, 0)
        raise ConflictError("it", "this", "that", "wait")

    with pytest.raises(ConflictError):
        await once(lab, ANN, key("k"), fails)
    assert rows_in(lab, tables.idempotency) == 0


async def test_without_a_key_every_request_is_done(lab):
    for number in range(2):
        made = await once(lab, ANN, NO_KEY, lambda c, n=number: {"n": n})
        assert read(made) == {"n": number}
    assert rows_in(lab, tables.idempotency) == 0


async def test_a_replay_is_told_what_may_be_told_twice(lab):
    def work(connection):
        return Said({"secret": "s"}, 202, kept={"secret": None})

    assert read(await once(lab, ANN, key("k"), work)) == {"secret": "s"}
    again = await once(lab, ANN, key("k"), work)
    assert (again.status, read(again)) == (202, {"secret": None})
    assert await replayed(lab, ANN, key("k")) == again
    assert await replayed(lab, ANN, key("other")) is None
    assert await replayed(lab, ANN, NO_KEY) is None


@pytest.mark.parametrize("age_ms", [idempotency.KEPT_MS, -idempotency.KEPT_MS - 60_000])
async def test_a_key_is_forgotten_after_a_day_also_when_the_clock_was_set_back(lab, age_ms):
    await once(lab, ANN, key("k", "1"), lambda c: {"n": 1})
    _age(lab, age_ms)
    assert read(await once(lab, ANN, key("k", "2"), lambda c: {"n": 2})) == {"n": 2}


@pytest.mark.parametrize("age_ms", [idempotency.ABANDONED_MS, -idempotency.ABANDONED_MS - 60_000])
async def test_a_claim_whose_process_died_lapses(lab, age_ms):
    lab.database.write_now(lambda c: idempotency.begin(c, "ann", "k", "1" * 64, now_ms(c)))
    _age(lab, age_ms)
    assert read(await once(lab, ANN, key("k"), lambda c: {"n": 1})) == {"n": 1}


async def test_at_a_start_unfinished_claims_lapse_and_finished_ones_stay(lab):
    await once(lab, ANN, key("done"), lambda c: {"n": 1})
    lab.database.write_now(lambda c: idempotency.begin(c, "ann", "k", "1" * 64, now_ms(c)))
    assert lab.database.write_now(idempotency.lapse) == 1
    assert read(await once(lab, ANN, key("k"), lambda c: {"n": 2})) == {"n": 2}
    assert read(await once(lab, ANN, key("done"), lambda c: {"n": 3})) == {"n": 1}


async def test_each_new_key_drops_old_ones(lab):
    for number in range(5):
        await once(lab, ANN, key(f"k{number}"), lambda c: {})
    _age(lab, idempotency.KEPT_MS + 1)
    await once(lab, ANN, key("new"), lambda c: {})
    assert rows_in(lab, tables.idempotency) == 4
    for number in range(2):
        await once(lab, ANN, key(f"newer{number}"), lambda c: {})
    assert rows_in(lab, tables.idempotency) == 3


def test_a_digest_tells_method_path_and_body_apart():
    asked = {
        digest_of_request(method, path, body)
        for method in ("POST", "PUT")
        for path in ("/v1/a", "/v1/a?b")
        for body in (b"", b"{}")
    }
    assert len(asked) == 8
    assert digest_of_request("POST", "/v1/a", b"") in asked


def _age(lab, by_ms):
    age = tables.idempotency.c.created_at - by_ms
    lab.database.write_now(lambda c: c.execute(update(tables.idempotency).values(created_at=age)))
