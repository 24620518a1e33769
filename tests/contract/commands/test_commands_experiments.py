"""An experiment is created exact or not at all, and moved by those who may. On every store."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, update
from tests.contract.commands.labs import (
    ADMIN,
    ANN,
    BOB,
    NO_KEY,
    VIC,
    add_model,
    add_prompt,
    create,
    experiment,
    key,
    read,
    rows_in,
    stocked,
    trail,
)

from llm_research_lab.api.schemas import Experiment, LabStatus
from llm_research_lab.commands import experiments
from llm_research_lab.commands.paging import Page
from llm_research_lab.commands.status import status
from llm_research_lab.cost import to_pico
from llm_research_lab.experiments.read import specification_from_json
from llm_research_lab.storage.relational import queue, tables
from llm_research_lab.vocabulary import (
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
)


async def refusal(lab, **fields):
    with pytest.raises(InvalidError) as refused:
        await create(lab, **fields)
    assert rows_in(lab, tables.experiments) == 0
    return refused.value.findings


async def test_an_experiment_is_stored_with_the_exact_versions_of_its_moment(lab):
    await stocked(lab)
    made = await create(lab, limit=2, cap_usd="0.25", priority=7)
    await add_prompt(lab, text="Newer: {{ country }}")
    Experiment.model_validate(made)
    found = await experiments.get(lab, VIC, made["id"])
    assert found == made
    assert (found["dataset"], found["prompt"], found["model"]) == (
        "ann/capitals@v1",
        "ann/ask@v1",
        "ann/echo@v1",
    )
    assert (found["status"], found["samples"], found["cap_usd"]) == ("queued", 2, "0.25")
    row = lab.database.read_now(lambda c: c.execute(select(tables.experiments)).one())
    assert row.cap_picousd == to_pico(Decimal("0.25"))
    assert specification_from_json(row.specification).prompt == "ann/ask@v1"
    [entry] = await trail(lab, resource_type="experiment")
    assert (entry["action"], entry["resource_id"]) == ("create", made["id"])


async def test_an_experiment_may_name_what_is_anothers(lab):
    await stocked(lab, BOB)
    made = await create(lab, dataset="bob/capitals", prompt="bob/ask@v1", model="bob/echo")
    assert (made["owner"], made["dataset"]) == ("ann", "bob/capitals@v1")


async def test_every_reference_that_names_nothing_is_found(lab):
    findings = await refusal(lab, dataset="capitols", prompt="bob/ask", model="echo@v3")
    assert [one.where for one in findings] == ["/dataset", "/prompt", "/model"]


async def test_every_column_that_is_missing_is_found_before_anything_is_stored(lab):
    await stocked(lab)
    await add_prompt(lab, text="{{ contry }} or {{ town }}?")
    findings = await refusal(
        lab, evaluators=[{"kind": "exact", "target": "{{ capitol }}"}], parameters={"bogus": 1}
    )
    assert [one.where for one in findings] == ["/parameters/bogus"]
    findings = await refusal(lab, evaluators=[{"kind": "exact", "target": "{{ capitol }}"}])
    assert [one.where for one in findings] == ["/prompt", "/prompt", "/evaluators/0"]
    assert findings[0].fix == "did you mean country?"


async def test_parameters_that_the_provider_has_not_are_found(lab):
    await stocked(lab)
    await add_model(
        lab,
        name="remote",
        provider="openai",
        id="m",
        base_url="http://127.0.0.1:9/v1",
        parameters={"json_schema": {}},
    )
    findings = await refusal(lab, model="remote", parameters={"grammar": "root ::= x"})
    assert [(one.where, one.law) for one in findings] == [
        ("/parameters/grammar", "unsupported"),
        ("/parameters", "one-of"),
    ]


async def test_a_limit_beyond_the_rows_is_found(lab):
    await stocked(lab)
    [finding] = await refusal(lab, limit=4)
    assert finding.where == "/limit"
    assert "3 rows" in finding.message


async def test_a_dataset_without_rows_is_found(lab):
    await stocked(lab)
    lab.database.write_now(lambda c: c.execute(update(tables.datasets).values(rows=0)))
    [finding] = await refusal(lab)
    assert "has no rows" in finding.message


async def test_a_cap_on_a_model_without_a_price_is_refused_with_the_reason(lab):
    await stocked(lab)
    await add_model(lab, name="remote", provider="openai", id="m", base_url="http://127.0.0.1:9/v1")
    [finding] = await refusal(lab, model="remote", cap_usd="1")
    assert finding.where == "/cap_usd"
    assert "has no price: genai-prices knows no provider" in finding.message
    made = await create(lab, model="remote")
    assert made["cost_usd"] is None
    assert (await create(lab))["cost_usd"] == "0"
    shown = (await experiments.listing(lab, VIC, Page()))["items"]
    assert [one["cost_usd"] for one in shown] == ["0", None]


async def test_a_creation_sent_twice_is_done_once_whatever_changed_meanwhile(lab):
    await stocked(lab)
    first = await experiments.create(lab, ANN, experiment(), key("k"))
    await add_prompt(lab, text="{{ nothing_of_that_name }}")
    assert await experiments.create(lab, ANN, experiment(), key("k")) == first
    assert rows_in(lab, tables.experiments) == 1


async def test_a_viewer_creates_none_and_moves_none(lab):
    await stocked(lab)
    made = await create(lab)
    with pytest.raises(DeniedError):
        await experiments.create(lab, VIC, experiment(), NO_KEY)
    for move in (experiments.cancel, experiments.pause, experiments.resume, experiments.retry):
        for who in (VIC, BOB):
            with pytest.raises(DeniedError):
                await move(lab, who, made["id"], NO_KEY)
    assert (await experiments.get(lab, VIC, made["id"]))["status"] == "queued"
    assert len(await trail(lab, outcome="failure")) == 9


async def test_each_move_is_audited_with_where_from_and_where_to(lab):
    await stocked(lab)
    made = await create(lab)
    seen = []
    for move, who in (
        (experiments.pause, ANN),
        (experiments.resume, ADMIN),
        (experiments.cancel, ANN),
    ):
        answer = await move(lab, who, made["id"], NO_KEY)
        assert answer.status == 200
        seen.append((read(answer)["status"], read(answer)["reason"]))
    assert seen == [
        ("paused", "paused by ann"),
        ("queued", "resumed by root"),
        ("cancelled", "cancelled by ann"),
    ]
    entries = await trail(lab, action="update")
    assert [(one["metadata"]["from"], one["metadata"]["to"]) for one in entries] == [
        ("queued", "paused"),
        ("paused", "queued"),
        ("queued", "cancelled"),
    ]


async def test_a_move_that_is_not_an_edge_is_a_conflict_and_changes_nothing(lab):
    await stocked(lab)
    made = await create(lab)
    with pytest.raises(ConflictError) as refused:
        await experiments.resume(lab, ANN, made["id"], key("k"))
    assert refused.value.got == "it is queued"
    assert await trail(lab, action="update") == []
    assert rows_in(lab, tables.idempotency) == 0


async def test_a_move_sent_twice_is_done_once(lab):
    await stocked(lab)
    made = await create(lab)
    first = await experiments.pause(lab, ANN, made["id"], key("k"))
    assert await experiments.pause(lab, ANN, made["id"], key("k")) == first
    assert len(await trail(lab, action="update")) == 1


async def test_what_does_not_exist_is_not_found(lab):
    for ask in (
        experiments.get(lab, VIC, "exp_none"),
        experiments.cancel(lab, ANN, "exp_none", NO_KEY),
        experiments.results(lab, VIC, "exp_none", Page()),
        experiments.comparison(lab, VIC, "exp_none", "exp_other"),
    ):
        with pytest.raises(NotFoundError):
            await ask


async def test_lists_are_newest_first_by_status_and_owner(lab):
    await stocked(lab)
    made = [(await create(lab))["id"] for _ in range(3)]
    await experiments.pause(lab, ANN, made[1], NO_KEY)
    queued = await experiments.listing(lab, VIC, Page(limit=1), "queued", "ann")
    assert [one["id"] for one in queued["items"]] == [made[2]]
    rest = await experiments.listing(lab, VIC, Page(queued["next_cursor"], 1), "queued", "ann")
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([made[0]], None)
    assert (await experiments.listing(lab, VIC, Page(), owner="bob"))["items"] == []


async def test_the_status_counts_experiments_samples_and_runners(lab):
    await stocked(lab)
    await create(lab)
    await create(lab)
    lab.database.write_now(lambda c: queue.lease(c, "runner-1", 4))
    found = await status(lab, VIC)
    LabStatus.model_validate(found)
    assert found["experiments"] == {"queued": 1, "running": 1}
    assert found["samples_pending"] == 6
    assert found["runners"] == [{"name": "runner-1", "chunks": 1, "samples": 3}]
