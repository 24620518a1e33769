"""A running lab's log: every line has its fields, every event is declared, levels change live."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import httpx
import pytest
from tests.servers.bad_days import ANY_PORTS, lab, ran, sow, until

from llm_research_lab.signals import check_event
from llm_research_lab.storage import DataDirectory
from llm_research_lab.telemetry.catalog import declaration

PROCESSES = {
    "llm-research-lab-up": "up",
    "llm-research-lab-api": "api",
    "experiment-runner": "runner",
    "llm-research-lab-ops": "ops",
}
ECHO = {"provider": "echo", "id": "echo"}
SPECS = {
    "experiment.start": {
        "request_id",
        "experiment_id",
        "user_id",
        "experiment_type",
        "dataset_name",
    },
    "experiment.complete": {
        "request_id",
        "experiment_id",
        "user_id",
        "experiment_type",
        "duration_seconds",
        "status",
        "result_count",
    },
    "database.error": {"query_type", "error"},
    "api.request": {"request_id", "trace_id", "method", "path", "status", "duration_ms"},
}
"""The spec's four events and their fields. Source: docs/spec, 5.1.2."""


def lines_in(path):
    """The log's whole lines in a file, where a person is spoken to besides."""
    text = Path(path).read_text().splitlines(keepends=True)
    return [json.loads(line) for line in text if line.startswith("{") and line.endswith("\n")]


def of(lines, name):
    return [line for line in lines if line["event"] == name]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A lab on which an experiment ran, and requests ended in several ways: all lines of it."""
    with lab(tmp_path_factory.mktemp("logs") / "data", LAB_ENVIRONMENT="staging") as one:
        with one.client() as client:
            found = ran(client, sow(client, "logs", 40, ECHO))
            client.get("/v1/datasets/logs/rows?owner=admin&limit=5")
            client.get("/v1/nowhere/private-path")
            client.get("/v1/status", headers={"X-Request-ID": "mine"})
            client.get("/v1/status", headers={"Authorization": "Bearer wrong"})
            begin_upload_and_go(one.url(), client.headers["authorization"])
        broken = sqlite_error(one)
        until(lambda: of(lines_in(one.said), "audit.access_denied"))
        until(lambda: [x for x in of(lines_in(one.said), "api.request") if x["status"] == 499])
    return found, lines_in(one.said), one.root, broken


def begin_upload_and_go(url, key):
    """A client that leaves before its answer begins."""

    def body():
        yield b"a,b\n"
        raise KeyError

    with pytest.raises(KeyError):
        httpx.post(
            f"{url}/v1/datasets/left?format=csv",
            content=body(),
            headers={"Authorization": key, "Content-Type": "text/csv"},
            trust_env=False,
        )


def sqlite_error(one):
    """The database's file loses a table under the running lab: a request breaks for it."""
    import sqlite3

    connection = sqlite3.connect(one.root / "lab.db")
    connection.execute("ALTER TABLE prompts RENAME TO mislaid")
    with one.client() as client:
        answer = client.get("/v1/prompts")
    connection.execute("ALTER TABLE mislaid RENAME TO prompts")
    connection.close()
    return answer


def test_every_line_is_json_with_the_declared_fields_and_every_event_as_declared(spoken):
    _, lines, _, _ = spoken
    declared = declaration()
    always = {name for name, field in declared.line.items() if field.required}
    for line in lines:
        assert always <= line.keys(), line
        assert line["environment"] == "staging"
        assert PROCESSES[line["service"]] in declared.events[line["event"]].emitters
        context = {name: value for name, value in line.items() if name in declared.context}
        fields = {
            name: value
            for name, value in line.items()
            if name not in declared.context and name not in declared.line
        }
        assert check_event(declared, line["event"], fields, context) == (), line
    assert {line["service"] for line in lines} == PROCESSES.keys()
    assert not of(lines, "telemetry.refused")


@pytest.mark.parametrize("name", SPECS)
def test_the_specs_four_events_are_there_with_their_fields(spoken, name):
    found = of(spoken[1], name)
    assert found
    for line in found:
        assert SPECS[name] <= line.keys(), line


