"""The distribution's Prometheus on a temporary directory and a free loopback port, fed by remote write."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.servers.absent import absent

from llm_research_lab.scrape.remote.wire import encode_write

CONFIG = """
global: {scrape_interval: 1h, evaluation_interval: 1m}
storage: {tsdb: {out_of_order_time_window: 520w}}
"""
READY_SECONDS = 30


def found(command):
    """The command's path; where it is missing the test fails under CI, and is skipped elsewhere."""
    path = shutil.which(command)
    if path is None:
        absent(f"{command} is not here: `apt-get install prometheus`")
    return path


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server: `url` is its address."""

    url: str
    client: httpx.Client

    def write(self, batch):
        """Send the batch by remote write; an answer other than 2xx fails."""
        answer = self.client.post(
            f"{self.url}/api/v1/write",
            content=encode_write(batch),
            headers={
                "Content-Encoding": "snappy",
                "Content-Type": "application/x-protobuf",
                "X-Prometheus-Remote-Write-Version": "0.1.0",
            },
        )
        assert answer.status_code < 300, answer.text

    def ask(self, path, **params):
        """The whole JSON of a query; an error of the query is in it."""
        return self.client.post(f"{self.url}/api/v1/{path}", data=params).json()


@contextmanager
def prometheus(
    directory: Path,
    config: str = CONFIG,
    flags: tuple[str, ...] = (),
    port: int | None = None,
):
    """Start one, and end it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "prometheus.yml"
    path.write_text(config, encoding="utf-8")
    port = free_port() if port is None else port
    command = [
        found("prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=20y",
        *flags,
    ]
    log = (directory / "prometheus.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(timeout=60) as client:
            _wait(client, url, process, directory)
            yield Prometheus(url, client)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(client, url, process, directory):
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError((directory / "prometheus.log").read_text())
