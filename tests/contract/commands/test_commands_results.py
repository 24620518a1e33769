"""Pages of results give every result once, in order; a comparison is paired or refused."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update
from tests.contract.commands.labs import ANN, NO_KEY, VIC, add_dataset, create, read, stocked

from llm_research_lab.api.schemas import Comparison, ResultPage
from llm_research_lab.commands import experiments
from llm_research_lab.commands.paging import Page
from llm_research_lab.cost import to_pico
from llm_research_lab.storage.relational import Database, tables
from llm_research_lab.storage.relational import results as stored
from llm_research_lab.storage.relational.results import Filters, Order
from llm_research_lab.vocabulary import ConflictError, InvalidError

TWO = [
    {"kind": "exact", "target": "{{ capital }}"},
    {"kind": "f1", "target": "{{ capital }}"},
]


def put(connection, experiment_id, sample, *, latency=None, scores=None, kind=None, cached=False):
    connection.execute(
        insert(tables.results).values(
            experiment_id=experiment_id,
            sample=sample,
            messages=[{"role": "user", "content": "hi"}],
            answer=None if kind == "timeout" else "yes",
            input_tokens=None if kind == "timeout" else 3,
            output_tokens=None if kind == "timeout" else 1,
            latency_ms=latency,
            cost_picousd=to_pico(Decimal("0.000002")),
            scores=scores or {},
            failure_kind=kind,
            failure_message="why" if kind else None,
            cached=cached,
            attempts=1,
            finished_at=0,
        )
    )
    for metric, value in (scores or {}).items():
        connection.execute(
            insert(tables.scores).values(
                experiment_id=experiment_id,
                metric=metric,
                cached=cached,
                value=value,
                sample=sample,
            )
        )


def fill(lab, experiment_id):
    def write(c):
        put(c, experiment_id, 0, latency=9.5, scores={"exact": 1.0, "f1": 0.5})
        put(c, experiment_id, 1, kind="timeout")
        put(c, experiment_id, 2, scores={"exact": 0.0, "f1": 0.25}, cached=True)

    lab.database.write_now(write)


async def filled(lab):
    await stocked(lab)
    made = await create(lab, evaluators=TWO)
    fill(lab, made["id"])
    return made["id"]


def samples(found):
    return [one["sample"] for one in found["items"]]


async def test_a_result_is_shown_as_the_api_says(lab):
    found = await experiments.results(lab, VIC, await filled(lab), Page())
    ResultPage.model_validate(found)
    first, failed, cached = found["items"]
    assert (first["cost_usd"], first["tokens"]) == ("0.000002", {"input": 3, "output": 1})
    assert (failed["failure"], failed["tokens"]) == ({"kind": "timeout", "message": "why"}, None)
    assert (cached["cached"], cached["latency_ms"]) == (True, None)


@pytest.mark.parametrize(
    ("sort", "filters", "expected"),
    [
        ("sample", {}, [0, 1, 2]),
        ("-sample", {}, [2, 1, 0]),
        ("latency", {}, [0, 1, 2]),
        ("exact", {}, [2, 0, 1]),
        ("-exact", {}, [0, 2, 1]),
        ("exact", {"least": 0.5}, [0]),
        ("exact", {"most": 0.5}, [2]),
        ("sample", {"failed": True}, [1]),
        ("sample", {"failed": False}, [0, 2]),
        ("sample", {"kind": "timeout"}, [1]),
        ("f1", {"cached": True}, [2]),
        ("latency", {"cached": False}, [0, 1]),
    ],
)
async def test_an_order_and_a_filter_do_what_they_say(lab, sort, filters, expected):
    experiment_id = await filled(lab)
    found = await experiments.results(lab, VIC, experiment_id, Page(), sort, **filters)
    assert samples(found) == expected


@pytest.mark.parametrize("sort", ["sample", "-sample", "latency", "-latency", "f1", "-exact"])
async def test_pages_of_one_give_what_one_page_gives(lab, sort):
    experiment_id = await filled(lab)
    whole = samples(await experiments.results(lab, VIC, experiment_id, Page(), sort))
    seen, cursor = [], None
    for _ in whole:
        found = await experiments.results(lab, VIC, experiment_id, Page(cursor, 1), sort)
        seen += samples(found)
        cursor = found["next_cursor"]
    assert (seen, cursor) == (whole, None)


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "bleu"},
        {"sort": "--sample"},
        {"kind": "tired"},
        {"least": 0.5},
        {"sort": "latency", "most": 1.0},
    ],
)
async def test_what_would_quietly_mean_nothing_is_refused(lab, asked):
    experiment_id = await filled(lab)
    with pytest.raises(InvalidError):
        await experiments.results(lab, VIC, experiment_id, Page(), **asked)


async def test_a_cursor_of_another_order_is_refused(lab):
    experiment_id = await filled(lab)
    cursor = (await experiments.results(lab, VIC, experiment_id, Page(limit=1)))["next_cursor"]
    with pytest.raises(InvalidError):
        await experiments.results(lab, VIC, experiment_id, Page(cursor), "-sample")


def _end(lab, *ids):
    lab.database.write_now(
        lambda c: c.execute(
            update(tables.experiments)
            .where(tables.experiments.c.id.in_(ids))
            .values(status="completed")
        )
    )


async def test_a_comparison_pairs_the_samples_that_both_scored(lab):
    a = await filled(lab)
    b = (await create(lab, name="other", evaluators=TWO))["id"]

    def write(c):
        put(c, b, 0, scores={"exact": 1.0, "f1": 0.75})
        put(c, b, 1, scores={"exact": 1.0, "f1": 1.0})

    lab.database.write_now(write)
    _end(lab, a, b)
    found = await experiments.comparison(lab, VIC, a, b)
    Comparison.model_validate(found)
    assert (found["a"], found["b"]) == ({"id": a, "name": "run"}, {"id": b, "name": "other"})
    assert found["dataset"] == "ann/capitals@v1"
    exact, f1 = found["metrics"]["exact"], found["metrics"]["f1"]
    assert (exact["n"], exact["tied"]) == (1, 1)
    assert (f1["n"], f1["won"], f1["difference"]) == (1, 1, 0.25)
    assert await experiments.comparison(lab, VIC, a, b) == found


async def test_a_comparison_before_an_end_is_refused_with_the_reason(lab):
    a = await filled(lab)
    b = (await create(lab))["id"]
    _end(lab, a)
    with pytest.raises(ConflictError) as refused:
        await experiments.comparison(lab, VIC, a, b)
    assert refused.value.got == "it is queued"


async def test_a_comparison_on_two_datasets_is_refused_and_on_two_names_of_one_is_not(lab):
    a = await filled(lab)
    await add_dataset(lab, name="more", data=b"country,capital\nChad,Ndjamena\n")
    await add_dataset(lab, name="again")
    b, c = [(await create(lab, dataset=name))["id"] for name in ("more", "again")]
    _end(lab, a, b, c)
    with pytest.raises(ConflictError) as refused:
        await experiments.comparison(lab, VIC, a, b)
    assert "the datasets differ" in refused.value.got
    assert (await experiments.comparison(lab, VIC, a, c))["metrics"]["exact"]["n"] == 0


async def test_retrying_puts_the_failed_samples_back(lab):
    experiment_id = await filled(lab)
    _end(lab, experiment_id)
    lab.database.write_now(
        lambda c: c.execute(update(tables.experiments).values(done=3, failed=1, cursor=3))
    )
    shown = read(await experiments.retry(lab, ANN, experiment_id, NO_KEY))
    assert (shown["status"], shown["done"], shown["failed"]) == ("queued", 2, 0)
    assert samples(await experiments.results(lab, VIC, experiment_id, Page())) == [0, 2]


# Against the plain meaning: filter and sort in Python, cut anywhere.

KINDS = (None, "evaluator", "timeout", "poison")
result = st.fixed_dictionaries(
    {
        "latency": st.sampled_from([None, 1.0, 2.0, 2.5]),
        "value": st.sampled_from([0.0, 0.5, 1.0]),
        "kind": st.sampled_from(KINDS),
        "cached": st.booleans(),
    }
)
orders = st.builds(
    Order, st.sampled_from(["sample", "latency", "score"]), st.just("m"), st.booleans()
)
bounds = st.sampled_from([None, None, 0.25, 0.5])
filters = st.builds(
    Filters,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, *KINDS]),
    st.sampled_from([None, True, False]),
    bounds,
    bounds,
)


def meant(made, order, chosen):
    def key(sample):
        one = made[sample]
        if order.key == "score":
            return None if one["kind"] else one["value"]
        return one["latency"] if order.key == "latency" else None

    def kept(sample):
        one, value = made[sample], key(sample)
        bounded = order.key == "score" and (chosen.least, chosen.most) != (None, None)
        return (
            chosen.failed in (None, one["kind"] is not None)
            and chosen.kind in (None, one["kind"])
            and chosen.cached in (None, one["cached"])
            and (not bounded or value is not None)
            and (not bounded or chosen.least is None or value >= chosen.least)
            and (not bounded or chosen.most is None or value <= chosen.most)
        )

    found = [sample for sample in range(len(made)) if kept(sample)]
    found.sort(key=lambda s: (key(s) or 0.0, s), reverse=order.falling)
    return sorted(found, key=lambda s: order.key != "sample" and key(s) is None)


@pytest.fixture(scope="module")
def database():
    made = Database.memory()
    yield made
    made.close()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(st.lists(result, max_size=12), orders, filters, st.integers(1, 5))
def test_every_order_under_every_filter_in_pages_of_any_size(database, made, order, chosen, limit):
    if order.key != "score":
        chosen = Filters(chosen.failed, chosen.kind, chosen.cached)

    def fill(c):
        c.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for sample, one in enumerate(made):
            scores = {} if one["kind"] else {"m": one["value"], "other": 0.0}
            put(
                c,
                "e",
                sample,
                latency=one["latency"],
                scores=scores,
                kind=one["kind"],
                cached=one["cached"],
            )

    def pages(c):
        after = None
        for _ in itertools.count():
            found = stored.page(c, "e", order, chosen, after=after, limit=limit)
            yield [row.sample for _, row in found]
            if len(found) < limit:
                return
            after = found[-1][0]

    def run(c):
        fill(c)
        seen = list(itertools.chain.from_iterable(pages(c)))
        c.execute(delete(tables.results))
        c.execute(delete(tables.scores))
        return seen

    assert database.write_now(run) == meant(made, order, chosen)
