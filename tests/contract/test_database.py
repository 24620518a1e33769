"""A write is acknowledged when it lasts, a read sees one snapshot, on every store."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from llm_research_lab.storage.relational import Database, now_ms
from llm_research_lab.storage.relational.tables import calls, rates
from llm_research_lab.vocabulary import InvalidError, UnavailableError


@pytest.fixture(params=["memory", "sqlite"])
def database(request, tmp_path):
    memory = request.param == "memory"
    store = Database.memory() if memory else Database.open(tmp_path / "lab.db", busy_seconds=0.3)
    yield store
    store.close()


def add(name, tokens=1.0):
    return lambda c: (
        c.execute(insert(rates).values(name=name, tokens=tokens, updated_at=0)).rowcount
    )


def names(c):
    return sorted(c.execute(select(rates.c.name)).scalars())


def test_a_write_gives_its_value_and_a_later_read_sees_it(database):
    assert database.write_now(add("a")) == 1
    assert database.read_now(names) == ["a"]


async def test_the_loop_runs_on_while_a_unit_is_slow(database):
    slow = asyncio.create_task(database.write(lambda _: time.sleep(0.15)))
    ticks = 0
    while not slow.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks >= 5


async def test_many_writes_at_once_share_a_commit(database):
    before = database.statistics()
    await asyncio.gather(*(database.write(add(f"r{n}")) for n in range(200)))
    after = database.statistics()
    assert after.units - before.units == 200
    assert after.commits - before.commits < 100
    assert len(await database.read(names)) == 200


async def test_an_error_undoes_its_own_unit_and_no_other(database):
    def breaks(c):
        add("gone")(c)
        raise KeyError("mine")

    told = await asyncio.gather(
        database.write(add("a")),
        database.write(breaks),
        database.write(add("b")),
        return_exceptions=True,
    )
    assert isinstance(told[1], KeyError)
    assert await database.read(names) == ["a", "b"]


def test_an_error_of_the_store_that_is_the_codes_own_comes_as_it_is(database):
    database.write_now(add("a"))
    with pytest.raises(IntegrityError):
        database.write_now(add("a"))
    with pytest.raises(IntegrityError):  # foreign keys hold
        database.write_now(
            lambda c: c.execute(
                insert(calls).values(
                    experiment_id="none",
                    sample=0,
                    chunk_id=0,
                    fence=0,
                    limit_key="",
                    reserved_picousd=0,
                    started_at=0,
                )
            )
        )


def test_a_nested_transaction_may_end_and_the_unit_goes_on(database):
    def work(c):
        with c.begin_nested():
            add("kept")(c)
        nested = c.begin_nested()
        add("undone")(c)
        nested.rollback()

    database.write_now(work)
    assert database.read_now(names) == ["kept"]


def test_an_open_nested_transaction_is_undone_with_its_unit(database):
    def work(c):
        c.begin_nested()
        add("undone")(c)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - ours, without words
        database.write_now(work)
    database.write_now(add("next"))
    assert database.read_now(names) == ["next"]


def test_a_unit_that_ends_the_writers_transaction_is_told_so_and_the_next_one_works(database):
    with pytest.raises(RuntimeError, match="ended the writer's transaction"):
        database.write_now(lambda c: c.exec_driver_sql("COMMIT"))
    database.write_now(add("next"))
    assert "next" in database.read_now(names)


def test_a_read_cannot_write(database):
    with pytest.raises(UnavailableError):
        database.read_now(add("a"))
    assert database.read_now(names) == []


def test_a_read_sees_one_snapshot_while_others_write(database):
    def twice(c):
        before = names(c)
        database.write_now(add("between"))
        return before, names(c)

    assert database.read_now(twice) == ([], [])
    assert database.read_now(names) == ["between"]


def test_a_unit_waits_for_no_other_of_its_own_kind(database):
    with pytest.raises(RuntimeError, match="inside a write"):
        database.write_now(lambda _: database.write_now(names))
    with pytest.raises(RuntimeError, match="inside a read"):
        database.read_now(lambda _: database.read_now(names))


async def test_a_write_that_is_cancelled_before_its_turn_leaves_no_trace(database):
    entered, leave = threading.Event(), threading.Event()

    def hold(_):
        entered.set()
        assert leave.wait(5)

    first = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(entered.wait, 5)
    second = asyncio.create_task(database.write(add("never")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    leave.set()
    await first
    await database.write(add("after"))
    assert await database.read(names) == ["after"]


async def test_a_cancelled_read_is_not_run(database):
    ran = []
    entered, leave = threading.Event(), threading.Event()

    def hold(_):
        entered.set()
        assert leave.wait(5)

    holders = [asyncio.create_task(database.read(hold)) for _ in range(2)]
    await asyncio.to_thread(entered.wait, 5)
    late = asyncio.create_task(database.read(lambda _: ran.append(1)))
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(*holders)
    await database.read(names)
    assert ran == []


async def test_stop_iteration_reaches_an_awaiting_caller_as_an_error(database):
    def work(_):
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await database.write(work)


def test_a_closed_database_refuses_and_closes_again(database):
    database.write_now(add("a"))
    database.close()
    database.close()
    for refused in (database.read_now, database.write_now):
        with pytest.raises(UnavailableError, match="closed"):
            refused(names)


async def test_what_is_queued_is_done_before_the_close_ends(database):
    waiting = [asyncio.create_task(database.write(add(f"r{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    assert await asyncio.gather(*waiting) == [1] * 50


def test_the_clock_is_the_machines_in_milliseconds(database):
    found = database.read_now(now_ms)
    assert abs(found - time.time() * 1000) < 2_000


def test_what_waits_is_counted(database):
    found = database.statistics()
    assert (found.reads_waiting, found.writes_waiting, found.failed_commits) == (0, 0, 0)


# What only the file can do


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lab.db"


def test_what_was_acknowledged_is_there_after_a_second_opening(file):
    one = Database.open(file)
    one.write_now(add("kept"))
    other = Database.open(file)  # beside it, as another process would
    assert other.read_now(names) == ["kept"]
    one.close()
    other.close()


def test_processes_that_start_and_end_at_once_are_in_nobodys_way(file):
    Database.open(file).close()
    code = (
        "import sys; from pathlib import Path;"
        "from llm_research_lab.storage.relational import Database\n"
        "for _ in range(60): Database.open(Path(sys.argv[1])).close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for _ in range(3)]
    assert [one.wait(120) for one in started] == [0, 0, 0]


def test_the_file_is_in_write_ahead_mode_and_synced_fully(file):
    store = Database.open(file)
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")

    def look(c):
        return [c.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() for pragma in pragmas]

    assert store.write_now(look) == ["wal", 2, 1, 16_384]
    store.close()


def test_a_lock_that_is_held_too_long_is_unavailable_and_counted(file):
    store = Database.open(file, busy_seconds=0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"):
        store.write_now(add("a"))
    assert store.statistics().busy > 0
    assert store.read_now(names) == []  # a reader does not mind
    other.execute("COMMIT")
    other.close()
    store.write_now(add("a"))
    store.close()


def test_a_full_disk_fails_the_group_and_the_next_goes_on(file):
    store = Database.open(file)
    pages = store.write_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    store.write_now(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar_one())
    with pytest.raises(UnavailableError, match="disk full"):
        store.write_now(lambda c: [add(f"{n}" * 500)(c) for n in range(200)])
    assert store.read_now(names) == []
    store.write_now(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages * 9}").scalar_one())
    store.write_now(add("after"))
    assert store.read_now(names) == ["after"]
    store.close()


def test_the_log_is_copied_when_the_writer_is_idle(file):
    def copied():
        line = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)  # not the log
        try:
            return line.execute("SELECT count(*) FROM rates").fetchone()[0]
        except sqlite3.DatabaseError:  # half copied
            return None
        finally:
            line.close()

    store = Database.open(file)
    store.write_now(lambda c: [add(f"r{n}")(c) for n in range(3_000)])
    deadline = time.monotonic() + 10
    while copied() != 3_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    store.close()


def test_a_foreign_file_is_refused_and_left_as_it_is(file):
    file.write_bytes(b"a letter to my aunt" * 100)
    with pytest.raises(UnavailableError, match="damaged or foreign"):
        Database.open(file)
    assert file.read_bytes() == b"a letter to my aunt" * 100


def test_another_programs_database_is_refused(file):
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(InvalidError, match="another one"):
        Database.open(file)


def test_a_file_that_cannot_be_made_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError, match="writable"):
        Database.open(tmp_path / "missing" / "lab.db")


def test_a_very_long_log_is_begun_anew_by_force(file):
    store = Database.open(file)
    reader = sqlite3.connect(file, isolation_level=None)
    store.write_now(lambda c: c.execute(text("CREATE TABLE big (x BLOB)")))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM big").fetchone()  # holds the log where it is
    store.write_now(
        lambda c: [
            c.execute(text("INSERT INTO big VALUES (randomblob(1000000))")) for _ in range(70)
        ]
    )
    store.write_now(lambda c: [add(f"r{n}")(c) for n in range(2_100)])
    reader.execute("COMMIT")
    reader.close()
    store.write_now(lambda c: [add(f"s{n}")(c) for n in range(2_100)])
    store.write_now(add("last"))
    assert store.read_now(lambda c: c.execute(text("SELECT count(*) FROM big")).scalar_one()) == 70
    other = sqlite3.connect(file)
    _, pages, _ = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert pages < 1_000
    other.close()
    store.close()
    assert not file.with_name("lab.db-wal").exists()
