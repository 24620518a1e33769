"""A whole lab on a temporary directory and free ports, for the tests that knock at its doors."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from llm_research_lab.service.client import Client, running_url
from llm_research_lab.service.secret import Secret

READY_SECONDS = 60
ANY_PORTS = {
    "LAB_PORT": "0",
    "LAB_API_METRICS_PORT": "0",
    "LAB_RUNNER_METRICS_PORT": "0",
    "LAB_OPS_PORT": "0",
}


@dataclass(frozen=True)
class Served:
    """A running lab: its directory, its address, and how a user at a terminal speaks to it."""

    directory: Path
    url: str

    @property
    def key(self) -> str:
        return (self.directory / "keys" / "admin.key").read_text().strip()

    def client(self, key: str | None = None) -> Client:
        return Client(self.url, Secret(key or self.key))

    def cli(self, *arguments: str) -> tuple[int, str, str]:
        return cli(*arguments, data_dir=self.directory)


def cli(*arguments: str, data_dir: Path) -> tuple[int, str, str]:
    """Run ``lab …`` in this process: its status, stdout and stderr."""
    from llm_research_lab.cli import main

    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["lab", *arguments]
    os.environ["LAB_DATA_DIR"] = str(data_dir)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
        del os.environ["LAB_DATA_DIR"]
    return status, out.getvalue(), err.getvalue()


def start(directory: Path, **settings: str) -> subprocess.Popen[str]:
    """Start ``lab up``; `wait_for` says when it is ready."""
    environment = {**os.environ, **ANY_PORTS, **settings}
    return subprocess.Popen(
        [sys.executable, "-m", "llm_research_lab", "up", "--data-dir", str(directory)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], directory: Path) -> Served:
    """Give the lab when it answers that it is ready; what it said when it ended instead."""
    import httpx

    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        url = running_url(directory)
        if url is not None:
            try:
                if httpx.get(f"{url}/healthz/ready").status_code == 200:
                    return Served(directory, url)
            except httpx.HTTPError:
                pass
        time.sleep(0.05)
    raise AssertionError("the lab was not ready in time")


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Served]:
    """One lab for all tests of a worker; each test names its own things."""
    directory = tmp_path_factory.mktemp("lab") / "data"
    process = start(directory)
    try:
        yield wait_for(process, directory)
    finally:
        process.terminate()
        process.wait(30)
