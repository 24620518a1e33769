"""The API's latency while the runner works: an open loop, four fifths of it reads."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter

from bench.labs import lab, null_experiment
from bench.load import Request, open_loop
from bench.table import Row, percentile, verdict

RATE, CONNECTIONS, SAMPLES = 200, 16, 10_000
SECONDS = 30.0
GOALS = {"p50": (0.50, 25), "p95": (0.95, 50), "p99": (0.99, 100)}


def measure() -> list[Row]:
    with lab() as running, running.client() as client:
        warm = null_experiment(client, 100)
        _wait(client, warm)
        experiment = null_experiment(client, SAMPLES)
        headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
        stop = threading.Event()
        again = threading.Thread(target=_keep_busy, args=(running, experiment, stop))
        again.start()
        try:
            done = asyncio.run(
                open_loop(
                    running.url,
                    headers,
                    _mix(experiment),
                    rate=RATE,
                    seconds=SECONDS,
                    connections=CONNECTIONS,
                )
            )
        finally:
            stop.set()
            again.join()
    wrong = Counter(one.status for one in done if one.status >= 400)
    kinds = Counter(one.kind for one in done)
    took = [one.seconds * 1000 for one in done]
    worst = {
        kind: percentile([o.seconds * 1000 for o in done if o.kind == kind], 0.99) for kind in kinds
    }
    note = f"{len(done)} requests, errors {dict(wrong) or 'none'}; p99 by kind: " + ", ".join(
        f"{kind} {ms:.0f} ms" for kind, ms in sorted(worst.items())
    )
    got = {name: percentile(took, share) for name, (share, _) in GOALS.items()}
    met = not wrong and all(got[name] < goal for name, (_, goal) in GOALS.items())
    return [
        Row(
            "API, open loop at 200 requests/s on 16 connections, 80 % reads, from the intended "
            "send, while the runner works through 10,000 null samples (again and again)",
            "p50 < 25 ms, p95 < 50 ms, p99 < 100 ms",
            ", ".join(f"{name} {ms:.1f} ms" for name, ms in got.items()),
            verdict(met),
            note,
        )
    ]


def _mix(experiment: str):
    """Eight reads to two writes, in a fixed order."""

    def make(number: int) -> Request:
        place = number % 10
        if place == 3:
            text = f"Question {number}: {{{{ n }}}}"
            body = json.dumps({"name": f"p{number % 50}", "text": text}).encode()
            return Request("create prompt", "POST", "/v1/prompts", body)
        if place == 8:
            body = json.dumps({"name": f"k{number}", "user": "ann", "role": "viewer"}).encode()
            return Request("create key", "POST", "/v1/keys", body)
        reads = (
            ("get experiment", f"/v1/experiments/{experiment}"),
            ("results page", f"/v1/experiments/{experiment}/results?limit=50"),
            ("list experiments", "/v1/experiments?limit=20"),
            ("status", "/v1/status"),
        )
        kind, path = reads[number % 4]
        return Request(kind, "GET", path)

    return make


def _wait(client, experiment: str) -> None:
    import time

    while client.get(f"/v1/experiments/{experiment}")["status"] in ("queued", "running"):
        time.sleep(0.1)


def _keep_busy(running, experiment: str, stop: threading.Event) -> None:
    """Start the samples anew whenever they are done, so that the runner never rests."""
    with running.client() as client:
        turn = 0
        while not stop.wait(0.3):
            if client.get(f"/v1/experiments/{experiment}")["status"] == "completed":
                turn += 1
                experiment = null_experiment(client, SAMPLES, again=True)
