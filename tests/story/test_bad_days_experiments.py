"""A user changes their mind while an experiment runs, at the command line, and nothing is lost or doubled."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from tests.servers.bad_days import begin, check_whole, ended, ran, show, sow, until

ROWS = 120
SLOW = {"provider": "echo", "id": "echo", "script": {"delay_ms": 50}, "limits": {"concurrency": 2}}


@pytest.fixture(scope="module")
def client(served):
    headers = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=60) as found:
        yield found


def cli(served, *words):
    status, out, err = served.cli("experiment", *words, "--json")
    assert status == 0, err
    return json.loads(out)


@pytest.fixture
def running(client):
    """An experiment of six seconds that has begun; without the cache, so that calls are calls."""
    body = {**sow(client, "slow", ROWS, SLOW), "use_cache": False}
    experiment_id = begin(client, body)
    until(lambda: show(client, experiment_id)["done"] > 4)
    return experiment_id


def rests(client, experiment_id):
    """What is done when no more comes."""
    time.sleep(0.5)  # the calls that were in flight
    before = show(client, experiment_id)["done"]
    time.sleep(0.7)
    assert show(client, experiment_id)["done"] == before
    return before


def test_pause_begins_no_further_call_and_resume_does_the_rest_once(served, client, running):
    paused = cli(served, "pause", running)
    assert paused["status"] == "paused"
    done = rests(client, running)
    assert 0 < done < ROWS
    assert served.cli("experiment", "pause", running)[0] == 1
    assert "paused" in served.cli("experiment", "show", running)[1]
    assert cli(served, "resume", running)["status"] in {"queued", "running"}
    found = ended(client, running)
    assert (found["status"], found["done"], found["failed"]) == ("completed", ROWS, 0)
    assert served.cli("experiment", "resume", running)[0] == 1
    check_whole(served.directory / "lab.db", running, ROWS)


def test_cancel_ends_it_for_good_and_what_is_done_stays(served, client, running):
    assert cli(served, "cancel", running)["status"] == "cancelled"
    done = rests(client, running)
    assert 0 < done < ROWS
    kept = cli(served, "results", running, "--limit", str(ROWS))
    assert len(kept) == done
    for verb in ("resume", "pause", "cancel", "retry"):
        status, _, err = served.cli("experiment", verb, running)
        assert (status, err[:6]) == (1, "error:"), verb
    found = show(client, running)
    assert (found["status"], found["done"]) == ("cancelled", done)


def test_a_paused_one_may_be_cancelled_and_others_run_meanwhile(served, client, running):
    cli(served, "pause", running)
    other = ran(client, sow(client, "quick", 20, {"provider": "echo", "id": "echo"}))
    assert (other["status"], other["done"]) == ("completed", 20)
    assert show(client, running)["status"] == "paused"
    assert cli(served, "cancel", running)["status"] == "cancelled"


def test_changing_ones_mind_often_and_fast_changes_no_result(served, client, running):
    for _ in range(6):
        cli(served, "pause", running)
        cli(served, "resume", running)
    found = ended(client, running)
    assert (found["status"], found["done"], found["failed"]) == ("completed", ROWS, 0)
    assert found["summary"]["scores"]["exact"]["n"] == ROWS
    check_whole(served.directory / "lab.db", running, ROWS)


def test_retry_runs_the_failed_samples_alone(served, client):
    """Sample 3 fails for good at first; what was answered is not asked again."""
    script = {"failures": [{"samples": [3, 5], "kind": "unavailable", "times": 2}]}
    entry = {"provider": "echo", "id": "echo", "script": script, "limits": {"attempts": 2}}
    first = ran(client, {**sow(client, "again", 10, entry), "use_cache": False})
    assert (first["status"], first["failed"]) == ("completed", 2)
    assert first["summary"]["failures"] == {"unavailable": 2}
    cli(served, "retry", first["id"])
    found = ended(client, first["id"])
    assert (found["status"], found["failed"], found["done"]) == ("completed", 0, 10)
    after = cli(served, "results", first["id"], "--limit", "10")
    old = {one["sample"]: one["latency_ms"] for one in first["results"] if not one["failure"]}
    assert {one["sample"]: one["latency_ms"] for one in after if one["sample"] in old} == old
    check_whole(served.directory / "lab.db", first["id"], 10)
