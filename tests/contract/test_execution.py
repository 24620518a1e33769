"""A sample has one result, whatever happens to its call, its experiment, its lease and its runner.

LocalExecutor, Desk and Runner over every store.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update
from tests.contract.commands.labs import ANN, BOB, NO_KEY, create, new_lab, trail
from tests.contract.running import (
    Broken,
    Flaky,
    Held,
    Scripted,
    Slow,
    count,
    ended,
    executor,
    experiment,
    expire,
    found,
    lease,
    on_time,
    prepared,
    row,
    runner,
    states,
    take_over,
    until,
)

from llm_research_lab.commands import experiments as commands
from llm_research_lab.commands.execution import Desk
from llm_research_lab.commands.execution.columns import read_columns
from llm_research_lab.commands.execution.finishing import finish, finishable
from llm_research_lab.commands.execution.lane import Door, Lane
from llm_research_lab.experiments.breaking import FAILURES, OPEN_MS
from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.experiments.result import SampleResult, Usage
from llm_research_lab.models import ProviderError
from llm_research_lab.service.runner import Runner
from llm_research_lab.storage.relational import Database, ledger
from llm_research_lab.storage.relational.ledger import Intent, Outcome
from llm_research_lab.storage.relational.tables import calls, chunks, experiments, responses
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import Instruments
from llm_research_lab.telemetry.running import RunnerInstruments
from llm_research_lab.vocabulary import UnavailableError

PRICE = {"input_usd_per_million": "1", "output_usd_per_million": "1"}
REMOTE = {"provider": "openai", "id": "m", "base_url": "http://127.0.0.1:9/v1", "price": PRICE}


@pytest.fixture(params=["memory", "files"])
def lab(request, tmp_path):
    made = on_time(new_lab(tmp_path / "lab", request.param))
    yield made
    made.database.close()


@pytest.fixture
def filed(tmp_path):
    """A lab on files whose store gives up soon when it is locked."""
    made = on_time(new_lab(tmp_path / "lab", "files"))
    made.database.close()
    database = Database.open(made.directory.database, rest_seconds=0, busy_seconds=0.05)
    yield replace(made, database=database)
    database.close()


async def status(lab, name):
    return (await row(lab, name)).status


async def set_status(lab, name, value):
    await lab.database.write(
        lambda c: c.execute(
            update(experiments).where(experiments.c.id == name).values(status=value)
        )
    )


# ── One lease ────────────────────────────────────────────────────────────────────────────────────


async def test_every_sample_of_a_lease_gets_its_scores_and_the_chunk_is_done(lab):
    name = await experiment(lab, rows=12)
    async with executor(lab) as one:
        await one.run(await lease(lab))
    got = await found(lab, name)
    assert {sample: r.answer for sample, r in got.items()} == {i: f"town {i}" for i in range(12)}
    assert all(r.scores == {"exact": 1.0} and r.attempts == 1 for r in got.values())
    assert (await states(lab), await count(lab, calls)) == (["done"], 0)
    after = await row(lab, name)
    assert (after.done, after.failed, after.reserved_picousd) == (12, 0, 0)


async def test_a_failed_rendering_fails_its_sample_without_a_call(lab):
    prompt = "{{ 1 / 0 if country == 'land 3' else country }}"
    name = await experiment(lab, rows=10, prompt=prompt)
    provider = Scripted()
    async with executor(lab, provider) as one:
        await one.run(await lease(lab))
    got = await found(lab, name)
    assert [s for s, r in got.items() if r.failure_kind == "template"] == [3]
    assert sorted(call.sample for call in provider.calls) == [0, 1, 2, *range(4, 10)]


async def test_an_answer_that_cannot_be_scored_is_kept_beside_the_failure(lab):
    fields = {"evaluators": [{"kind": "numeric", "target": "{{ capital }}"}]}
    name = await experiment(lab, rows=10, fields=fields)
    async with executor(lab) as one:
        await one.run(await lease(lab))
    got = await found(lab, name)
    assert {r.failure_kind for r in got.values()} == {"evaluator"}
    assert got[4].answer == "town 4"
    assert got[4].scores == {}


async def test_what_may_pass_is_asked_again_and_only_the_last_call_stays_reserved(lab):
    limits = {"attempts": 3}
    name = await experiment(lab, rows=10, price=PRICE, limits=limits)
    provider = Flaky("rate_limited", 2, retry_after_ms=1)
    async with executor(lab, provider) as one:
        await one.run(await lease(lab))
    got = await found(lab, name)
    assert {(r.attempts, r.failure_kind) for r in got.values()} == {(3, None)}
    after = await row(lab, name)
    assert (after.reserved_picousd, after.spent_picousd) == (0, 10 * 5_000_000)
    assert await count(lab, calls) == 0


@pytest.mark.parametrize(("kind", "final"), [("refused", True), ("missing_secret", True)])
async def test_a_final_refusal_is_not_asked_again(lab, kind, final):
    name = await experiment(lab, rows=10)
    provider = Flaky(kind, 99, final=final)
    async with executor(lab, provider) as one:
        await one.run(await lease(lab))
    assert {(r.attempts, r.failure_kind) for r in (await found(lab, name)).values()} == {(1, kind)}
    assert len(provider.calls) == 10


async def test_calls_side_by_side_never_overshoot_the_cap_and_send_their_bound(lab):
    cap = Decimal("0.002")  # one call may cost a little more than 0.001
    name = await experiment(lab, rows=10, fields={"cap_usd": "0.002"}, **REMOTE)
    provider = Slow()
    async with executor(lab, provider) as one:
        await one.run(await lease(lab))
    after, got = await row(lab, name), await found(lab, name)
    assert after.spent_picousd <= int(cap * 10**12)
    assert provider.most == 1
    assert {r.failure_kind for r in got.values()} == {None}
    assert {call.parameters["max_tokens"] for call in provider.calls} == {1024}


async def test_a_sample_that_no_longer_fits_under_the_cap_fails_and_is_not_called(lab):
    name = await experiment(lab, rows=10, fields={"cap_usd": "0.001"}, **REMOTE)
    provider = Scripted()
    async with executor(lab, provider) as one:
        await one.run(await lease(lab))
    assert {r.failure_kind for r in (await found(lab, name)).values()} == {"cost_cap"}
    assert provider.calls == []


async def test_the_cache_answers_what_is_deterministic_and_else_only_when_asked(lab):
    await prepared(lab, rows=10)
    made = []
    for fields in (
        {"parameters": {"max_tokens": 10}},
        {"parameters": {"temperature": 0}},
        {"parameters": {"temperature": 0}},
        {"parameters": {"max_tokens": 10}, "use_cache": True},
        {"parameters": {"max_tokens": 10}, "use_cache": True},
        {"parameters": {"temperature": 0}, "use_cache": False},
    ):
        provider = Scripted()
        name = (await create(lab, ANN, **fields))["id"]
        async with executor(lab, provider) as one:
            await one.run(await lease(lab))
        made.append(len(provider.calls))
    assert made == [10, 10, 0, 10, 0, 10]
    assert await count(lab, responses) == 20
    assert not any(r.cached for r in (await found(lab, name)).values())


async def test_a_cached_answer_costs_nothing_and_is_scored_anew(lab):
    await prepared(lab, rows=10, price=PRICE)
    first = (await create(lab, ANN, parameters={"temperature": 0}))["id"]
    evaluators = [{"kind": "contains", "target": "town"}]
    second = (await create(lab, ANN, parameters={"temperature": 0}, evaluators=evaluators))["id"]
    async with executor(lab) as one:
        await one.run(await lease(lab))
        await one.run(await lease(lab))
    assert (await row(lab, first)).spent_picousd > 0
    assert (await row(lab, second)).spent_picousd == 0
    got = (await found(lab, second))[5]
    assert (got.cached, got.scores, got.cost_picousd) == (True, {"contains": 1.0}, 0)
    assert (got.latency_ms, got.attempts) == (None, 0)


# ── An experiment that is stopped, a lease that is lost ──────────────────────────────────────────


@pytest.mark.parametrize(("verb", "left"), [("paused", ["waiting"]), ("cancelled", [])])
async def test_a_stopped_experiment_keeps_what_is_in_flight_and_begins_nothing(lab, verb, left):
    name = await experiment(lab, rows=10, limits={"concurrency": 3}, **REMOTE | {"price": None})
    provider = Held()
    async with executor(lab, provider) as one:
        task = asyncio.create_task(one.run(await lease(lab)))
        await provider.called(3)
        await set_status(lab, name, verb)
        provider.go.set()
        await task
    after = await row(lab, name)
    assert (len(provider.calls), after.done, after.calls_repeated) == (3, 3, 0)
    assert await count(lab, calls) == 0
    assert await states(lab) == left


async def test_a_drain_finishes_what_is_in_flight_and_hands_back_the_rest(lab):
    name = await experiment(lab, rows=10, limits={"concurrency": 2})
    provider = Held()
    async with executor(lab, provider) as one:
        task = asyncio.create_task(one.run(await lease(lab)))
        await provider.called(2)
        one.drain()
        provider.go.set()
        await task
    after = await row(lab, name)
    assert (len(provider.calls), after.done, after.calls_repeated) == (2, 2, 0)
    assert (await states(lab), await count(lab, calls)) == (["waiting"], 0)


async def test_a_cut_lease_counts_the_calls_that_were_made_and_no_others(lab):
    name = await experiment(lab, rows=10, limits={"concurrency": 2})
    provider = Held()
    async with executor(lab, provider) as one:
        task = asyncio.create_task(one.run(await lease(lab)))
        await provider.called(2)

        async def one_ahead():
            return await count(lab, calls) == 3

        await until(one_ahead)  # a third is written down, and waits for a slot
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    after = await row(lab, name)
    assert (provider.cut, after.done, after.calls_repeated) == (2, 0, 2)
    assert (await states(lab), await count(lab, calls)) == (["waiting"], 0)


async def test_a_result_under_a_lost_lease_is_dropped_and_the_new_lease_stays(lab):
    name = await experiment(lab, rows=10)
    provider = Held()
    async with executor(lab, provider) as one:
        old = await lease(lab)
        task = asyncio.create_task(one.run(old))
        await provider.called(4)
        await expire(lab)
        new = await lease(lab, "w2")
        provider.go.set()
        await task
    assert await found(lab, name) == {}
    assert (await states(lab), new.chunk_id) == (["leased"], old.chunk_id)
    assert (await row(lab, name)).calls_repeated >= 4


async def test_a_bug_in_one_call_cuts_the_others_and_hands_the_chunk_back(lab):
    await experiment(lab, rows=10, limits={"concurrency": 6})
    provider = Broken()
    async with executor(lab, provider) as one:
        with pytest.raises(ValueError, match="a bug"):
            await one.run(await lease(lab))
    assert provider.now == 0
    assert provider.cut >= 5
    assert await states(lab) == ["waiting"]


# ── The one that kills its runner ────────────────────────────────────────────────────────────────


async def test_a_careful_lease_waits_for_the_others_and_runs_one_by_one(lab):
    await experiment(lab, rows=45)
    first, second = Held(), Slow()
    async with executor(lab, first) as one:
        together = asyncio.create_task(one.run(await lease(lab)))
        await first.called(4)
        careful = replace(await lease(lab, "w2"), alone=True)
        waiting = asyncio.create_task(one.run(careful))
        await asyncio.sleep(0.02)
        assert all(call.sample < careful.first for call in first.calls)
        first.go.set()
        await asyncio.gather(together, waiting)
    async with executor(lab, second) as one:
        await one.run(replace(await lease(lab), alone=True))
    assert second.most == 1


async def test_the_poisonous_sample_is_failed_unrun(lab):
    name = await experiment(lab, rows=10)
    held = replace(await lease(lab), poison=7, alone=True, reason="sample 7 ended its runner")
    provider = Scripted()
    async with executor(lab, provider) as one:
        await one.run(held)
    got = (await found(lab, name))[7]
    assert (got.failure_kind, got.failure_message) == ("poison", "sample 7 ended its runner")
    assert 7 not in {call.sample for call in provider.calls}


# ── Limits over runners, breaker ─────────────────────────────────────────────────────────────────


async def test_two_runners_keep_one_limit_of_concurrency(lab):
    name = await experiment(lab, rows=40, limits={"concurrency": 3}, **REMOTE)
    provider = Slow()
    async with runner(lab, provider), runner(lab, provider):
        await ended(lab, name)
    assert 1 < provider.most <= 3
    assert len(provider.calls) == 40


async def test_the_calls_of_a_dead_runner_do_not_hold_slots_for_ever(lab):
    name = await experiment(lab, rows=40, limits={"concurrency": 2}, **REMOTE)
    dead = await lease(lab, "dead")
    asked = [
        Intent(
            name, dead.chunk_id, dead.fence, s, "openai http://127.0.0.1:9/v1 m", Limits(2), 0, 0
        )
        for s in (0, 1)
    ]
    await lab.database.write(lambda c: ledger.admit(c, asked))
    async with runner(lab, Scripted()):
        await asyncio.sleep(0.3)  # it leases what it can hold, and none of it may be called
        assert (await row(lab, name)).done == 0
        await expire_one(lab, dead)
        await ended(lab, name)
    assert (await row(lab, name)).calls_repeated == 2


async def expire_one(lab, held):
    await lab.database.write(
        lambda c: c.execute(
            update(chunks).where(chunks.c.id == held.chunk_id).values(lease_expires_at=1)
        )
    )


def lane(now, slots=2):
    return Lane(None, slots, True, now, asyncio.Semaphore(slots), Door(slots))


async def test_a_probe_that_is_not_sent_passes_its_turn_on():
    clock = [1000]
    one = lane(lambda: clock[0])
    for _ in range(FAILURES):
        one.note("unavailable")
    assert one.ask_breaker() == (OPEN_MS, False)
    clock[0] += OPEN_MS
    assert one.ask_breaker() == (0, True)
    assert one.ask_breaker()[0] > 0
    one.lose_probe()
    assert one.ask_breaker() == (0, True)
    one.note("success")
    assert one.ask_breaker() == (0, False)
    one.lose_probe()
    assert one.ask_breaker() == (0, False)


async def test_a_door_widens_at_once_and_narrows_as_they_leave():
    door, inside, most = Door(1), 0, 0

    async def enter():
        nonlocal inside, most
        async with door:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(4)))
    assert most == 1
    door.resize(3)
    await asyncio.gather(*(enter() for _ in range(9)))
    assert most == 3
    most = 0
    async with door:
        door.resize(1)
    async with door:
        pass
    await asyncio.gather(*(enter() for _ in range(2)))
    await asyncio.gather(*(enter() for _ in range(4)))
    assert most <= 2


async def test_an_open_breaker_holds_all_calls_and_one_probe_brings_them_back(lab):
    name = await experiment(lab, rows=10, limits={"concurrency": 1, "attempts": 20})
    clock = [lab.now()]
    fast = replace(lab, now=lambda: clock[0])
    provider = Flaky("unavailable", 0)

    async def answer(call):
        if len(provider.calls) <= FAILURES:
            raise ProviderError("unavailable", "m", "an answer", "none", "wait", retry_after_ms=1)
        return await Scripted.answer(provider, call)

    provider.answer = answer
    async with executor(fast, provider) as one:
        task = asyncio.create_task(one.run(await lease(fast)))

        async def opened():
            return len(provider.calls) >= FAILURES

        await until(opened)
        await asyncio.sleep(0.6)  # longer than any backoff of these calls
        assert len(provider.calls) <= FAILURES + 1  # one was past the breaker when it opened
        clock[0] += OPEN_MS
        await task
    assert (await row(lab, name)).done == 10


# ── The desk ─────────────────────────────────────────────────────────────────────────────────────


def outcome(held, sample, tokens=1):
    result = SampleResult(sample, (), "a", Usage(tokens, 1), 1.0, None, {"exact": 1.0})
    return Outcome(held.chunk_id, held.fence, held.experiment_id, result, None, 0, None, last=False)


async def test_what_cannot_be_stored_fails_alone(lab):
    name = await experiment(lab, rows=10)
    held = await lease(lab)
    desk = Desk(lab.database)
    desk.open()
    wishes = [desk.record(outcome(held, s, 2**70 if s == 1 else 1)) for s in range(3)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    await desk.close()
    assert [answers[0], answers[2]] == [True, True]
    assert isinstance(answers[1], Exception)
    assert sorted(await found(lab, name)) == [0, 2]


async def test_a_call_that_was_admitted_for_nobody_is_taken_back(lab):
    name = await experiment(lab, rows=10)
    held = await lease(lab)
    desk = Desk(lab.database)
    desk.open()
    asked = desk.admit(Intent(name, held.chunk_id, held.fence, 0, "k", Limits(), 5, 0))
    asked.cancel()
    await desk.hand_back(held.chunk_id, held.fence)
    await desk.close()
    after = await row(lab, name)
    assert (after.reserved_picousd, after.spent_picousd, after.calls_repeated) == (0, 0, 0)
    assert await count(lab, calls) == 0


async def test_a_closed_desk_takes_nothing(lab):
    desk = Desk(lab.database)
    desk.open()
    await desk.close()
    with pytest.raises(UnavailableError):
        desk.hand_back(1, 1)


class Lock:
    """Another process that holds the write lock."""

    def __init__(self, lab):
        self._other = sqlite3.connect(lab.directory.database, isolation_level=None)

    def __enter__(self):
        self._other.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self._other.execute("ROLLBACK")
        self._other.close()


async def test_a_locked_store_only_delays_and_nothing_is_dropped(filed):
    name = await experiment(filed, rows=10)
    held = await lease(filed)
    desk = Desk(filed.database)
    desk.open()
    with Lock(filed):
        wish = desk.record(outcome(held, 0))

        async def troubled():
            return desk.trouble is not None

        await until(troubled)
        assert not wish.done()
    assert await wish is True
    assert desk.trouble is None
    await desk.close()
    assert sorted(await found(filed, name)) == [0]


async def test_a_desk_that_closes_waits_for_the_store_only_so_long(filed):
    await experiment(filed, rows=10)
    held = await lease(filed)
    desk = Desk(filed.database)
    desk.open()
    with Lock(filed):
        wish = desk.record(outcome(held, 0))
        await asyncio.wait_for(desk.close(0.1), 5)
    with pytest.raises(UnavailableError):
        await wish


async def test_a_store_that_is_locked_for_a_while_breaks_no_experiment(filed):
    name = await experiment(filed, rows=60, script={"delay_ms": 2})
    async with runner(filed):

        async def begun():
            return (await row(filed, name)).done > 0

        await until(begun)
        with Lock(filed):
            await asyncio.sleep(0.3)
        await ended(filed, name)
    after = await row(filed, name)
    assert (after.status, after.done, after.failed) == ("completed", 60, 0)


# ── Experiments from beginning to end ────────────────────────────────────────────────────────────


async def test_a_finished_experiment_has_its_summary_and_one_audit_entry_of_its_owner(lab):
    name = await experiment(lab, rows=30, price=PRICE)
    async with runner(lab), runner(lab):
        await ended(lab, name)
        await asyncio.gather(*(finish(lab, name) for _ in range(3)))
    after = await row(lab, name)
    assert (after.status, after.reason, after.done) == ("completed", None, 30)
    summary = after.summary
    assert summary["scores"]["exact"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 30}
    assert summary["tokens"]["input"] > 0
    assert Decimal(summary["cost_usd"]) == Decimal(after.spent_picousd).scaleb(-12)
    assert summary["duration_seconds"] == (after.finished_at - after.started_at) / 1000
    assert (summary["failures"], summary["cache_hits"]) == ({}, 0)
    entries = await trail(lab, resource_id=name, action="execute")
    assert [(e["user_id"], e["source_ip"], e["outcome"]) for e in entries] == [
        ("ann", "internal", "success")
    ]
    assert entries[0]["metadata"]["event_type"] == "experiment_execution"


async def test_a_summary_counts_every_kind_of_failure(lab):
    failures = [{"kind": "refused", "every": 10}]
    answers = [f"town {i if i % 3 else 0}" for i in range(50)]
    name = await experiment(lab, rows=50, script={"answer": answers, "failures": failures})
    async with runner(lab):
        await ended(lab, name)
    summary = (await row(lab, name)).summary
    right = sum(1 for i in range(50) if i % 10 != 9 and (i % 3 or i == 0))
    assert summary["failures"] == {"refused": 5}
    assert summary["scores"]["exact"]["n"] == 45
    assert summary["scores"]["exact"]["mean"] == pytest.approx(right / 45)
    entries = await trail(lab, resource_id=name, action="execute")
    assert [e["outcome"] for e in entries] == ["partial_success"]
    whole = await read_columns(lab.database, name, 50)
    assert await read_columns(lab.database, name, 50, most=7) == whole
    assert len(whole.latencies_ms) == len(whole.scores["exact"]) == 45


async def test_an_experiment_whose_every_sample_failed_has_failed(lab):
    name = await experiment(lab, rows=10)
    async with runner(lab, Flaky("refused", 99, final=True)):
        await ended(lab, name)
    after = await row(lab, name)
    assert (after.status, after.reason) == ("failed", "every sample failed")
    assert after.summary["failures"] == {"refused": 10}
    assert [e["outcome"] for e in await trail(lab, resource_id=name, action="execute")] == [
        "failure"
    ]


async def test_failed_samples_run_again_and_the_others_stay(lab):
    name = await experiment(lab, rows=30, limits={"attempts": 1})
    first = Scripted()

    async def answer(call):
        if call.sample % 3 == 0:
            raise ProviderError("rate_limited", "m", "an answer", "429", "wait")
        return await Scripted.answer(first, call)

    first.answer = answer
    async with runner(lab, first):
        await ended(lab, name)
    assert (await row(lab, name)).failed == 10
    before = {s for s, r in (await found(lab, name)).items() if r.failure_kind is not None}
    await commands.retry(lab, ANN, name, NO_KEY)
    provider = Scripted()
    async with runner(lab, provider):
        await ended(lab, name)
    after = await row(lab, name)
    assert (after.status, after.done, after.failed) == ("completed", 30, 0)
    assert {call.sample for call in provider.calls} == before
    assert len(await found(lab, name)) == 30


async def test_what_cannot_be_run_at_all_is_failed_with_the_reason_and_can_be_retried(lab):
    name = await experiment(lab, rows=60, limits={"concurrency": 6})
    async with runner(lab, Broken()):
        await ended(lab, name)
    after = await row(lab, name)
    assert (after.status, after.reason, after.summary) == ("failed", "ValueError: a bug", None)
    assert [e["outcome"] for e in await trail(lab, resource_id=name, action="execute")] == [
        "failure"
    ]
    await commands.retry(lab, ANN, name, NO_KEY)
    async with runner(lab, Scripted()):
        await ended(lab, name)
    again = await row(lab, name)
    assert (again.status, again.done, again.failed) == ("completed", 60, 0)


async def test_a_retry_of_what_was_broken_off_gives_no_sample_to_two_chunks(lab):
    name = await experiment(lab, rows=10)
    held = await lease(lab)
    async with executor(lab, Flaky("refused", 99, final=True)) as one:
        one.drain()
        await one.run(held)
    again = await lease(lab)
    async with executor(lab, provider := Held()) as one:
        task = asyncio.create_task(one.run(again))
        await provider.called(4)
        await finish(lab, name, "a bug")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await lab.database.write(
        lambda c: c.execute(update(experiments).where(experiments.c.id == name).values(failed=0))
    )
    await commands.retry(lab, ANN, name, NO_KEY)
    async with runner(lab, Scripted()):
        await ended(lab, name)
    assert (await row(lab, name)).done == 10


async def test_an_experiment_that_is_complete_ends_even_when_it_was_paused_or_resumed(lab):
    for state in ("paused", "queued"):
        name = await experiment(lab, rows=10)
        async with executor(lab) as one:
            await one.run(await lease(lab))
        await set_status(lab, name, state)
        assert await lab.database.read(finishable) == [name]
        await finish(lab, name)
        assert await status(lab, name) == "completed"


async def test_what_has_not_run_or_has_ended_is_not_finished(lab):
    name = await experiment(lab, rows=10)
    assert await finish(lab, name) is None
    await commands.cancel(lab, ANN, name, NO_KEY)
    assert await finish(lab, name, "late") is None
    assert await status(lab, name) == "cancelled"


async def test_pause_and_resume_lose_and_repeat_nothing(lab):
    name = await experiment(lab, rows=200, script={"delay_ms": 1})
    async with runner(lab):

        async def begun():
            return (await row(lab, name)).done > 0

        await until(begun)
        await commands.pause(lab, ANN, name, NO_KEY)
        await until(lambda: none_leased(lab))
        stood = (await row(lab, name)).done
        await asyncio.sleep(0.15)
        assert (await row(lab, name)).done == stood < 200
        await commands.resume(lab, ANN, name, NO_KEY)
        await ended(lab, name)
    after = await row(lab, name)
    assert (after.status, after.done, after.calls_repeated) == ("completed", 200, 0)


async def none_leased(lab):
    return "leased" not in await states(lab)


async def test_a_runner_that_stops_hands_back_what_it_holds(lab):
    name = await experiment(lab, rows=100, limits={"concurrency": 2})
    provider = Held()
    async with runner(lab, provider, drain_seconds=0.05):
        await provider.called(2)
    after = await row(lab, name)
    assert (after.done, after.calls_repeated) == (0, 2)
    assert set(await states(lab)) == {"waiting"}
    async with runner(lab, Scripted()):
        await ended(lab, name)
    assert (await row(lab, name)).done == 100


async def test_a_runner_gives_up_a_lease_that_another_has_taken(lab):
    await experiment(lab, rows=10)
    provider = Held()
    async with executor(lab, provider) as one:
        metrics = RunnerInstruments(lab.instruments)
        served = Runner(lab, one, "w1", metrics, drain_seconds=0, renew_seconds=0.05)
        task = asyncio.create_task(served.run())
        await provider.called(4)
        taken = await take_over(lab, "another")

        async def cut():
            return provider.cut >= 4

        await until(cut)
        served.stop.set()
        await task
    assert taken is not None
    assert await states(lab) == ["leased"]


async def test_two_users_are_served_side_by_side(lab):
    first = await experiment(lab, rows=300, script={"delay_ms": 1})
    second = await experiment(lab, rows=20, who=BOB, script={"delay_ms": 1})
    async with runner(lab):
        await ended(lab, second)
        assert (await row(lab, first)).done < 300
        await ended(lab, first)


async def test_the_runners_metrics_count_samples_leases_and_what_waits(tmp_path):
    registry = CollectorRegistry()
    instruments = Instruments.of(declaration(), "runner", registry, strict=True)
    lab = on_time(new_lab(tmp_path / "lab", "memory", instruments))
    failures = [{"kind": "refused", "every": 5}]
    name = await experiment(lab, rows=20, script={"failures": failures})
    async with runner(lab):
        await ended(lab, name)
        await until(lambda: seen(registry))

    def value(metric, **labels):
        return registry.get_sample_value(metric, labels)

    assert value("experiment_samples_total", experiment_type="evaluation", outcome="scored") == 16
    assert value("experiment_sample_failures_total", kind="refused") == 4
    assert value("experiment_leases_total", outcome="taken") == 2
    assert value("experiment_total", status="success", experiment_type="evaluation") == 1
    assert value("experiment_queue_depth") == value("experiment_samples_pending") == 0
    assert value("audit_log_entries_total", action="execute", outcome="partial_success") == 1
    model = {"model_name": "echo", "provider": "echo"}
    seconds = "model_inference_duration_seconds_count"
    assert value(seconds, model_version="v1", **model) == 20
    assert value("model_inference_errors_total", kind="refused", **model) == 4
    assert value("model_inference_tokens_total_count", model_name="echo", token_type="input") == 16
    assert value("model_inference_in_flight", **model) == 0
    assert value("provider_breaker_state", state="closed", **model) == 1
    assert value("telemetry_refused_total", signal="metric") == 0
    lab.database.close()


async def seen(registry):
    labels = {"status": "success", "experiment_type": "evaluation"}
    return registry.get_sample_value("experiment_total", labels) == 1
