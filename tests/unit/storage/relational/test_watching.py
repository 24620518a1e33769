"""A statement is measured under its verb and first table; a lock, a commit and its tallies too."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import exists, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from llm_research_lab.storage.relational import Database, tally
from llm_research_lab.storage.relational.tables import keys, rates
from llm_research_lab.storage.relational.watching import STATEMENTS, kind_of
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import Instruments

RATE = {"name": "a", "tokens": 1.0, "updated_at": 1}


@pytest.fixture
def watched():
    registry = CollectorRegistry()
    instruments = Instruments.of(declaration(), "api", registry, strict=True)
    database = Database.memory(instruments=instruments)
    yield database, registry.get_sample_value
    database.close()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (select(rates), ("select", "rates")),
        (select(exists().where(keys.c.id == "a")), ("select", "keys")),
        (insert(rates).values(RATE), ("insert", "rates")),
        (update(keys).values(name="a"), ("update", "keys")),
        (text("DELETE FROM rates"), ("delete", "rates")),
        (select(func.max(1)), ("select", "other")),
        (text("PRAGMA x"), ("other", "other")),
        (text("SELECT 1 FROM sqlite_master"), ("select", "other")),
    ],
)
def test_a_statement_has_a_verb_and_a_table(statement, kind):
    assert kind_of(str(statement)) == kind


def test_statements_are_timed_failed_ones_too(watched):
    database, value = watched
    database.write_now(lambda c: c.execute(insert(rates).values(RATE)))
    with pytest.raises(IntegrityError):
        database.write_now(lambda c: c.execute(insert(rates).values(RATE)))
    database.read_now(lambda c: c.execute(select(rates)).all())
    seconds = "db_query_duration_seconds_count"
    assert value(seconds, {"query_type": "insert", "table": "rates"}) == 2
    assert value(seconds, {"query_type": "select", "table": "rates"}) == 1
    assert value("db_errors_total", {"query_type": "insert"}) == 1
    assert value("db_slow_queries_total", {"query_type": "insert"}) == 0


def test_many_texts_are_forgotten_and_still_timed(watched):
    database, value = watched
    for number in range(STATEMENTS + 3):
        database.read_now(lambda c, n=number: c.execute(text(f"SELECT {n} FROM rates")))
    labels = {"query_type": "select", "table": "rates"}
    assert value("db_query_duration_seconds_count", labels) == STATEMENTS + 3


def test_a_commit_a_lock_and_the_writes_of_a_group_are_counted(watched):
    database, value = watched
    for _ in range(3):
        database.write_now(lambda c: None)
    assert value("db_commit_duration_seconds_count") == value("db_lock_wait_seconds_count")
    assert value("db_commit_writes_sum") == 3
    assert value("db_lock_timeouts_total") == 0


def test_what_a_unit_counts_is_true_when_it_is_committed(watched):
    database, value = watched
    labels = {"action": "create", "outcome": "success"}

    def counted(connection, broken=False):
        tally(connection, "audit_log_entries_total", ("create", "success"))
        if broken:
            raise ValueError("broken")

    database.write_now(counted)
    with pytest.raises(ValueError, match="broken"):
        database.write_now(lambda c: counted(c, broken=True))
    database.write_now(lambda c: None)
    assert value("audit_log_entries_total", labels) == 1


def test_a_group_that_does_not_get_the_lock_is_counted(tmp_path):
    registry = CollectorRegistry()
    instruments = Instruments.of(declaration(), "api", registry, strict=True)
    path = tmp_path / "lab.db"
    other = Database.open(path)
    database = Database.open(path, busy_seconds=0.02, instruments=instruments)
    from llm_research_lab.storage.relational.connections import raw
    from llm_research_lab.vocabulary import UnavailableError

    holder = raw(str(path))
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(UnavailableError):
            database.write_now(lambda c: None)
        assert registry.get_sample_value("db_lock_timeouts_total") == 1
        assert registry.get_sample_value("db_lock_wait_seconds_sum") > 0.015
    finally:
        holder.execute("ROLLBACK")
        holder.close()
        database.close()
        other.close()


def test_nobody_watches_the_silent_twin():
    database = Database.memory()
    database.write_now(lambda c: tally(c, "anything", ()))
    assert database.read_now(lambda c: c.execute(select(rates)).all()) == []
    now = database.statistics()
    assert (now.connections, now.connections_idle) == (3, 3)
    database.close()
