"""What a running lab's processes expose is what is declared, and what an independent client counts.

The parser is prometheus_client's, the linter promtool.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.story.conftest import Served

from llm_research_lab.telemetry.catalog import declaration

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
PROCESSES = ("api", "runner", "ops")
MAYBE = {"node_network_speed_bytes"}
"""Not on every host: a virtual interface has no speed."""

TOTAL = "api_request_total"
SIZES = [pytest.param(1_000, id="1000"), pytest.param(10_000, id="10000", marks=pytest.mark.long)]
AT_ONCE = 16


@dataclass(frozen=True)
class Process:
    """One of the lab's processes, as a Prometheus sees it."""

    name: str
    url: str

    def families(self):
        text = httpx.get(self.url, headers=OPENMETRICS).text
        return {
            f"{one.name}_total" if one.type == "counter" else one.name: one
            for one in text_string_to_metric_families(text)
        }

    def series(self, name):
        """The samples called so, by their label values in the order of the declaration."""
        labels = declaration().metrics[name.removesuffix("_count")].labels
        found = [one for family in self.families().values() for one in family.samples]
        return {
            tuple(one.labels[label] for label in labels): one.value
            for one in found
            if one.name == name
        }


def process(served: Served, name: str) -> Process:
    (path,) = (served.directory / "run").glob(f"{name}*.json")
    return Process(name, json.loads(path.read_text())["metrics_url"])


