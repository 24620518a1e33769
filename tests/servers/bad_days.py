"""What the stories of bad days share: processes by hand, an experiment on a lab, what is in its files."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from llm_research_lab.service.client import running_url

ANY_PORTS = {
    "LAB_PORT": "0",
    "LAB_API_METRICS_PORT": "0",
    "LAB_RUNNER_METRICS_PORT": "0",
    "LAB_OPS_PORT": "0",
}
ENDED = {"completed", "failed", "cancelled"}
PATIENCE_SECONDS = 60
"""For a machine that does a dozen other things; what is waited for comes in a second or two."""


def until(true: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for it, and give it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.03)
    return found


class Lab:
    """Some processes of the lab on one directory; `via` is how this process sees that directory."""

    def __init__(self, root: Path, via: Path | None = None) -> None:
        self.root = root
        self.via = via or root
        self.processes: list[subprocess.Popen[bytes]] = []
        self.said = root.parent / f"{root.name}.said"

    def start(self, name: str, *before: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start ``lab NAME``, behind the words of another command if there are any."""
        command = [*before, sys.executable, "-m", "llm_research_lab", name]
        with self.said.open("ab") as said:
            process = subprocess.Popen(
                [*command, "--data-dir", str(self.root)],
                env={**os.environ, **ANY_PORTS, **settings},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self.processes.append(process)
        return process

    def ready(self) -> Lab:
        """Wait until it says that it is."""
        until(lambda: self._alive() and self.readiness() == 200)
        return self

    def readiness(self) -> int | None:
        """The status of ``/healthz/ready``; None while nobody answers."""
        try:
            return httpx.get(f"{self.url()}/healthz/ready", timeout=5, trust_env=False).status_code
        except (httpx.HTTPError, AssertionError):
            return None

    def url(self) -> str:
        url = running_url(self.via)
        assert url is not None
        return url

    def client(self) -> httpx.Client:
        """Speak to it with the admin's key; the answer to a refusal is no error here."""
        key = (self.via / "keys" / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url(), headers=headers, timeout=60, trust_env=False)

    def end(self) -> None:
        """Stop what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait(30)

    def _alive(self) -> bool:
        for process in self.processes:
            assert process.poll() is None, self.said.read_text()
        return True


@contextmanager
def lab(root: Path, *names: str, via: Path | None = None, **settings: str) -> Iterator[Lab]:
    """Run these processes together; ``up`` unless others are named."""
    one = Lab(root, via)
    try:
        for name in names or ("up",):
            one.start(name, **settings)
        yield one.ready()
    finally:
        one.end()


def sent(answer: httpx.Response) -> dict[str, Any]:
    """What was made."""
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def sow(client: httpx.Client, name: str, rows: int, model: dict[str, Any]) -> dict[str, Any]:
    """Make a dataset of so many rows, a prompt, the model; give an experiment's body on them."""
    csv = "n,text\n" + "".join(f"{n},row {n}\n" for n in range(rows))
    headers = {"Content-Type": "text/csv"}
    sent(client.post(f"/v1/datasets/{name}?format=csv", content=csv, headers=headers))
    sent(client.post("/v1/prompts", json={"name": name, "text": "{{ text }}"}))
    sent(client.post("/v1/models", json={"name": name, **model}))
    evaluators = [{"kind": "exact", "target": "{{ text }}"}]
    return dict.fromkeys(("name", "dataset", "prompt", "model"), name) | {"evaluators": evaluators}


def begin(client: httpx.Client, body: dict[str, Any]) -> str:
    """Create the experiment."""
    return str(sent(client.post("/v1/experiments", json=body))["id"])


def show(client: httpx.Client, experiment_id: str) -> dict[str, Any]:
    """The experiment now; what is refused for the moment is asked again."""
    answer = until(lambda: _served(client.get(f"/v1/experiments/{experiment_id}")))
    return sent(answer)


def _served(answer: httpx.Response) -> httpx.Response | None:
    return None if answer.status_code == 503 else answer


def ended(client: httpx.Client, experiment_id: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for its end, and give it."""

    def found() -> dict[str, Any] | None:
        one = show(client, experiment_id)
        return one if one["status"] in ENDED else None

    return until(found, seconds)


def ran(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Run an experiment to its end; `results` are those of all its samples."""
    one = ended(client, begin(client, body))
    page = client.get(f"/v1/experiments/{one['id']}/results?limit=500").json()
    return {**one, "results": page["items"]}


def check_whole(database: Path, experiment_id: str, samples: int) -> None:
    """Each sample has one result, nothing is in flight, sums are right, the file is sound."""
    with closing(sqlite3.connect(database)) as connection:

        def value(query: str) -> Any:
            return connection.execute(query, (experiment_id,)).fetchone()

        found = value(
            "SELECT count(*), min(sample), max(sample) FROM results WHERE experiment_id=?"
        )
        assert found == (samples, 0, samples - 1)
        row = value("SELECT done, samples, reserved_picousd FROM experiments WHERE id = ?")
        assert row == (samples, samples, 0)
        assert value("SELECT count(*) FROM calls WHERE experiment_id = ?") == (0,)
        query = "SELECT count(*) FROM chunks WHERE state <> 'done' AND experiment_id = ?"
        assert value(query) == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None


def peak_bytes(pid: int) -> int:
    """The most memory that the process had since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def forget_peak(pid: int) -> int:
    """Count the peak anew, from what the process has now. Source: proc(5), clear_refs."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_bytes(pid)


def own_mounts() -> str | None:
    """The flags of ``unshare`` that let a command mount: as root, or in a namespace where it is."""
    for flags in ("-m", "-rm"):
        command = ["unshare", flags, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
        if (
            shutil.which(command[0])
            and not subprocess.run(command, check=False, capture_output=True).returncode
        ):
            return flags
    return None
