"""The runner's own time a sample with `echo`, beside Inspect AI's with its mock model.

Both take 10,000 one-line samples, answer at once, score by exact match, and keep every sample. The
mock model's tokenizer, which Inspect would fetch, is replaced by a count of words.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time

from bench import peers
from bench.labs import lab, null_experiment
from bench.table import Row, verdict

SAMPLES, SHARE = 10_000, 0.1

INSPECT = """
import asyncio, json, sys, time
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelAPI
from inspect_ai.scorer import match
from inspect_ai.solver import generate

async def count(self, text, *rest, **more):
    return len(str(text).split())
for name in ("count_text_tokens", "count_tokens", "count_media_tokens"):
    if hasattr(ModelAPI, name):
        setattr(ModelAPI, name, count)
samples = [Sample(input=str(i), target=str(i)) for i in range(int(sys.argv[1]))]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=match())
start, cpu = time.perf_counter(), time.process_time()
logs = eval(task, model="mockllm/model", log_dir=sys.argv[2], display="none", max_connections=64,
            max_samples=64, log_level="error")
print(json.dumps([logs[0].status, time.perf_counter() - start, time.process_time() - cpu]))
"""


def measure() -> list[Row]:
    ours = _ours()
    theirs, cpu = _inspect()
    share = ours / theirs
    return [
        Row(
            "The runner's own time a sample with `echo`, 10,000 samples, beside Inspect AI's with "
            "`mockllm`",
            "a tenth",
            f"{share:.3f}: {ours:.2f} ms beside {theirs:.1f} ms",
            verdict(share <= SHARE),
            f"wall time over samples; Inspect's CPU {cpu:.1f} ms a sample",
        )
    ]


def _ours() -> float:
    with lab() as running, running.client() as client:
        warm = null_experiment(client, 100)
        _ended(client, warm)
        found = _ended(client, null_experiment(client, SAMPLES))
        return float(found["summary"]["duration_seconds"]) * 1000 / SAMPLES


def _ended(client, experiment: str):
    while (found := client.get(f"/v1/experiments/{experiment}"))["status"] != "completed":
        assert found["status"] in ("queued", "running"), found
        time.sleep(0.2)
    return found


def _inspect() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as scratch:
        answer = subprocess.run(
            [peers.python(), "-c", INSPECT, str(SAMPLES), scratch],
            capture_output=True,
            text=True,
            check=False,
        )
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    status, wall, cpu = json.loads(answer.stdout.strip().splitlines()[-1])
    assert status == "success", answer.stdout
    return wall * 1000 / SAMPLES, cpu * 1000 / SAMPLES
