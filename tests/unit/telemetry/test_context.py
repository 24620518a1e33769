"""The ids of a piece of work are its own: on its tasks and threads, and nowhere else."""

from __future__ import annotations

import asyncio

from llm_research_lab.telemetry.context import begin, bound, end, ids, learn


async def test_what_is_learnt_below_is_known_above_and_beside_but_not_elsewhere():
    async def request(name):
        work = begin(request_id=name)
        await asyncio.sleep(0)
        await asyncio.create_task(authenticate(name))
        seen = dict(ids())
        end(work)
        return seen

    async def authenticate(name):
        learn(user_id=f"user of {name}")
        assert await asyncio.to_thread(lambda: ids()["request_id"]) == name

    seen = await asyncio.gather(request("a"), request("b"))
    assert seen == [{"request_id": n, "user_id": f"user of {n}"} for n in ("a", "b")]
    assert not ids()


def test_work_that_begins_knows_nothing_of_the_work_around_it():
    outer = begin(request_id="a")
    inner = begin(experiment_id="e")
    assert ids() == {"experiment_id": "e"}
    end(inner)
    assert ids() == {"request_id": "a"}
    end(outer)


def test_bound_ids_end_with_their_block_and_leave_the_works_own_alone():
    work = begin(request_id="a")
    with bound(experiment_id="e"):
        learn(user_id="ann")
        assert ids() == {"request_id": "a", "experiment_id": "e", "user_id": "ann"}
    assert ids() == {"request_id": "a"}
    end(work)


async def test_learning_outside_any_work_stays_on_its_task():
    async def alone():
        learn(user_id="ann")
        return dict(ids())

    assert await asyncio.create_task(alone()) == {"user_id": "ann"}
    assert not ids()