def test_an_experiments_lines_name_it_and_the_request_that_made_it_in_both_processes(spoken):
    experiment, lines, _, _ = spoken
    mine = [line for line in lines if line.get("experiment_id") == experiment["id"]]
    [made] = [line for line in of(mine, "api.request") if line["method"] == "POST"]
    [start], [complete] = of(mine, "experiment.start"), of(mine, "experiment.complete")
    [audited] = of(mine, "audit.experiment_execution") or [None]
    for line in (start, complete):
        assert line["service"] == "experiment-runner"
        assert (line["request_id"], line["user_id"]) == (made["request_id"], "admin")
        assert line["trace_id"] == made["trace_id"]
    assert start["dataset_name"] == "admin/logs@v1"
    assert (complete["status"], complete["result_count"]) == ("success", 40)
    assert complete["duration_seconds"] > 0
    assert audited is not None
    assert audited["audit_log"]["resource_id"] == experiment["id"]


def test_each_request_has_one_line_under_its_template_however_it_ended(spoken):
    _, lines, _, broken = spoken
    requests = of(lines, "api.request")
    assert len({line["request_id"] for line in requests}) == len(requests)
    [mine] = [line for line in requests if line["request_id"] == "mine"]
    assert (mine["path"], mine["status"], mine["user_id"]) == ("/v1/status", 200, "admin")
    assert mine["session_id"].startswith("key_")
    [lost] = [line for line in requests if line["status"] == 404]
    assert lost["path"] == "unmatched"
    [left] = [line for line in requests if line["status"] == 499]
    assert left["path"] == "/v1/datasets/{name}"
    [stranger] = [line for line in requests if line["status"] == 401]
    assert "user_id" not in stranger
    assert broken.status_code == 500
    [fault] = of(lines, "api.fault")
    assert fault["request_id"] == broken.json()["request_id"]
    assert "no such table" in fault["exception"]
    [error] = of(lines, "database.error")
    assert error["request_id"] == fault["request_id"]
    assert error["thread"].startswith("reader")


def test_what_a_lab_says_is_kept_in_files_too(spoken):
    _, lines, root, _ = spoken
    for service, name in list(PROCESSES.items())[1:]:
        kept = lines_in(root / "logs" / f"{name}.log")
        assert kept == [line for line in lines if line["service"] == service]


def test_levels_change_while_the_lab_runs_and_a_wrong_file_changes_nothing(tmp_path):
    root = tmp_path / "data"
    DataDirectory.open(root)
    toml = root / "lab.toml"
    toml.write_text('log_level = "warn"\n')
    with lab(root) as one, one.client() as client:
        client.get("/v1/status")
        assert not of(lines_in(one.said), "api.request")

        def reload(text, event, count):
            toml.write_text(text)
            one.processes[0].send_signal(signal.SIGHUP)
            until(lambda: len(of(lines_in(one.said), event)) == count)

        quiet = '[log_levels]\n"llm_research_lab.storage" = "error"\n'
        reload(f'log_level = "info"\n{quiet}', "process.reloaded", len(PROCESSES))
        client.get("/v1/status", headers={"X-Request-ID": "heard"})
        until(lambda: of(lines_in(one.said), "api.request"))
        client.get("/v1/datasets/none/rows?owner=admin")
        reload('log_level = "loud"\n', "process.reload_refused", len(PROCESSES))
        client.get("/v1/status", headers={"X-Request-ID": "still heard"})
        until(lambda: len(of(lines_in(one.said), "api.request")) == 3)
        lines = lines_in(one.said)
    heard = [line["request_id"] for line in of(lines, "api.request")]
    assert heard[0] == "heard"
    assert not [line for line in lines if line["event"].startswith("audit.")]
    assert all("loud" in line["why"] for line in of(lines, "process.reload_refused"))


def test_a_terminal_that_hangs_up_ends_the_lab(tmp_path):
    ours, theirs = pty.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "llm_research_lab", "up", "--data-dir", str(tmp_path / "data")],
        env={**os.environ, **ANY_PORTS},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=take_terminal,  # noqa: PLW1509 - before any thread but the main one
    )
    os.close(theirs)
    shown = b""
    end = time.monotonic() + 60
    while b"ready" not in shown:
        assert time.monotonic() < end
        shown += os.read(ours, 65_536)
    process.send_signal(signal.SIGHUP)  # the terminal is there: read again, and go on
    while b"levels read again" not in shown:
        assert time.monotonic() < end
        shown += os.read(ours, 65_536)
    assert process.poll() is None
    os.close(ours)
    assert process.wait(30) == 0
    assert list((tmp_path / "data" / "run").glob("*.json")) == []
