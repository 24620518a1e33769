"""Ready means that a request would be served now; if not, every reason is named."""

from __future__ import annotations

import sqlite3
import time

import pytest

from llm_research_lab.service.readiness import LEAST_FREE_BYTES, Observation, Readiness, reasons
from llm_research_lab.storage.relational import Database

WELL = Observation(asked_at=None, trouble=None, free_bytes=LEAST_FREE_BYTES)


@pytest.mark.parametrize(
    ("seen", "stopping", "said"),
    [
        (WELL, False, []),
        (WELL, True, ["stopping"]),
        (Observation(99.5, None, LEAST_FREE_BYTES), False, []),
        (Observation(97.0, None, LEAST_FREE_BYTES), False, ["database: no answer for 3 s"]),
        (Observation(99.5, "disk full", 0), False, ["database: disk full", "disk: 0 MB free"]),
    ],
)
def test_every_reason_is_named(seen, stopping, said):
    assert reasons(seen, 100.0, stopping=stopping) == said


def test_a_locked_database_is_not_ready_and_ready_again_when_it_is_free(tmp_path):
    database = Database.open(tmp_path / "lab.db", busy_seconds=0.05)
    readiness = Readiness(database, tmp_path, lambda: False)
    other = sqlite3.connect(tmp_path / "lab.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    readiness.start()
    assert readiness.reasons() == ["database: database locked"]
    other.execute("ROLLBACK")
    other.close()
    deadline = time.monotonic() + 5
    while readiness.reasons() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert readiness.reasons() == []
    readiness.close()
    database.close()


def test_a_directory_that_is_gone_has_no_room(tmp_path):
    database = Database.memory()
    readiness = Readiness(database, tmp_path / "gone", lambda: False)
    readiness.start()
    assert readiness.reasons() == ["disk: 0 MB free"]
    readiness.close()
    database.close()
