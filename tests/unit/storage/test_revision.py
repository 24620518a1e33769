"""Whether a database is at this code's schema is known without SQLAlchemy."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

from llm_research_lab.storage.relational.migrations import HEAD, migrate
from llm_research_lab.storage.revision import newest, revision_of


def test_the_newest_migration_is_the_head_that_databases_are_brought_to(tmp_path):
    assert newest() == HEAD
    migrate(tmp_path / "lab.db")
    assert revision_of(tmp_path / "lab.db") == HEAD


def test_what_is_no_database_of_the_lab_has_no_revision(tmp_path):
    assert revision_of(tmp_path / "none") is None
    (tmp_path / "text").write_text("a letter" * 100)
    assert revision_of(tmp_path / "text") is None
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE alembic_version (version_num)")
    connection.commit()
    connection.close()
    assert revision_of(tmp_path / "other.db") is None


def test_neither_needs_sqlalchemy():
    code = "import sys, llm_research_lab.storage.revision; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