def wait(until, seconds=20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def worked(served):
    """The lab after every kind of work that its declared metrics tell of."""
    client = httpx.Client(
        base_url=served.url, headers={"Authorization": f"Bearer {served.key}"}, timeout=20
    )

    def post(path, **body):
        answer = client.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    rows = "land,town\n" + "".join(f"land {n},town {n}\n" for n in range(30))
    sent = client.post("/v1/datasets/measured?format=csv", content=rows)
    assert sent.status_code in {200, 201}, sent.text
    post("/v1/prompts", name="measured", text="Town of {{ land }}?")
    price = {"input_usd_per_million": "1", "output_usd_per_million": "2"}
    script = {"answer": "a town", "failures": [{"kind": "rate_limited", "every": 10}]}
    parrot = {"provider": "echo", "id": "echo", "parameters": {"temperature": 0}}
    post("/v1/models", name="priced", **parrot, script=script, price=price, limits={"attempts": 2})
    post("/v1/models", name="free", **parrot, script={"answer": "a town"})
    ids = []
    for name in ("priced", "free", "free"):
        made = post(
            "/v1/experiments",
            name=f"measured-{name}-{len(ids)}",
            dataset="measured",
            prompt="measured",
            model=name,
            evaluators=[{"kind": "contains", "target": "town"}],
        )
        ids.append(made["id"])
        wait(
            lambda i=made["id"]: (
                client.get(f"/v1/experiments/{i}").json()["status"] in {"completed", "failed"}
            ),
            60,
        )
    assert client.get("/v1/datasets/measured/rows?limit=3").status_code == 200
    viewer = post("/v1/keys", name="looks", user="vic", role="viewer")["secret"]
    httpx.post(
        f"{served.url}/v1/datasets/mine?format=csv",
        content=rows,
        headers={"Authorization": f"Bearer {viewer}"},
    )
    wait(
        lambda: (
            process(served, "runner").series("experiment_total").get(("success", "evaluation"), 0)
            >= 3
        )
    )
    client.close()
    return served


@pytest.mark.parametrize("name", PROCESSES)
def test_every_declared_metric_is_there_with_exactly_its_labels(worked, name):
    exposed = process(worked, name).families()
    declared = {one.name: one for one in declaration().metrics_of(name)}
    assert set(exposed) == set(declared)
    for metric in declared.values():
        family = exposed[metric.name]
        assert family.type == metric.kind
        assert family.documentation == metric.help
        samples = [one for one in family.samples if not one.name.endswith("_created")]
        assert samples or metric.name in MAYBE, f"{metric.name} has no series"
        for sample in samples:
            labels = set(sample.labels) - ({"le"} if metric.kind == "histogram" else set())
            assert labels == set(metric.labels), metric.name
            for label, values in metric.labels.items():
                allowed = (*values.values, *(values.own or {}).values(), values.otherwise)
                assert values.bound or sample.labels[label] in allowed
        if metric.kind == "histogram":
            bounds = {float(one.labels["le"]) for one in samples if "le" in one.labels}
            assert bounds == {*metric.buckets, float("inf")}


def test_the_work_is_counted_truly(worked):
    runner, api = process(worked, "runner"), process(worked, "api")
    assert runner.series("experiment_samples_total")["evaluation", "scored"] >= 87
    assert runner.series("cache_hit_total")["responses", "relational"] >= 30
    assert runner.series("model_inference_unpriced_total")["free", "echo"] == 0
    assert runner.series("model_inference_cost_usd_count")["free", "echo"] == 30
    assert runner.series("model_inference_cost_usd_count")["priced", "echo"] >= 27
    assert runner.series("model_inference_errors_total")["priced", "echo", "rate_limited"] >= 3
    assert runner.series("model_inference_retries_total")["priced", "echo"] >= 3
    assert runner.series("model_inference_in_flight")["priced", "echo"] == 0
    assert runner.series("dataset_load_duration_seconds_count")["measured", "v1", "csv"] >= 3
    assert api.series("dataset_access_total")[("admin",)] >= 1
    assert api.series("dataset_access_denied_total")[("vic",)] == 1
    assert api.series("rbac_authorization_failures_total")["vic", "dataset"] == 1
    assert api.series("audit_log_entries_total")["read", "success"] >= 1
    assert api.series("dataset_size_bytes")["measured", "v1"] > 300
    assert abs(api.series("dataset_last_update_timestamp_seconds")[()] - time.time()) < 600
    assert api.series("db_size_bytes")[()] > 4096
    for one in (api, runner):
        assert one.series("panic_total")[()] == 0
        assert one.series("telemetry_refused_total")[("metric",)] == 0
        assert one.series("event_loop_lag_seconds_count")[()] > 0


def test_a_failed_login_is_counted_for_nobody(worked):
    api = process(worked, "api")
    before = api.series("authentication_failures_total")[("unknown",)]
    assert httpx.get(f"{worked.url}/v1/status").status_code == 401
    httpx.get(f"{worked.url}/v1/status", headers={"Authorization": "Bearer lab_nonsense"})
    assert api.series("authentication_failures_total")[("unknown",)] == before + 2


# ── Counted by an independent client ─────────────────────────────────────────────────────────


class Load:
    """Sends mixed requests and counts by itself what became of each."""

    def __init__(self, served: Served, seed: int) -> None:
        self.served = served
        self.random = random.Random(seed)
        self.counted: Counter[tuple[str, str, str]] = Counter()
        self.host, port = served.url.removeprefix("http://").split(":")
        self.port = int(port)

    async def send(self, requests: int) -> None:
        headers = {"Authorization": f"Bearer {self.served.key}"}
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(
            base_url=self.served.url, headers=headers, limits=limits, timeout=60
        ) as client:
            left = iter(range(requests))
            await asyncio.gather(*(self.work(client, left) for _ in range(AT_ONCE)))

    async def work(self, client, left) -> None:
        kinds = (self.answered, self.answered, self.answered, self.streamed, self.cancelled)
        for number in left:
            await self.random.choice(kinds)(client, number)

    async def answered(self, client, number) -> None:
        method, path, template = self.random.choice(
            (
                ("GET", "/healthz/live", "/healthz/live"),
                ("HEAD", "/v1/status", "/v1/status"),
                ("GET", "/v1/datasets?limit=2", "/v1/datasets"),
                ("GET", "/v1/datasets?limit=nothing", "/v1/datasets"),
                ("GET", f"/v1/prompts/none-{number}", "/v1/prompts/{name}"),
                ("GET", f"/somewhere/{number}", "unmatched"),
                ("DELETE", "/v1/status", "/v1/status"),
                ("PROPFIND", "/v1/status", "/v1/status"),
                ("BREW", "/v1/status", "unmatched"),  # no HTTP: refused before any route is asked
                ("POST", "/v1/prompts", "/v1/prompts"),
            )
        )
        answer = await client.request(method, path)
        told = "other" if method in {"BREW", "PROPFIND"} else method
        self.counted[told, template, str(answer.status_code)] += 1

    async def streamed(self, client, number) -> None:
        """A body in chunks; every other one breaks a law of its form at the end."""

        async def chunks():
            yield b"a,b\n"
            for row in range(20):
                yield f"{row},{number}\n".encode()
            if number % 2:
                yield b"1,2,3\n"

        path = f"/v1/datasets/stream-{number % 7}?format=csv"
        answer = await client.post(path, content=chunks())
        assert answer.status_code == (422 if number % 2 else answer.status_code)
        self.counted["POST", "/v1/datasets/{name}", str(answer.status_code)] += 1

    async def cancelled(self, _client, number) -> None:
        """The client goes away in the middle of a body that the server had asked for."""
        reader, wire = await asyncio.open_connection(self.host, self.port)
        head = f"Host: localhost\r\nAuthorization: Bearer {self.served.key}\r\n"
        wire.write(
            f"POST /v1/datasets/gone-{number}?format=csv HTTP/1.1\r\n{head}"
            "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        wire.write(b"a,b\n1,")
        await wire.drain()
        wire.transport.abort()
        self.counted["POST", "/v1/datasets/{name}", "499"] += 1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("requests", SIZES)
def test_every_request_is_counted_once_however_it_ends(served, requests):
    api = process(served, "api")
    before = api.series(TOTAL)
    timed = api.series("api_request_duration_seconds_count")
    load = Load(served, requests)
    asyncio.run(load.send(requests))
    assert sum(load.counted.values()) == requests
    assert {status for _, _, status in load.counted} >= {"200", "201", "404", "405", "422", "499"}

    def gained(name, base):
        now = api.series(name)
        return {
            key: value - base.get(key, 0) for key, value in now.items() if value != base.get(key)
        }

    end = time.monotonic() + 20  # a request that was left is counted when the server has seen it
    while gained(TOTAL, before) != dict(load.counted) and time.monotonic() < end:
        time.sleep(0.1)
    assert gained(TOTAL, before) == dict(load.counted)
    assert gained("api_request_duration_seconds_count", timed) == dict(load.counted)
    assert set(api.series("api_request_in_flight").values()) == {0}


@pytest.mark.parametrize("requests", [pytest.param(300, id="300"), SIZES[1]])
def test_random_paths_methods_and_agents_add_no_series(served, requests):
    """The first of each kind makes the series of `unmatched`; nothing after it makes any.

    Left out: the database's, whose tables are also read by the API's own clock.
    """
    chance = random.Random(requests)
    words = "".join(chr(n) for n in range(33, 127) if chr(n) not in '"\\#?%{}<>^`|[]')

    def ask(client, number):
        path = "/" + "".join(chance.choices(words, k=12))
        method = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=6))
        url = served.url + path  # whole: of a path alone that begins with // httpx makes a host
        client.request(method, url, headers={"User-Agent": f"agent/{number} {path}"})

    def kinds():
        families = process(served, "api").families().values()
        kept = [one for family in families for one in family.samples]
        made = {(one.name, *sorted(one.labels.items())) for one in kept}
        return {one for one in made if not one[0].startswith("db_query_duration_seconds")}

    with httpx.Client(base_url=served.url) as client:
        for number in range(20):
            ask(client, number)
        before, made = kinds(), process(served, "api").series(TOTAL)
        for number in range(requests):
            ask(client, number)
    assert kinds() - before == set()
    assert set(process(served, "api").series(TOTAL)) == set(made)


