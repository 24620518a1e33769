"""A lab that cannot start says why in four lines, leaves the place as it was, and ends with status 1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.bad_days import ANY_PORTS, Lab, lab, own_mounts, until

from llm_research_lab.storage import DataDirectory


def started(root, command="up", *, before=(), **settings):
    """What ``lab …`` says when it ends by itself; behind the words of another command if any."""
    environment = {**os.environ, **ANY_PORTS, **settings}
    ended = subprocess.run(
        [*before, sys.executable, "-m", "llm_research_lab", command, "--data-dir", str(root)],
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    words = [line.split()[0] for line in lines if line.strip()]
    assert words[0] == "error:", ended.stderr
    assert {"expected", "got", "fix"} <= set(words)
    return " ".join(" ".join(lines).split())


def tree(root):
    """Every file with its content."""
    return {path: path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["up", "api", "runner", "ops"])
def test_a_data_directory_that_is_a_file_is_left_alone(tmp_path, command):
    file = tmp_path / "data"
    file.write_text("mine")
    told = started(file, command)
    assert str(file) in told
    assert "directory" in told
    assert tree(tmp_path) == {file: b"mine"}


def test_a_directory_with_a_users_own_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    told = started(tmp_path)
    assert "thesis.txt" in told
    assert tree(tmp_path) == {tmp_path / "thesis.txt": b"mine"}


@pytest.mark.parametrize(
    ("version", "words"),
    [("2\n", "newer"), ("999999999999", "newer"), ("x", "VERSION"), ("", "VERSION")],
)
def test_a_directory_of_another_layout_is_left_alone(tmp_path, version, words):
    DataDirectory.open(tmp_path / "data")
    (tmp_path / "data" / "VERSION").write_text(version)
    before = tree(tmp_path)
    told = started(tmp_path / "data")
    assert words in told
    assert tree(tmp_path) == before


def test_a_directory_that_may_not_be_written_is_said(tmp_path):
    """To root every mode is writable, a file system mounted for reading is not."""
    root = tmp_path / "data"
    root.mkdir(mode=0o555)
    before = ()
    if os.geteuid() == 0:
        flags = own_mounts()
        if flags is None:
            pytest.skip("root that may not mount writes everywhere")
        script = f'mount -t tmpfs -o ro tmpfs "{root}" && exec "$@"'
        before = ("unshare", flags, "sh", "-c", script, "sh")
    told = started(root, before=before)
    assert "a path that you may write" in told
    assert str(root) in told
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("prot = 8080\n", "did you mean port"),
        ("drain_seconds = 'long'\n", "drain_seconds"),
        ("bundled_slots = 65\n", "64"),
        ("port = 1\nport = 2\n", "lab.toml"),
        ("[server]\nport = 1\n", "server"),
        ("port\n", "lab.toml"),
        ("data_dir = '/x'\n", "data_dir"),
        ("port = 0\xfe", "lab.toml"),
        ("host = '0.0.0.0'\n", "insecure"),
    ],
)
def test_a_setting_that_is_none_is_said_before_anything_starts(tmp_path, toml, words):
    root = DataDirectory.open(tmp_path / "data").root
    (root / "lab.toml").write_bytes(toml.encode("latin-1"))
    before = tree(tmp_path)
    assert words in started(root)
    assert tree(tmp_path) == before


def test_every_wrong_setting_is_said_at_once(tmp_path):
    root = DataDirectory.open(tmp_path / "data").root
    (root / "lab.toml").write_text("prot = 1\nlog_level = 'loud'\n")
    told = started(root, LAB_DRAIN_SECONDS="-1")
    for word in ("prot", "log_level", "drain_seconds"):
        assert word in told


def test_a_database_that_is_none_is_said_and_left_alone(tmp_path):
    root = DataDirectory.open(tmp_path / "data").root
    (root / "lab.db").write_bytes(b"this is no database" * 1_000)
    told = started(root)
    assert "backup" in told
    assert (root / "lab.db").read_bytes() == b"this is no database" * 1_000


def test_a_taken_port_of_metrics_is_the_next_free_one_too(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with lab(tmp_path / "data", "api", LAB_API_METRICS_PORT=str(port)) as one:
            assert "process.port_taken" in one.said.read_text()


def test_of_two_that_start_at_once_on_one_new_directory_one_serves(tmp_path):
    """The other says who has it, and spoils nothing."""
    one = Lab(tmp_path / "data")
    try:
        for _ in range(2):
            one.start("up")
        until(lambda: sum(process.poll() == 1 for process in one.processes) == 1)
        until(lambda: one.readiness() == 200)
        said = one.said.read_text()
        assert "Traceback" not in said
        left = next(process for process in one.processes if process.poll() is None)
        assert f"pid {left.pid}" in " ".join(said.split())
    finally:
        one.end()
