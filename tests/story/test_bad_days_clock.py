"""A clock that is set back or forward, while the lab runs or while it does not, loses no experiment."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.servers.bad_days import begin, check_whole, ended, lab, show, sow, until

ROWS = 60
SLOW = {
    "provider": "echo",
    "id": "echo",
    "script": {"delay_ms": 60},
    "limits": {"concurrency": 2, "requests_per_minute": 60_000},
}
YEAR_MS = 365 * 86_400_000
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


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
        one.processes[0].send_signal(signal.SIGKILL)
        one.processes[0].wait(10)
        until(lambda: not (root / "run").exists() or not alive(root))
    shifted(root / "lab.db", YEAR_MS)
    with lab(root) as one, one.client() as client:
        found = ended(client, experiment_id, 40)
        assert (found["status"], found["failed"], found["done"]) == ("completed", 0, ROWS)
    check_whole(root / "lab.db", experiment_id, ROWS)


def alive(root):
    """Whether a process of the directory still runs."""
    import json

    def runs(file):
        try:
            stat = Path(f"/proc/{json.loads(file.read_text())['pid']}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] != "Z"

    return any(runs(file) for file in (root / "run").glob("*.json"))


@contextmanager
def faked(tmp_path):
    """A lab whose clock is what `set_to` says, at once; its monotonic clock goes on as ever."""
    file = tmp_path / "clock"
    file.write_text("+0")
    settings = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }

    def set_to(offset):
        file.with_suffix(".new").write_text(offset)
        os.replace(file.with_suffix(".new"), file)

    with lab(tmp_path / "data", **settings) as one:
        yield one, set_to


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed here")
@pytest.mark.parametrize("steps", [["-3600"], ["+3600"], ["-5", "+0", "-86400", "+86400"]], ids=" ".join)
def test_a_clock_that_is_set_while_an_experiment_runs_changes_nothing_of_it(tmp_path, steps):
    with faked(tmp_path) as (one, set_to), one.client() as client:
        experiment_id = begin(client, sow(client, "set", 2 * ROWS, SLOW))
        for n, step in enumerate(steps):
            until(lambda n=n: show(client, experiment_id)["done"] > 8 * (n + 1))
            set_to(step)
        until(lambda: show(client, experiment_id)["done"] > 60)
        later = begin(client, sow(client, "later", ROWS, SLOW))
        for each, rows in ((experiment_id, 2 * ROWS), (later, ROWS)):
            found = ended(client, each, 50)
            assert (found["status"], found["failed"], found["done"]) == ("completed", 0, rows)
            assert found["summary"]["duration_seconds"] >= 0
            check_whole(one.root / "lab.db", each, rows)
        assert one.readiness() == 200


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed here")
def test_a_runner_killed_before_the_clock_is_set_back_loses_its_lease_all_the_same(tmp_path):
    import json

    with faked(tmp_path) as (one, set_to), one.client() as client:
        experiment_id = begin(client, sow(client, "killed", ROWS, SLOW))
        until(lambda: show(client, experiment_id)["done"] > 4)
        [run] = (one.root / "run").glob("runner-*.json")
        os.kill(json.loads(run.read_text())["pid"], signal.SIGKILL)
        set_to("-7200")
        found = ended(client, experiment_id, 50)
        assert (found["status"], found["failed"], found["done"]) == ("completed", 0, ROWS)
        check_whole(one.root / "lab.db", experiment_id, ROWS)
