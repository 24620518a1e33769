"""A lab lives as one: it starts once, is kept alive, drains together and leaves nobody behind."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from llm_research_lab.storage import DataDirectory

ANY_PORTS = {
    "LAB_PORT": "0",
    "LAB_API_METRICS_PORT": "0",
    "LAB_RUNNER_METRICS_PORT": "0",
    "LAB_OPS_PORT": "0",
}
START_SECONDS = 60  # for a machine that does a dozen other things
ORPHAN_SECONDS = 5
IDLE_BYTES = 300_000_000
NAMES = ("api", "runner", "ops")


class Up:
    """One ``lab up``, or another command, with what it said."""

    def __init__(self, root, *command, said=None, before=None, **settings):
        self.root = root
        arguments = command or ("-m", "llm_research_lab", "up", "--data-dir", str(root))
        self.said = root.parent / f"{root.name}.{time.monotonic_ns()}.said"
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **ANY_PORTS, **settings},
                stdin=subprocess.DEVNULL,
                stdout=said or out,
                stderr=said or out,
                preexec_fn=before,  # noqa: PLW1509 - before any thread but the main one
            )

    @property
    def words(self):
        return self.said.read_text()

    def facts(self, name):
        """What run/NAME….json says: all of a lab's processes are found by it."""
        for file in (self.root / "run").glob(f"{name}*.json"):
            try:
                return json.loads(file.read_text())
            except ValueError:
                continue
        return None

    def pids(self):
        return [self.facts(name)["pid"] for name in NAMES]

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.words
            return self.answers() and all(self.facts(name) for name in NAMES)

        wait_until(ready, START_SECONDS)
        return self

    def answers(self):
        facts = self.facts("api")
        if facts is None:
            return False
        try:
            return httpx.get(f"{facts['url']}/healthz/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def up(root, *command, **more):
    one = Up(root, *command, **more)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.end()


def wait_until(true, seconds):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One lab for the tests that leave it running."""
    with up(tmp_path_factory.mktemp("shared") / "data") as one:
        yield one.wait_ready()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_ends_with_status_0_and_leaves_nothing(tmp_path, number):
    with up(tmp_path / "data") as one:
        pids = one.wait_ready().pids()
        assert one.end(number) == 0, one.words
        assert [pid for pid in pids if alive(pid)] == []
        assert list((one.root / "run").glob("*.json")) == []
        lines = [json.loads(line) for line in one.words.splitlines() if line.startswith("{")]
        assert {line["service"] for line in lines} == {
            "llm-research-lab-up",
            "llm-research-lab-api",
            "experiment-runner",
            "llm-research-lab-ops",
        }


def test_what_a_killed_supervisor_leaves_is_gone_in_seconds_and_a_next_start_works(tmp_path):
    with up(tmp_path / "data") as one:
        pids = one.wait_ready().pids()
        one.end(signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in pids), ORPHAN_SECONDS)
    with up(tmp_path / "data") as other:
        assert other.wait_ready().pids() != pids


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_child_is_started_again_where_it_was(lab, name):
    before = lab.facts(name)
    url = lab.facts("api")["url"]
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(
        lambda: (lab.facts(name) or before)["pid"] != before["pid"] and lab.answers(),
        START_SECONDS,
    )
    assert lab.facts("api")["url"] == url
    assert len(list((lab.root / "run").glob("*.json"))) == len(NAMES)


def test_a_request_that_comes_while_the_api_is_down_is_answered_by_the_next_one(lab):
    facts = lab.facts("api")
    os.kill(facts["pid"], signal.SIGKILL)
    wait_until(lambda: not alive(facts["pid"]), 5)
    answer = httpx.get(f"{facts['url']}/healthz/live", timeout=START_SECONDS)
    assert answer.status_code == 200
    lab.wait_ready()


@pytest.mark.parametrize("command", ["up", *NAMES])
def test_a_second_start_on_the_directory_is_refused_and_told_by_whom(lab, command):
    arguments = ("-m", "llm_research_lab", command, "--data-dir", str(lab.root))
    with up(lab.root, *arguments) as other:
        assert other.process.wait(START_SECONDS) == 1
        assert f"pid {lab.process.pid}" in " ".join(other.words.split())
        assert "Traceback" not in other.words
    assert lab.answers()


def test_api_and_runner_need_less_than_300_mb_when_idle(lab):
    found = [
        int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
        for pid in lab.wait_ready().pids()[:2]
    ]
    assert sum(found) < IDLE_BYTES, found


@pytest.mark.parametrize("name", NAMES)
def test_each_process_has_its_metrics_on_a_port_of_its_own(lab, name):
    text = httpx.get(lab.facts(name)["metrics_url"]).text
    assert "process_resident_memory_bytes" in text
    assert re.search(r'lab_build_info\{version="[^"]+"\} 1', text)
    assert "db_writes_waiting 0" in text


def test_a_head_without_end_is_cut_off(lab):
    url = httpx.URL(lab.facts("api")["url"])
    with socket.create_connection((url.host, url.port), timeout=10) as line:
        line.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n")
        try:
            for _ in range(200):
                line.sendall(b"X-Filler: " + b"x" * 1_000 + b"\r\n")
            answer = line.recv(1_000)
        except ConnectionError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert lab.answers()


def test_a_taken_port_means_the_next_free_one_and_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with up(tmp_path / "data", LAB_PORT=str(port)) as one:
            url = one.wait_ready().facts("api")["url"]
            assert port < int(url.rpartition(":")[2]) < port + 20
            said = [json.loads(line) for line in one.words.splitlines() if line.startswith("{")]
    assert [
        (line["wanted"], line["level"]) for line in said if line["event"] == "process.port_taken"
    ] == [(port, "warn")]


class Upload:
    """A dataset on its way in, which waits half-way."""

    def __init__(self, one):
        self.halfway, self.go_on = threading.Event(), threading.Event()
        self.answer = None
        self._one = one
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()
        assert self.halfway.wait(10)
        time.sleep(0.3)  # the server has taken the first half in

    def _body(self):
        yield b"a,b\n1,2\n"
        self.halfway.set()
        self.go_on.wait(30)
        yield b"3,4\n"

    def _send(self):
        key = (self._one.root / "keys" / "admin.key").read_text().strip()
        url = f"{self._one.facts('api')['url']}/v1/datasets/late?format=csv"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
        try:
            self.answer = httpx.post(url, content=self._body(), headers=headers, timeout=30)
        except httpx.HTTPError as error:
            self.answer = error

    def join(self):
        self._thread.join(30)
        return self.answer


def test_a_request_in_flight_is_ended_before_the_lab_is(tmp_path):
    with up(tmp_path / "data") as one:
        upload = Upload(one.wait_ready())
        url = one.facts("api")["url"]
        one.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _refuses(url), 10)
        assert one.process.poll() is None
        upload.go_on.set()
        answer = upload.join()
        assert isinstance(answer, httpx.Response), answer
        assert answer.status_code == 201, answer.text
        assert one.process.wait(30) == 0


def _refuses(url):
    try:
        httpx.get(f"{url}/healthz/live", timeout=1)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        return False
    return False


def test_a_request_that_outlasts_the_drain_is_cut_off_and_stores_nothing(tmp_path):
    with up(tmp_path / "data", LAB_DRAIN_SECONDS="1") as one:
        upload = Upload(one.wait_ready())
        began = time.monotonic()
        assert one.end() == 0
        assert time.monotonic() - began < 1 + 5
        upload.go_on.set()
        answer = upload.join()
        assert not isinstance(answer, httpx.Response) or answer.status_code >= 500
    connection = sqlite3.connect(one.root / "lab.db")
    assert connection.execute("SELECT count(*) FROM datasets").fetchone() == (0,)
    connection.close()


def test_processes_that_were_started_alone_share_a_directory_and_no_lab_up_joins_them(tmp_path):
    root = tmp_path / "data"
    alone = {name: ("-m", "llm_research_lab", name, "--data-dir", str(root)) for name in NAMES}
    with (
        up(root, *alone["api"]) as api,
        up(root, *alone["runner"]) as runner,
        up(root, *alone["ops"]) as ops,
    ):
        api.wait_ready()
        with up(root) as third:
            assert third.process.wait(START_SECONDS) == 1
            assert "pid" in third.words
        assert (api.end(), runner.end(), ops.end()) == (0, 0, 0)
    assert list((root / "run").glob("*.json")) == []


def test_a_child_that_cannot_start_ends_the_lab_with_the_childs_reason(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 65_535))  # the last one: there is no next
        taken.listen()
        more = {"LAB_RUNNER_METRICS_PORT": "65535", "LAB_RESTART_FIRST_SECONDS": "0.01"}
        with up(tmp_path / "data", **more) as one:
            assert one.process.wait(110) == 1  # five starts
    said = [json.loads(line) for line in one.words.splitlines() if line.startswith("{")]
    assert len([line for line in said if line["event"] == "process.child_ended"]) == 4
    assert "every one taken" in one.words.rpartition("}")[2]
    assert "Traceback" not in one.words


def test_a_newer_database_ends_it_at_once_and_is_left_as_it_is(tmp_path):
    directory = DataDirectory.open(tmp_path / "data")
    connection = sqlite3.connect(directory.database)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.commit()
    connection.close()
    with up(directory.root) as one:
        assert one.process.wait(START_SECONDS) == 1
    assert "newer lab" in " ".join(one.words.split())
    assert "Traceback" not in one.words


def test_a_full_disk_is_said_in_words(tmp_path):
    def small():  # what the kernel then says (EFBIG) is one of the ways in which a disk is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    # Coverage would try to write its own data in there.
    no_coverage = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    with up(tmp_path / "data", before=small, **no_coverage) as one:
        assert one.process.wait(START_SECONDS) == 1
    words = " ".join(one.words.split())
    assert "disk" in words
    assert "free" in words
    assert "Traceback" not in words


def test_a_place_that_cannot_be_written_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("x")
    command = ("-m", "llm_research_lab", "up", "--data-dir", str(tmp_path / "file" / "data"))
    with up(tmp_path / "data", *command) as one:
        assert one.process.wait(START_SECONDS) == 1
    assert "a directory" in one.words
    assert "Traceback" not in one.words


class Screen:
    """A terminal, and all that was shown on it."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.shown = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                self.shown += os.read(self.ours, 65_536)
            except OSError:  # the other side is closed, and all was read
                return

    def close(self):
        self._thread.join(10)
        os.close(self.ours)
        return self.shown


def test_on_a_terminal_the_children_speak_into_files(tmp_path):
    screen = Screen()
    with up(tmp_path / "data", said=screen.theirs) as one:
        os.close(screen.theirs)
        one.wait_ready()
        wait_until(lambda: b"ready" in screen.shown, START_SECONDS)
        assert one.end(signal.SIGINT) == 0
    shown = screen.close()
    assert b"ready" in shown
    assert b'{"timestamp"' not in shown
    for name in NAMES:
        lines = (one.root / "logs" / f"{name}.log").read_text().splitlines()
        events = {json.loads(line)["event"] for line in lines if line.startswith("{")}
        assert {"process.serving", "process.stopped"} <= events


CALL = """
import sys, time
from llm_research_lab.service.client import connect
from llm_research_lab.service.settings import read_settings
from llm_research_lab.service.supervisor import run_up

settings = read_settings({"data_dir": sys.argv[1]})

def works():
    print("status", connect(settings).get("/v1/status")["version"], flush=True)

def breaks():
    raise KeyError("mine")

def sleeps(*_):
    print("sleeping", flush=True)
    time.sleep(60)

"""


def test_once_is_called_when_all_serve_and_the_lab_ends_after_it(tmp_path):
    with up(
        tmp_path / "data", "-c", CALL + "run_up(settings, once=works)", str(tmp_path / "data")
    ) as one:
        assert one.process.wait(START_SECONDS) == 0
    assert "status" in one.words
    assert list((one.root / "run").glob("*.json")) == []


def test_an_error_of_once_comes_through_after_the_stop(tmp_path):
    with up(
        tmp_path / "data", "-c", CALL + "run_up(settings, once=breaks)", str(tmp_path / "data")
    ) as one:
        assert one.process.wait(START_SECONDS) == 1
    assert "KeyError: 'mine'" in one.words
    assert list((one.root / "run").glob("*.json")) == []


@pytest.mark.parametrize(("call", "status"), [("ready", 0), ("once", -signal.SIGINT)])
def test_a_signal_interrupts_what_is_called(tmp_path, call, status):
    code = CALL + f"run_up(settings, {call}=sleeps)"
    with up(tmp_path / "data", "-c", code, str(tmp_path / "data")) as one:
        wait_until(lambda: "sleeping" in one.words, START_SECONDS)
        pids = one.pids()
        began = time.monotonic()
        assert one.end(signal.SIGINT) == status, one.words
        assert time.monotonic() - began < 20
        assert [pid for pid in pids if alive(pid)] == []