# ── The real tool ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        missing = "promtool is not here: `apt-get install prometheus`"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return found


@pytest.mark.parametrize("name", PROCESSES)
def test_promtool_finds_nothing_but_the_names_that_are_kept(worked, promtool, name):
    text = httpx.get(process(worked, name).url).text
    judged = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    found = {line.split()[0] for line in (judged.stdout + judged.stderr).splitlines() if line}
    kept = {
        one.name
        for one in declaration().metrics_of(name)
        if (one.keeps or {}).keys() & {"suffix", "snake_case", "type_in_name", "unit_in_full"}
    }
    assert found == kept


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [6, pytest.param(120, marks=pytest.mark.long)])
def test_a_real_prometheus_scrapes_every_process_under_load(worked, promtool, tmp_path, seconds):
    server = shutil.which("prometheus")
    assert server is not None, "promtool comes with prometheus"
    targets = {name: process(worked, name).url.split("/")[2] for name in PROCESSES}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = Path(tmp_path / "prometheus.yml")
    config.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n"
        + "".join(
            f"  - job_name: {name}\n    static_configs: [{{targets: ['{target}']}}]\n"
            for name, target in targets.items()
        )
    )
    running = subprocess.Popen(
        [
            server,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        asked = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False)
        load, end = Load(worked, seconds), time.monotonic() + seconds
        while time.monotonic() < end:
            asyncio.run(load.send(50))
            time.sleep(0.2)

        def up():
            try:
                found = asked.get("/query", params={"query": "min_over_time(up[1m])"}).json()
            except httpx.TransportError:
                return False
            return [one["value"][1] for one in found["data"]["result"]] == ["1"] * len(PROCESSES)

        wait(up)
        for name in PROCESSES:
            seen = asked.get("/label/__name__/values", params={"match[]": f'{{job="{name}"}}'})
            names = set(seen.json()["data"])
            for metric in declaration().metrics_of(name):
                wanted = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
                assert wanted in names | MAYBE, wanted
    finally:
        running.terminate()
        running.wait(30)
