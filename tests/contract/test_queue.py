"""Work is leased once; a write without the newest fence changes nothing. On every store."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select, update

from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.experiments.result import Failure, Message, SampleResult, Usage
from llm_research_lab.storage.relational import Database, ledger, queue
from llm_research_lab.storage.relational.ledger import Intent, Outcome, Retraction
from llm_research_lab.storage.relational.tables import (
    calls,
    chunks,
    datasets,
    experiments,
    models,
    prompts,
    rates,
    responses,
    results,
    scores,
)

VERSION = {"owner": "ann", "ordinal": 1, "created_at": 0}


@pytest.fixture(params=["memory", "sqlite"])
def database(request, tmp_path):
    store = Database.memory() if request.param == "memory" else Database.open(tmp_path / "lab.db")
    store.write_now(_versions)
    yield store
    store.close()


def _versions(c):
    c.execute(
        insert(datasets).values(
            id="ds",
            name="d",
            digest="d",
            schema={},
            rows=0,
            bytes=0,
            format="csv",
            statistics={},
            **VERSION,
        )
    )
    c.execute(insert(prompts).values(id="pr", name="p", digest="p", content={}, **VERSION))
    for model in ("m1", "m2"):
        c.execute(insert(models).values(id=model, name=model, digest=model, content={}, **VERSION))


def experiment(database, name, *, owner="ann", samples=25, model="m1", **more):
    values = {
        "id": name,
        "name": name,
        "owner": owner,
        "experiment_type": "evaluation",
        "specification": {},
        "dataset_id": "ds",
        "prompt_id": "pr",
        "model_id": model,
        "status": "queued",
        "priority": 5,
        "samples": samples,
        "created_at": 0,
        **more,
    }
    database.write_now(lambda c: c.execute(insert(experiments).values(**values)))
    return name


def lease(database, worker="w1", **more):
    return database.write_now(lambda c: queue.lease(c, worker, 4, **more))


def expire(database):
    database.write_now(lambda c: c.execute(update(chunks).values(lease_expires_at=1)))


def intent(held, sample, ceiling=0, limits=None, key="k", **more):
    return Intent(
        held.experiment_id,
        held.chunk_id,
        held.fence,
        sample,
        key,
        limits or Limits(concurrency=100),
        ceiling,
        10,
        **more,
    )


def outcome(held, sample, *, reserved=0, charged=0, key=None, last=False, failure=None):
    result = SampleResult(
        sample,
        (Message("user", "hi"),),
        "yes",
        Usage(3, 1),
        1.5,
        Decimal("0.000001"),
        {} if failure else {"exact": 1.0},
        failure,
        attempts=1,
    )
    return Outcome(
        held.chunk_id, held.fence, held.experiment_id, result, reserved, charged, key, last
    )


def admit(database, *intents):
    return [a.outcome for a in database.write_now(lambda c: ledger.admit(c, intents))]


def record(database, *outcomes):
    return database.write_now(lambda c: ledger.record(c, outcomes))


def row(database, name):
    return database.read_now(
        lambda c: c.execute(select(experiments).where(experiments.c.id == name)).one()
    )


def count(database, table):
    return database.read_now(lambda c: c.scalar(select(func.count()).select_from(table)))


def test_an_empty_queue_leases_nothing(database):
    assert lease(database) is None
    assert not database.read_now(queue.waits)


def test_every_sample_is_leased_exactly_once(database):
    experiment(database, "e1", samples=45)
    assert database.read_now(queue.waits)
    held = []
    while (one := lease(database)) is not None:
        held.append(one)
    covered = [s for h in held for s in range(h.first, h.first + h.count)]
    assert sorted(covered) == list(range(45))
    assert row(database, "e1").status == "running"
    assert row(database, "e1").started_at is not None


def test_users_share_the_runners_whatever_their_priorities(database):
    experiment(database, "e1", owner="ann", samples=1000, priority=9)
    experiment(database, "e2", owner="ben", samples=1000, priority=0)
    owners = [lease(database).experiment_id for _ in range(6)]
    assert owners.count("e1") == owners.count("e2") == 3


def test_a_model_without_room_is_left_to_others(database):
    experiment(database, "e1", model="m1")
    experiment(database, "e2", model="m2")
    assert lease(database, without=("m1",)).experiment_id == "e2"
    assert lease(database, without=("m1",)).experiment_id == "e2"
    assert lease(database, without=("m1",)) is None


@pytest.mark.parametrize("status", ["paused", "cancelled", "completed", "failed"])
def test_only_a_waiting_or_running_experiment_is_served(database, status):
    experiment(database, "e1", status=status)
    assert lease(database) is None


def test_an_expired_lease_moves_on_with_a_higher_fence_and_what_is_done(database):
    experiment(database, "e1", samples=10)
    first = lease(database)
    admit(database, intent(first, 3), intent(first, 4))
    assert record(database, outcome(first, 3)) == [True]
    assert lease(database, "w2") is None
    expire(database)
    second = lease(database, "w2")
    assert (second.chunk_id, second.first, second.count) == (first.chunk_id, 0, 10)
    assert second.fence > first.fence
    assert second.done == {3}
    assert row(database, "e1").calls_repeated == 1  # sample 4's call was in flight
    assert count(database, calls) == 0


def test_a_lease_from_before_the_clock_was_set_back_counts_as_lost(database):
    experiment(database, "e1", samples=10)
    lease(database)
    database.write_now(lambda c: c.execute(update(chunks).values(lease_expires_at=2**60)))
    assert lease(database, "w2") is not None


def test_a_lost_lease_can_neither_admit_nor_record_nor_renew_nor_hand_back(database):
    experiment(database, "e1", samples=10)
    old = lease(database)
    expire(database)
    new = lease(database, "w2")
    assert admit(database, intent(old, 0)) == ["stop"]
    assert record(database, outcome(old, 0)) == [False]
    assert database.write_now(
        lambda c: queue.renew(c, [(old.chunk_id, old.fence), (new.chunk_id, new.fence)])
    ) == [False, True]
    database.write_now(lambda c: queue.hand_back(c, [(old.chunk_id, old.fence)]))
    assert count(database, results) == 0
    assert admit(database, intent(new, 0)) == ["go"]
    database.write_now(lambda c: ledger.retract(c, [Retraction(intent(old, 0), 5)]))
    assert count(database, calls) == 1
    assert row(database, "e1").spent_picousd == 0


def test_results_scores_counters_and_cache_are_stored_together(database):
    experiment(database, "e1", samples=2)
    held = lease(database)
    admit(database, intent(held, 0, 70), intent(held, 1, 70))
    assert row(database, "e1").reserved_picousd == 140
    failure = Failure("timeout", "none")
    record(
        database,
        outcome(held, 0, reserved=70, charged=40, key="a" * 64),
        outcome(held, 1, reserved=70, charged=9, failure=failure, last=True),
    )
    after = row(database, "e1")
    assert (after.done, after.failed) == (2, 1)
    assert (after.reserved_picousd, after.spent_picousd) == (0, 49)
    assert [count(database, t) for t in (results, scores, responses, calls)] == [2, 1, 1, 0]
    assert database.read_now(lambda c: c.scalar(select(chunks.c.state))) == "done"
    assert lease(database) is None


def test_the_same_answer_twice_in_the_cache_is_kept_once(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    record(database, outcome(held, 0, key="a" * 64), outcome(held, 1, key="a" * 64))
    record(database, outcome(held, 2, key="a" * 64))
    assert count(database, responses) == 1


def test_calls_side_by_side_never_overshoot_the_cap(database):
    experiment(database, "e1", samples=10, cap_picousd=100)
    held = lease(database)
    asked = [intent(held, s, 40) for s in range(4)]
    assert admit(database, *asked) == ["go", "go", "wait", "wait"]
    record(database, outcome(held, 0, reserved=40, charged=40))
    assert admit(database, *asked[2:]) == ["wait", "wait"]
    record(database, outcome(held, 1, reserved=40, charged=40))
    assert admit(database, *asked[2:]) == ["over_cap", "over_cap"]
    assert row(database, "e1").spent_picousd == 80


def test_a_call_in_flight_at_a_crash_counts_as_paid_under_the_cap(database):
    experiment(database, "e1", samples=10, cap_picousd=100)
    held = lease(database)
    admit(database, intent(held, 0, 60))
    expire(database)
    again = lease(database, "w2")
    after = row(database, "e1")
    assert (after.reserved_picousd, after.spent_picousd) == (0, 60)
    assert admit(database, intent(again, 0, 60)) == ["over_cap"]


def test_a_call_without_an_answer_releases_its_reservation_and_keeps_what_it_cost(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    asked = intent(held, 0, 60)
    admit(database, asked)
    database.write_now(lambda c: ledger.retract(c, [Retraction(asked, 7)]))
    after = row(database, "e1")
    assert (after.reserved_picousd, after.spent_picousd, count(database, calls)) == (0, 7, 0)


def test_runners_together_keep_one_limit_of_concurrency(database):
    experiment(database, "e1", samples=100)
    one, two = lease(database, "w1"), lease(database, "w2")
    limits = Limits(concurrency=3)
    assert admit(database, *(intent(one, one.first + i, limits=limits) for i in range(2))) == [
        "go",
        "go",
    ]
    assert admit(database, *(intent(two, two.first + i, limits=limits) for i in range(2))) == [
        "go",
        "wait",
    ]
    alone = intent(two, two.first + 1, limits=limits, shared=False)
    assert admit(database, alone) == ["go"]


def test_requests_and_tokens_a_minute_are_one_bucket_for_all_runners(database):
    experiment(database, "e1", samples=100)
    one, two = lease(database, "w1"), lease(database, "w2")
    limits = Limits(concurrency=1000, requests_per_minute=6)
    first = admit(database, *(intent(one, one.first + i, limits=limits) for i in range(10)))
    second = admit(database, *(intent(two, two.first + i, limits=limits) for i in range(10)))
    assert first.count("go") == 1  # a second's worth, and at least one
    assert second == ["wait"] * 10
    tokens = Limits(concurrency=1000, tokens_per_minute=25)
    asked = [intent(two, two.first + i, limits=tokens, key="other") for i in range(5)]
    assert admit(database, *asked).count("go") == 1
    assert count(database, rates) == 2


@pytest.mark.parametrize("status", ["paused", "cancelled"])
def test_a_stopped_experiment_makes_no_further_call_but_keeps_what_was_paid(database, status):
    experiment(database, "e1", samples=10)
    held = lease(database)
    admit(database, intent(held, 0))
    database.write_now(lambda c: c.execute(update(experiments).values(status=status)))
    assert admit(database, intent(held, 1)) == ["stop"]
    assert record(database, outcome(held, 0)) == [True]
    assert row(database, "e1").done == 1


def test_work_handed_back_waits_again_without_a_loss(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    admit(database, intent(held, 0))
    database.write_now(lambda c: queue.hand_back(c, [(held.chunk_id, held.fence)]))
    assert count(database, calls) == 0
    again = lease(database, "w2")
    assert again.chunk_id == held.chunk_id
    losses = database.read_now(lambda c: c.scalar(select(chunks.c.losses)))
    assert (losses, again.alone) == (0, False)
    assert row(database, "e1").calls_repeated == 1


def test_a_chunk_lost_three_times_runs_alone_and_its_killer_is_named(database):
    experiment(database, "e1", samples=10)
    for turn in range(3):
        held = lease(database)
        assert not held.alone, turn
        expire(database)
    for _ in range(2):
        held = lease(database)
        assert (held.alone, held.poison) == (True, None)
        admit(database, intent(held, 6))
        expire(database)
    assert lease(database).poison == 6
