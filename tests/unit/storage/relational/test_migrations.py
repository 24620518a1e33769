"""A database is brought to this code's schema by one process, whole, or refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.relational import Database
from llm_research_lab.storage.relational.migrations import HEAD, migrate
from llm_research_lab.storage.relational.tables import metadata
from llm_research_lab.vocabulary import InvalidError, UnavailableError

LAYOUTS = sorted((Path(__file__).parents[3] / "golden" / "layouts").iterdir())
MIGRATE = "import sys, pathlib; from llm_research_lab.storage.relational.migrations import migrate"


def schema_of(file):
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
    found = {(kind, name): " ".join((sql or "").split()) for kind, name, sql in rows}
    connection.close()
    return found


@pytest.mark.parametrize("layout", LAYOUTS, ids=[folder.name for folder in LAYOUTS])
def test_a_directory_of_each_released_layout_opens_with_all_that_was_in_it(layout, tmp_path):
    (tmp_path / "VERSION").write_bytes((layout / "VERSION").read_bytes())
    connection = sqlite3.connect(tmp_path / "lab.db")
    connection.executescript((layout / "lab.sql").read_text())
    counts = {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    connection.close()

    directory = DataDirectory.open(tmp_path)
    database = Database.open(directory.database)
    for table in metadata.sorted_tables:
        rows = database.read_now(lambda c, t=table: c.execute(select(t)).all())
        assert len(rows) == counts.get(table.name, 0), table.name
    assert (
        database.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar_one())
        == "ok"
    )
    database.close()
    migrate(tmp_path / "fresh.db")
    assert schema_of(directory.database) == schema_of(tmp_path / "fresh.db")


def test_the_migrations_make_the_schema_that_the_code_declares(tmp_path):
    migrate(tmp_path / "lab.db")
    connection = sqlite3.connect(tmp_path / "lab.db")
    for table in metadata.sorted_tables:
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')]
        assert columns == [column.name for column in table.columns], table.name
    connection.close()


def test_a_database_at_the_head_is_opened_without_alembic(tmp_path):
    migrate(tmp_path / "lab.db")
    code = f"{MIGRATE}; migrate(pathlib.Path(sys.argv[1])); assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lab.db")], check=True)


def test_processes_that_come_together_take_turns(tmp_path):
    file = tmp_path / "lab.db"
    code = f"{MIGRATE}; migrate(pathlib.Path(sys.argv[1]))"
    together = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for _ in range(3)]
    assert [one.wait(60) for one in together] == [0, 0, 0]
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    connection.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path):
    file = tmp_path / "lab.db"
    migrate(file)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(InvalidError, match="newer lab"):
        migrate(file)


def test_a_schema_of_no_known_revision_is_anothers(tmp_path):
    connection = sqlite3.connect(tmp_path / "lab.db")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0000')")
    connection.commit()
    connection.close()
    with pytest.raises(InvalidError, match="another one"):
        migrate(tmp_path / "lab.db")


def test_a_lock_that_outlasts_the_wait_is_unavailable(tmp_path):
    file = tmp_path / "lab.db"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked"):
        migrate(file, wait_seconds=0.05)
    connection.execute("ROLLBACK")
    connection.close()
    migrate(file)
