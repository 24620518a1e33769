"""A page of a million results, in every order and filter that the API has, anywhere in the list."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.labs import lab, null_experiment
from bench.load import Connection, Request
from bench.table import Row, percentile, verdict

MILLION = 1_000_000
ROUNDS = 40
QUERIES = (
    "sort=sample",
    "sort=-sample",
    "sort=latency",
    "sort=-latency",
    "sort=exact",
    "sort=-exact",
    "sort=exact&least=0.5",
    "failed=true",
    "failed=true&sort=-latency",
    "kind=timeout",
    "cached=true",
    "cached=true&sort=-exact",
    "failed=false&sort=latency",
)

FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
INSERT INTO results
SELECT :e, i, '[{"role":"user","content":"' || i || '"}]',
  CASE WHEN i % 100 = 7 THEN NULL ELSE 'answer ' || i END, 12, 3,
  CASE WHEN i % 100 = 7 THEN NULL ELSE (i * 7919 % 100003) / 10.0 END, 0,
  CASE WHEN i % 100 = 7 THEN '{}' ELSE '{"exact":' || ((i * 31 % 1000) / 1000.0) || '}' END,
  CASE WHEN i % 100 = 7 THEN CASE WHEN i % 200 = 7 THEN 'timeout' ELSE 'refused' END END,
  CASE WHEN i % 100 = 7 THEN 'no answer' END, i % 10 = 0, 1, 1700000000000 + i
FROM n"""
SCORES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
INSERT INTO scores (experiment_id, metric, cached, value, sample)
SELECT :e, 'exact', i % 10 = 0, (i * 31 % 1000) / 1000.0, i FROM n WHERE i % 100 <> 7"""


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as scratch:
        where = Path(scratch) / "data"
        with lab(where) as running, running.client() as client:
            experiment = null_experiment(client, 1)
            while client.get(f"/v1/experiments/{experiment}")["status"] != "completed":
                pass
        _fill(where / "lab.db", experiment)
        with lab(where) as running:
            took = asyncio.run(_read(running.url, running.key, experiment))
    every = [ms for kind in took.values() for ms in kind]
    p99 = percentile(every, 0.99)
    slowest = max(took, key=lambda kind: percentile(took[kind], 0.99))
    return [
        Row(
            "A million results: a page of 50, filtered and sorted",
            "p99 < 100 ms",
            f"p50 {percentile(every, 0.5):.1f} ms, p99 {p99:.1f} ms",
            verdict(p99 < 100),
            f"{len(QUERIES)} orders and filters, the first {ROUNDS} pages of each; slowest "
            f"`{slowest}`: p99 {percentile(took[slowest], 0.99):.1f} ms",
        )
    ]


def _fill(database: Path, experiment: str) -> None:
    store = sqlite3.connect(database)
    store.execute(FILL, {"e": experiment})
    store.execute(SCORES, {"e": experiment})
    store.execute(
        "UPDATE experiments SET samples = ?, done = ?, failed = ?, cursor = ? WHERE id = ?",
        (MILLION, MILLION, MILLION // 100, MILLION, experiment),
    )
    store.commit()
    store.close()


async def _read(url: str, key: str, experiment: str) -> dict[str, list[float]]:
    import time

    import httpx

    took: dict[str, list[float]] = defaultdict(list)
    headers = {"Authorization": f"Bearer {key}"}
    line = Connection(url, headers)
    async with httpx.AsyncClient(base_url=url, headers=headers) as pages:
        for query in QUERIES:
            path = f"/v1/experiments/{experiment}/results?limit=50&{query}"
            cursor = ""
            for _ in range(ROUNDS):
                started = time.perf_counter()
                status = await line.send(Request(query, "GET", path + cursor))
                took[query].append((time.perf_counter() - started) * 1000)
                assert status == 200, (query, status)
                found = (await pages.get(path + cursor)).json()
                if found["next_cursor"] is None:
                    break
                cursor = f"&cursor={found['next_cursor']}"
    line.close()
    return took
