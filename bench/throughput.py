"""The API's reads beside MLflow's server: the same clients, one worker each, SQLite, warmed.

Each request: ours authenticates a key by its digest, checks the role, and reads one experiment
with its summary; MLflow's `runs/get` reads one run with five metrics, without authentication.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import tempfile
import time

import httpx

from bench import peers
from bench.labs import lab, null_experiment
from bench.load import Request, closed_loop
from bench.table import Row, percentile, verdict

CLIENTS, SECONDS, TIMES = 16, 10.0, 5.0


def measure() -> list[Row]:
    ours, ours_p99 = _ours()
    theirs, theirs_p99 = _mlflow()
    ratio = ours / theirs
    return [
        Row(
            "API's throughput at 16 clients beside MLflow's server (one worker, SQLite, warmed)",
            "5 times",
            f"{ratio:.1f} times: {ours:.0f}/s (p99 {ours_p99:.0f} ms) beside {theirs:.0f}/s "
            f"(p99 {theirs_p99:.0f} ms)",
            verdict(ratio >= TIMES),
            "ours: `GET /v1/experiments/{id}`, key and role checked; MLflow: `runs/get`, no "
            "authentication",
        )
    ]


def _ours() -> tuple[float, float]:
    with lab() as running, running.client() as client:
        experiment = null_experiment(client, 5)
        while client.get(f"/v1/experiments/{experiment}")["status"] != "completed":
            time.sleep(0.05)
        headers = {"Authorization": f"Bearer {running.key}"}
        path = f"/v1/experiments/{experiment}"
        return _load(running.url, headers, path)


def _mlflow() -> tuple[float, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as scratch:
        command = [peers.python(), "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{scratch}/mlflow.db"]
        command += ["--artifacts-destination", scratch]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            api = f"{url}/api/2.0/mlflow"
            _until_up(url)
            made = httpx.post(f"{api}/experiments/create", json={"name": "x"}).json()
            run = httpx.post(
                f"{api}/runs/create", json={"experiment_id": made["experiment_id"]}
            ).json()["run"]["info"]["run_id"]
            for number in range(5):
                metric = {"run_id": run, "key": f"m{number}", "value": 1.0, "timestamp": 1}
                httpx.post(f"{api}/runs/log-metric", json=metric).raise_for_status()
            return _load(url, {}, f"/api/2.0/mlflow/runs/get?run_id={run}")
        finally:
            import os
            import signal

            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _until_up(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("MLflow's server did not start")


def _load(url: str, headers: dict[str, str], path: str) -> tuple[float, float]:
    def make(_number: int) -> Request:
        return Request("get", "GET", path)

    asyncio.run(closed_loop(url, headers, make, clients=CLIENTS, seconds=2.0))
    done = asyncio.run(closed_loop(url, headers, make, clients=CLIENTS, seconds=SECONDS))
    assert all(one.status == 200 for one in done), json.dumps([d.status for d in done][:5])
    return len(done) / SECONDS, percentile([one.seconds * 1000 for one in done], 0.99)
