"""A whole lab on a temporary directory, started and stopped as a user would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llm_research_lab.service.client import Client, running_url
from llm_research_lab.service.secret import Secret

READY_SECONDS = 60


@dataclass(slots=True)
class Running:
    process: subprocess.Popen[bytes]
    directory: Path
    url: str
    ready_seconds: float

    @property
    def key(self) -> str:
        return (self.directory / "keys" / "admin.key").read_text().strip()

    def client(self) -> Client:
        return Client(self.url, Secret(self.key))

    def children(self) -> list[int]:
        """The processes below the supervisor, whichever of its threads started them."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]


@contextmanager
def lab(directory: Path | None = None, **settings: object) -> Iterator[Running]:
    """`lab up` on free ports; ready when it is inside."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as scratch:
        where = directory or Path(scratch) / "data"
        ports = {"port": 0, "api_metrics_port": 0, "runner_metrics_port": 0}
        given = {f"LAB_{k.upper()}": str(v) for k, v in {**ports, **settings}.items()}
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "llm_research_lab", "up", "--data-dir", str(where)],
            env={**os.environ, **given},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            url = _wait(process, where)
            yield Running(process, where, url, time.perf_counter() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], where: Path) -> str:
    import httpx

    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(process.stderr.read().decode())
        url = running_url(where)
        if url is not None:
            try:
                if httpx.get(f"{url}/healthz/ready").status_code == 200:
                    return url
            except httpx.HTTPError:
                pass
        time.sleep(0.01)
    raise RuntimeError("the lab was not ready in time")


def memory_mb(pid: int) -> float:
    """Resident memory that is the process's own or its share (PSS where the kernel tells)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    for line in rollup.read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def null_experiment(
    client: Client, samples: int, name: str = "null", *, concurrency: int = 64, again: bool = False
) -> str:
    """Create an experiment of so many samples on the provider echo; its id.

    With `again`, everything it needs is there already.
    """
    if not again:
        rows = b"".join(b'{"n": %d}\n' % number for number in range(samples))
        path = f"/v1/datasets/{name}-{samples}"
        client.upload(path, iter([rows]), "application/x-ndjson", format="jsonl")
        client.post("/v1/prompts", {"name": name, "text": "{{ n }}"})
        entry = {"name": name, "provider": "echo", "id": "echo"}
        client.post("/v1/models", {**entry, "limits": {"concurrency": concurrency}})
    made = client.post(
        "/v1/experiments",
        {
            "name": name,
            "dataset": f"{name}-{samples}",
            "prompt": name,
            "model": name,
            "evaluators": [{"kind": "exact", "target": "{{ n }}"}],
            "use_cache": False,
        },
    )
    return str(made["id"])
