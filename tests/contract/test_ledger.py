"""A call is written before it is made and settled with its result: sums are right on every store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from tests.contract.test_queue import (
    _versions,
    admit,
    count,
    experiment,
    expire,
    intent,
    lease,
    outcome,
    record,
    row,
)

from llm_research_lab.experiments.model_entry import Limits
from llm_research_lab.storage.relational import Database, ledger, limits, queue
from llm_research_lab.storage.relational.ledger import Retraction
from llm_research_lab.storage.relational.tables import calls, chunks, experiments, rates, results

REMOTE = Limits(concurrency=1000, tokens_per_minute=6000)  # a burst of 100


@pytest.fixture(params=["memory", "sqlite"])
def database(request, tmp_path):
    store = Database.memory() if request.param == "memory" else Database.open(tmp_path / "lab.db")
    store.write_now(_versions)
    yield store
    store.close()


def retract(database, *retractions):
    database.write_now(lambda c: ledger.retract(c, retractions))


def bucket(database, name):
    return database.read_now(lambda c: c.scalar(select(rates.c.tokens).where(rates.c.name == name)))


def test_a_bucket_that_nobody_takes_from_goes_on_filling(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    slow = Limits(concurrency=1, requests_per_minute=6)
    assert admit(database, intent(held, 0, limits=slow)) == ["go"]
    taken = database.read_now(lambda c: c.scalar(select(rates.c.updated_at)))
    for _ in range(3):  # refused for want of a slot, before the bucket is asked
        assert admit(database, intent(held, 1, limits=slow)) == ["wait"]
    assert database.read_now(lambda c: c.scalar(select(rates.c.updated_at))) == taken
    database.write_now(lambda c: c.execute(update(rates).values(updated_at=taken - 10_000)))
    record(database, outcome(held, 0))
    assert admit(database, intent(held, 1, limits=slow)) == ["go"]


def test_tokens_that_were_granted_and_not_used_are_given_back(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    asked = replace(intent(held, 0, limits=REMOTE), tokens=90)
    assert admit(database, asked) == ["go"]
    before = bucket(database, "k tokens")
    record(database, replace(outcome(held, 0), intent=asked))  # 3 read, 1 written
    assert bucket(database, "k tokens") == pytest.approx(before + 86)


@pytest.mark.parametrize(("paid", "back"), [(0, 90), (7, 0)])
def test_a_call_without_an_answer_gives_its_tokens_back_unless_it_may_be_paid(database, paid, back):
    experiment(database, "e1", samples=10)
    held = lease(database)
    asked = replace(intent(held, 0, limits=REMOTE), tokens=90)
    admit(database, asked)
    before = bucket(database, "k tokens")
    retract(database, Retraction(asked, paid))
    assert bucket(database, "k tokens") == pytest.approx(before + back)


def test_a_retracted_sample_is_admitted_again(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    for _ in range(3):
        assert admit(database, intent(held, 0, 5)) == ["go"]
        retract(database, Retraction(intent(held, 0, 5), 2))
    after = row(database, "e1")
    assert (after.reserved_picousd, after.spent_picousd, count(database, calls)) == (0, 6, 0)


def test_a_waiting_call_takes_nothing_from_any_limit(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    both = Limits(concurrency=1000, requests_per_minute=600, tokens_per_minute=60)
    first = replace(intent(held, 0, limits=both), tokens=1)
    assert admit(database, first) == ["go"]
    left = bucket(database, "k requests")
    assert admit(database, replace(intent(held, 1, limits=both), tokens=1)) == ["wait"]
    assert bucket(database, "k requests") == left
    assert row(database, "e1").reserved_picousd == 0


def test_a_model_in_the_runner_without_limits_touches_no_limits(database):
    assert not limits.limited(Limits(concurrency=1), shared=False)
    experiment(database, "e1", samples=10)
    held = lease(database)
    one = Limits(concurrency=1)
    asked = [intent(held, s, limits=one, shared=False) for s in range(5)]
    assert admit(database, *asked) == ["go"] * 5
    assert count(database, rates) == 0


def test_a_chunk_is_done_only_when_every_sample_has_its_result(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    record(database, outcome(held, 0, last=True))
    state = select(chunks.c.state)
    assert database.read_now(lambda c: c.scalar(state)) == "leased"
    record(database, *(outcome(held, s, last=s == 9) for s in range(1, 10)))
    assert database.read_now(lambda c: c.scalar(state)) == "done"


def test_a_chunk_whose_results_are_all_there_is_done_when_it_is_handed_back(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    record(database, *(outcome(held, s) for s in range(10)))
    database.write_now(lambda c: queue.hand_back(c, [(held.chunk_id, held.fence)]))
    assert database.read_now(lambda c: c.scalar(select(chunks.c.state))) == "done"
    assert lease(database) is None


def test_what_a_cancelled_experiment_held_is_gone_when_it_comes_back(database):
    experiment(database, "e1", samples=10)
    experiment(database, "e2", samples=10, owner="ben")
    one, two = lease(database), lease(database)
    admit(database, intent(one, one.first, 5))
    database.write_now(lambda c: c.execute(update(experiments).values(status="cancelled")))
    database.write_now(lambda c: queue.hand_back(c, [(one.chunk_id, one.fence)]))
    expire(database)
    assert database.read_now(queue.waits)
    assert lease(database) is None
    assert [count(database, t) for t in (chunks, calls)] == [0, 0]
    assert not database.read_now(queue.waits)
    assert two is not None


@pytest.mark.parametrize("status", ["paused", "failed", "cancelled"])
def test_a_dead_runners_calls_hold_no_slot_whatever_becomes_of_its_experiment(database, status):
    experiment(database, "e1", samples=10)
    experiment(database, "e2", samples=10, owner="ben")
    dead, living = lease(database), lease(database)
    one = Limits(concurrency=1)
    assert admit(database, intent(dead, dead.first, limits=one)) == ["go"]
    assert admit(database, intent(living, living.first, limits=one)) == ["wait"]
    gone = update(experiments).where(experiments.c.id == dead.experiment_id)
    database.write_now(lambda c: c.execute(gone.values(status=status)))
    lost = update(chunks).where(chunks.c.id == dead.chunk_id).values(lease_expires_at=1)
    database.write_now(lambda c: c.execute(lost))
    lease(database)
    assert admit(database, intent(living, living.first, limits=one)) == ["go"]


def test_what_is_revoked_can_write_nothing_more(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    admit(database, intent(held, 0, 5))
    database.write_now(lambda c: queue.revoke(c, "e1"))
    assert record(database, outcome(held, 0, reserved=5)) == [False]
    after = row(database, "e1")
    assert (after.reserved_picousd, after.spent_picousd, after.calls_repeated) == (0, 5, 1)


def test_many_experiments_of_one_user_do_not_hide_anothers(database):
    first = row(database, experiment(database, "a000", owner="ann", samples=10))._asdict()
    more = [{**first, "id": f"a{number:03}", "name": "a"} for number in range(1, 300)]
    database.write_now(lambda c: c.execute(insert(experiments), more))
    experiment(database, "b", owner="ben", samples=1000, served_at=1)
    assert "b" in {lease(database).experiment_id for _ in range(2)}


def test_a_users_highest_priority_goes_first(database):
    experiment(database, "e1", samples=100, priority=1)
    experiment(database, "e2", samples=100, priority=8)
    assert {lease(database).experiment_id for _ in range(3)} == {"e2"}


def test_a_clock_that_was_set_back_by_less_than_a_lease_loses_none(database):
    experiment(database, "e1", samples=10)
    held = lease(database)
    later = update(chunks).values(lease_expires_at=chunks.c.lease_expires_at + queue.LEASE_MS - 500)
    database.write_now(lambda c: c.execute(later))
    assert lease(database, "w2") is None
    assert admit(database, intent(held, 0)) == ["go"]


def test_the_suspect_of_a_careful_chunk_stays_poison_until_it_has_its_result(database):
    experiment(database, "e1", samples=10)
    for _ in range(5):
        held = lease(database)
        if held.alone:
            admit(database, intent(held, 6))
        expire(database)
    held = lease(database)
    assert held.poison == 6
    assert "sample 6" in held.reason
    database.write_now(lambda c: queue.hand_back(c, [(held.chunk_id, held.fence)]))
    assert lease(database).poison == 6


STEPS = st.lists(
    st.tuples(st.sampled_from(["admit", "record", "retract", "expire", "back"]), st.integers(0, 9)),
    max_size=25,
)


@given(STEPS)
@settings(deadline=None)
def test_reserved_is_always_the_sum_of_the_calls_and_the_cap_holds(steps):
    database = Database.memory()
    try:
        database.write_now(_versions)
        experiment(database, "e1", samples=10, cap_picousd=300)
        held = lease(database)
        for step, sample in steps:
            held = _take_step(database, step, sample, held)
            if held is None:
                break
            after = row(database, "e1")
            reserved, flying = database.read_now(
                lambda c: c.execute(select(func.sum(calls.c.reserved_picousd), func.count())).one()
            )
            assert after.reserved_picousd == (reserved or 0)
            assert after.spent_picousd + after.reserved_picousd <= 300
            assert after.done == count(database, results)
            assert flying + after.done <= 10
    finally:
        database.close()


def _take_step(database, step, sample, held):
    flying = database.read_now(lambda c: set(c.scalars(select(calls.c.sample))))
    stored = database.read_now(lambda c: set(c.scalars(select(results.c.sample))))
    if step == "admit" and sample not in flying | stored:
        admit(database, intent(held, sample, 40))
    elif step == "record" and sample in flying:
        record(database, outcome(held, sample, reserved=40, charged=sample, last=len(stored) == 9))
    elif step == "retract" and sample in flying:
        retract(database, Retraction(intent(held, sample, 40), sample))
    elif step == "expire":
        expire(database)
        return lease(database)
    elif step == "back":
        database.write_now(lambda c: queue.hand_back(c, [(held.chunk_id, held.fence)]))
        return lease(database)
    return held
