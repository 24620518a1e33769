"""A clock that is set back or forward, while the lab runs or while it does not, loses no experiment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.servers.absent import absent
from tests.servers.bad_days import begin, check_whole, ended, lab, show, sow, until

ROWS = 60
SLOW = {
    "provider": "echo",
    "id": "echo",
    "script": {"delay_ms": 60},
    "limits": {"concurrency": 2, "requests_per_minute": 60_000},
}
YEAR_MS = 365 * 86_400_000
COMPILER = shutil.which("cc")
SOURCE = Path(__file__).parents[1] / "servers" / "clock.c"


def shifted(database, by_ms):
    """Let all instants that decide anything be so much later: as if the clock had been ahead."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE chunks SET lease_expires_at = lease_expires_at + ?", (by_ms,))
        connection.execute("UPDATE rates SET updated_at = updated_at + ?", (by_ms,))
        connection.execute("UPDATE calls SET started_at = started_at + ?", (by_ms,))
        connection.execute("UPDATE experiments SET served_at = served_at + ?", (by_ms,))
        leased = connection.execute("SELECT count(*) FROM chunks WHERE state = 'leased'").fetchone()
        assert leased[0] > 0, "no lease was cut off by the clock"


def test_what_a_killed_lab_left_with_a_clock_ahead_is_done_by_the_next(tmp_path):
    root = tmp_path / "data"
    with lab(root) as one, one.client() as client:
        experiment_id = begin(client, sow(client, "ahead", ROWS, SLOW))
        until(lambda: show(client, experiment_id)["done"] > 4)
        children = [pid_in(file) for file in (root / "run").glob("*.json")]
        for pid in [one.processes[0].pid, *children]:
            os.kill(pid, signal.SIGKILL)
        one.processes[0].wait(10)
        until(lambda: not any(map(alive, children)))
    shifted(root / "lab.db", YEAR_MS)
    with lab(root) as one, one.client() as client:
        found = ended(client, experiment_id, 40)
        assert (found["status"], found["failed"], found["done"]) == ("completed", 0, ROWS)
    check_whole(root / "lab.db", experiment_id, ROWS)


def pid_in(file):
    return json.loads(file.read_text())["pid"]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library that a process is started with, so that a test moves its wall clock."""
    if COMPILER is None:
        absent("no C compiler is here to build the clock that can be moved")
    built = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", built, SOURCE], check=True)
    return built


def seconds_ahead(text):
    return (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds()


@contextmanager
def moved(tmp_path, library):
    """A lab whose wall clock is moved by so many seconds at once; its monotonic one never is."""
    file = tmp_path / "clock"
    file.write_bytes(struct.pack("l", 0))

    def move(seconds):
        with file.open("r+b", buffering=0) as clock:
            clock.write(struct.pack("l", seconds))

    settings = {"LD_PRELOAD": str(library), "TEST_CLOCK": str(file)}
    with lab(tmp_path / "data", **settings) as one:
        yield one, move


@pytest.mark.parametrize(
    "steps",
    [
        [-3600],
        pytest.param([-5, 0, -86400, 86400], marks=pytest.mark.long),
        pytest.param([3600], marks=pytest.mark.long),
    ],
    ids=str,
)
def test_a_clock_that_is_set_while_an_experiment_runs_changes_nothing_of_it(
    tmp_path, library, steps
):
    with moved(tmp_path, library) as (one, move), one.client() as client:
        experiment_id = begin(client, sow(client, "set", 2 * ROWS, SLOW))
        for n, step in enumerate(steps):
            until(lambda n=n: show(client, experiment_id)["done"] > 8 * (n + 1))
            move(step)
        until(lambda: show(client, experiment_id)["done"] > 60)
        later = begin(client, sow(client, "later", ROWS, SLOW))
        told = show(client, later)["created_at"]
        assert abs(seconds_ahead(told) - steps[-1]) < 60, "the lab's clock was not moved"
        for each, rows in ((experiment_id, 2 * ROWS), (later, ROWS)):
            found = ended(client, each, 50)
            assert (found["status"], found["failed"], found["done"]) == ("completed", 0, rows)
            assert found["summary"]["duration_seconds"] >= 0
            check_whole(one.root / "lab.db", each, rows)
        assert one.readiness() == 200


def test_a_runner_killed_before_the_clock_is_set_back_loses_its_lease_all_the_same(
    tmp_path, library
):
    with moved(tmp_path, library) as (one, move), one.client() as client:
        experiment_id = begin(client, sow(client, "killed", ROWS, SLOW))
        until(lambda: show(client, experiment_id)["done"] > 4)
        [run] = (one.root / "run").glob("runner-*.json")
        os.kill(pid_in(run), signal.SIGKILL)
        move(-7200)
        found = ended(client, experiment_id, 50)
        assert (found["status"], found["failed"], found["done"]) == ("completed", 0, ROWS)
        check_whole(one.root / "lab.db", experiment_id, ROWS)
