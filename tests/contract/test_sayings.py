"""What a unit of work says is logged once it is committed, with its asker's ids, on every store."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import time

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError, OperationalError
from tests.contract.commands.labs import ADMIN, ANN, VIC, add_dataset, new_lab
from tests.contract.running import experiment, until

from llm_research_lab.commands import datasets, experiments, keys
from llm_research_lab.commands.access import authenticate
from llm_research_lab.commands.execution.finishing import finish
from llm_research_lab.commands.once import Once
from llm_research_lab.storage.relational import Database, queue
from llm_research_lab.storage.relational.sayings import say
from llm_research_lab.storage.relational.tables import rates
from llm_research_lab.telemetry import context, logs
from llm_research_lab.telemetry.events import made
from llm_research_lab.telemetry.spans import current
from llm_research_lab.telemetry.tracing import Tracer
from llm_research_lab.vocabulary import (
    DeniedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)


class Log(io.StringIO):
    @property
    def lines(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of(self, name):
        return [line for line in self.lines if line["event"] == name]

    async def until(self, name, count=1):
        """A line is written after its waiter is told."""

        async def there():
            return len(self.of(name)) >= count

        await until(there)
        return self.of(name)


@pytest.fixture
def log():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = Log()
    logs.configure("llm-research-lab-api", "info", out)
    yield out
    logs.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(params=["memory", "sqlite"])
def lab(request, tmp_path):
    made_lab = new_lab(tmp_path / "data", request.param)
    yield made_lab
    made_lab.database.close()


def said(name):
    return lambda c: say(c, made("process.ready", url=name))


async def test_a_unit_runs_with_the_ids_and_the_span_of_its_asker(lab):
    async def asker(name):
        work = context.begin(request_id=name)
        with Tracer().root("http_request", {}) as span:
            for ask in (lab.database.read, lab.database.write):
                seen = await ask(lambda _: (dict(context.ids()), current().recording))
                assert seen == ({"request_id": name}, span.recording)
        context.end(work)

    await asyncio.gather(*(asker(f"r{n}") for n in range(20)))
    assert lab.database.read_now(lambda _: dict(context.ids())) == {}
    with context.bound(request_id="now"):
        assert lab.database.write_now(lambda _: dict(context.ids())) == {"request_id": "now"}


async def test_what_is_said_is_logged_once_after_the_commit_and_what_is_undone_never(lab, log):
    def undone(c):
        said("undone")(c)
        raise KeyError

    def alone(c):
        said("first")(c)
        assert not log.lines

    await lab.database.write(alone)
    with pytest.raises(KeyError):
        await lab.database.write(undone)
    await lab.database.write(said("second"))
    lines = await log.until("process.ready", 2)
    await lab.database.write(lambda _: None)
    assert [line["url"] for line in lines] == ["first", "second"]


async def test_each_audited_act_is_logged_as_the_spec_has_it(lab, log):
    work = context.begin(request_id="r1", session_id="key_1", user_id="ann")
    await add_dataset(lab, ANN)
    await datasets.preview(lab, ANN, "capitals", 0, 1)
    with pytest.raises(NotFoundError):
        await datasets.preview(lab, ANN, "none", 0, 1)
    with pytest.raises(DeniedError):
        await keys.create(lab, VIC, {"name": "k", "user": "vic", "role": "viewer"}, Once(None, "0"))
    with pytest.raises(UnauthenticatedError):
        await authenticate(lab, "lab_" + "x" * 43, "192.0.2.9", "a test", "/v1/keys")
    body = {"name": "k", "user": "bob", "role": "viewer"}
    made_key = json.loads((await keys.create(lab, ADMIN, body, Once(None, "0"))).body)
    await authenticate(lab, made_key["secret"], "192.0.2.9", "a test", "/v1/keys")
    await keys.revoke(lab, ADMIN, made_key["id"])
    context.end(work)
    await log.until("audit.resource_deleted")
    lines = [line for line in log.lines if line["event"].startswith("audit.")]
    assert [(line["event"], line["audit_log"]["outcome"]) for line in lines] == [
        ("audit.resource_created", "success"),
        ("audit.data_access", "success"),
        ("audit.data_access", "failure"),
        ("audit.authorization_failure", "failure"),
        ("audit.access_denied", "failure"),
        ("audit.resource_created", "success"),
        ("audit.login", "success"),
        ("audit.resource_deleted", "success"),
    ]
    for line in lines:
        assert list(line["audit_log"]) == [
            "timestamp",
            "user_id",
            "action",
            "resource_type",
            "resource_id",
            "source_ip",
            "user_agent",
            "outcome",
            "metadata",
        ]
        assert (line["request_id"], line["session_id"]) == ("r1", "key_1")
    assert made_key["secret"] not in log.getvalue()


async def test_an_experiments_first_lease_and_its_end_are_logged_with_its_ids(lab, log):
    with context.bound(request_id="r7"):
        experiment_id = await experiment(lab, rows=100)
    for _ in range(2):
        lease = await lab.database.write(lambda c: queue.lease(c, "w", 4))
    assert lease.ids == {"request_id": "r7", "experiment_id": experiment_id, "user_id": "ann"}
    await finish(lab, experiment_id, "it broke")
    [start] = await log.until("experiment.start")
    [complete] = await log.until("experiment.complete")
    ids = {"request_id": "r7", "experiment_id": experiment_id, "user_id": "ann"}
    assert start.items() >= ids.items()
    assert complete.items() >= ids.items()
    assert start["experiment_type"] == "evaluation"
    assert start["dataset_name"] == "ann/capitals@v1"
    assert complete["status"] == "failure"
    assert complete["result_count"] == 0
    assert complete["duration_seconds"] >= 0
    [execution] = await log.until("audit.experiment_execution")
    assert execution["audit_log"]["source_ip"] == "internal"


async def test_a_cancelled_experiment_that_never_ran_is_complete_after_no_time(lab, log):
    experiment_id = await experiment(lab)
    await experiments.cancel(lab, ANN, experiment_id, Once(None, "0"))
    [complete] = await log.until("experiment.complete")
    assert (complete["status"], complete["duration_seconds"]) == ("cancelled", 0)
    assert not log.of("experiment.start")


async def test_a_statement_that_fails_is_a_database_error_without_its_values(lab, log):
    def broken(c):
        c.execute(text("SELECT a FROM nowhere WHERE x = :x"), {"x": "private"})

    with context.bound(request_id="r1"):
        for ask in (lab.database.read, lab.database.write):
            with pytest.raises(OperationalError) as caught:
                await ask(broken)
            assert "private" not in str(caught.value)
    lines = await log.until("database.error", 2)
    for line in lines:
        assert (line["level"], line["query_type"], line["request_id"]) == ("error", "select", "r1")
        assert line["error"] == "OperationalError: no such table: nowhere"
    assert len(lines) == 2


async def test_what_the_data_itself_refuses_is_no_database_error(lab, log):
    def twice(c):
        for _ in range(2):
            c.execute(insert(rates).values(name="a", tokens=1.0, updated_at=0))

    with pytest.raises(IntegrityError):
        await lab.database.write(twice)
    await lab.database.write(said("later"))
    await log.until("process.ready")
    assert not log.of("database.error")


async def test_a_lock_that_another_holds_is_a_database_error_of_who_waited_first(tmp_path, log):
    database = Database.open(tmp_path / "lab.db", busy_seconds=0.1)
    other = sqlite3.connect(tmp_path / "lab.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with context.bound(request_id="r1"), pytest.raises(UnavailableError):
        await database.write(lambda _: None)
    other.close()
    [line] = await log.until("database.error")
    assert (line["query_type"], line["request_id"]) == ("begin", "r1")
    assert "database is locked" in line["error"]
    started = time.monotonic()
    await database.write(lambda _: None)
    assert time.monotonic() - started < 5
    database.close()
