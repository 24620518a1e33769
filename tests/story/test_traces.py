"""A trace is followed over processes and to its log lines; what matters is kept at any ratio."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.servers.api_server import serving
from tests.servers.collector import grpc_collector, http_collector
from tests.story.conftest import cli, start, wait_for

from llm_research_lab.service.settings import read_settings
from llm_research_lab.service.story import OPEN_METRICS, exemplars_in
from llm_research_lab.service.traces import tracing
from llm_research_lab.signals.spans import check_span
from llm_research_lab.storage import DataDirectory
from llm_research_lab.telemetry import otlp
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.shipping import Shipper
from llm_research_lab.telemetry.span_store import read_spans
from llm_research_lab.telemetry.tracing import Tracer

SAMPLES = 40
SLOW_SECONDS = 0.15
REQUEST = {"http.request.method": "GET", "url.path": "/", "lab.request_id": "r"}
SECRET = "a planted secret of the prompt"


def run_experiment(client, name, samples=SAMPLES, **entry):
    """An experiment on echo, followed to its end."""
    rows = b"".join(b'{"n": %d}\n' % number for number in range(samples))
    client.upload(f"/v1/datasets/{name}", iter([rows]), "application/x-ndjson", format="jsonl")
    client.post("/v1/prompts", {"name": name, "text": SECRET + " {{ n }}"})
    client.post("/v1/models", {"name": name, "provider": "echo", "id": "echo", **entry})
    body = {
        "name": name,
        "dataset": name,
        "prompt": name,
        "model": name,
        "evaluators": [{"kind": "contains", "target": "{{ n }}"}],
    }
    made = client.post("/v1/experiments", body)
    while (found := client.get(f"/v1/experiments/{made['id']}"))["status"] in ("queued", "running"):
        time.sleep(0.05)
    return found


def slow_request(url, key, name):
    """An upload whose second half comes late: its trace's id is the one that it asks for."""

    def body():
        yield b"a,b\n"
        time.sleep(SLOW_SECONDS)
        yield b"1,2\n"

    sent = httpx.post(
        f"{url}/v1/datasets/{name}?format=csv",
        content=body(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
        trust_env=False,
        timeout=30,
    )
    assert sent.status_code == 201, sent.text
    return sent.headers["x-request-id"]


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """A lab that sends to a collector; an experiment on it and a slow request are done."""
    directory = tmp_path_factory.mktemp("traced") / "data"
    with grpc_collector() as collector:
        process = start(directory, LAB_OTLP_ENDPOINT=collector.url, LAB_ENVIRONMENT="test")
        try:
            served = wait_for(process, directory)
            with served.client() as client:
                served_experiment = run_experiment(client, "traced")
            request_id = slow_request(served.url, served.key, "slow")
            time.sleep(0.5)  # what was kept is on its way
            yield served, collector, served_experiment, request_id
        finally:
            process.terminate()
            process.wait(30)


def until(found, seconds=10):
    end = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return got


def trace_at(collector, experiment_id):
    """The experiment's trace as the collector has it, complete."""
    [whole] = until(
        lambda: [
            span
            for span in collector.named("execute_experiment")
            if span.attributes["experiment_id"] == experiment_id
        ]
    )
    until(lambda: len([s for s in collector.named("chat echo") if s.trace == whole.trace]) >= 40)
    until(lambda: [s for s in collector.named("http_request") if s.trace == whole.trace])
    return whole, [span for span in collector.spans if span.trace == whole.trace]


def test_a_collector_gets_an_experiment_as_one_trace_over_api_and_runner(traced):
    _, collector, experiment, _ = traced
    whole, spans = trace_at(collector, experiment["id"])
    by_id = {span.id: span for span in spans}
    [request] = [span for span in spans if span.name == "http_request"]
    assert request.parent == ""
    assert request.service == "llm-research-lab-api"
    assert request.attributes["http.route"] == "/v1/experiments"
    assert (whole.parent, whole.service) == (request.id, "experiment-runner")
    above = {
        "load_dataset": {"execute_experiment"},
        "model_inference": {"execute_experiment"},
        "aggregate_results": {"execute_experiment"},
        "chat echo": {"model_inference"},
        "database_read": {"http_request", "load_dataset", "model_inference", "aggregate_results"},
        "database_write": {"http_request", "model_inference", "aggregate_results"},
    }
    for span in spans:
        if span.name in above:
            assert by_id[span.parent].name in above[span.name], span.name
    assert {span.name for span in spans} >= {"http_request", *above}


def test_what_lies_below_a_span_lies_within_its_time(traced):
    _, collector, experiment, _ = traced
    _, spans = trace_at(collector, experiment["id"])
    by_id = {span.id: span for span in spans}
    for span in spans:
        above = by_id.get(span.parent)
        if above is not None and above.name != "http_request":
            assert above.start_ns <= span.start_ns + 1_000_000, span.name
            assert span.end_ns <= above.end_ns + 1_000_000, span.name


def test_there_is_one_span_a_call_with_what_opentelemetry_calls_it_and_no_text(traced):
    _, collector, experiment, _ = traced
    _, spans = trace_at(collector, experiment["id"])
    calls = [span for span in spans if span.name == "chat echo"]
    assert sorted(span.attributes["lab.sample"] for span in calls) == list(range(SAMPLES))
    assert {span.kind for span in calls} == {3}  # client
    for span in calls:
        assert span.attributes["gen_ai.operation.name"] == "chat"
        assert span.attributes["gen_ai.provider.name"] == "echo"
        assert span.attributes["gen_ai.usage.input_tokens"] > 0
        assert span.attributes["gen_ai.usage.output_tokens"] > 0
    assert SECRET not in repr(collector.spans)


def test_every_span_is_as_declared_and_its_resource_says_who_speaks(traced):
    _, collector, experiment, _ = traced
    trace_at(collector, experiment["id"])
    for span in collector.spans:
        assert check_span(declaration(), span.name.split(" ")[0], span.attributes) == ()
        declared = declaration().spans[span.name.split(" ")[0]]
        assert {"server": 2, "client": 3, "internal": 1}[declared.kind] == span.kind
        assert span.resource["deployment.environment"] == "test"
        assert set(span.resource) == {
            "service.name",
            "service.version",
            "service.instance.id",
            "deployment.environment",
            "deployment.environment.name",
        }


def test_lab_trace_shows_the_experiment_as_a_tree_with_times(traced):
    served, _, experiment, _ = traced
    status, out, err = served.cli("trace", experiment["id"])
    assert status == 0, err
    lines = out.splitlines()
    assert re.match(r"trace [0-9a-f]{32}$", lines[0])
    depths = {}
    for line in lines[2:]:
        depths.setdefault(line.split()[0], len(line) - len(line.lstrip()))
        assert re.search(r"[\d.,]+ ms +[\d.,]+ ms +█*", line), line
    assert depths["http_request"] == 0
    assert depths["execute_experiment"] == 2
    assert depths["load_dataset"] == depths["model_inference"] == 4
    assert depths["chat"] == 6
    assert "alike)" in out

    _, everything, _ = served.cli("trace", experiment["id"], "--all")
    assert everything.count("chat echo") == SAMPLES
    _, as_json, _ = served.cli("trace", experiment["id"], "--json")
    told = json.loads(as_json)
    assert f"trace {told['trace_id']}" == lines[0]
    assert SECRET not in as_json


def test_a_trace_is_found_by_the_beginning_of_its_id_and_the_slowest_are_listed(traced):
    served, _, _, request_id = traced
    told = json.loads(served.cli("trace", request_id, "--json")[1])
    assert served.cli("trace", told["trace_id"][:12])[1].startswith(f"trace {told['trace_id']}")
    listed = json.loads(served.cli("trace", "--slowest", "20", "--json")[1])
    assert [one["took_ns"] for one in listed] == sorted(
        (o["took_ns"] for o in listed), reverse=True
    )
    assert told["trace_id"] in {one["trace_id"] for one in listed}
    assert len(json.loads(served.cli("trace", "--slowest", "1", "--json")[1])) == 1
    assert "POST /v1/datasets/{name} 201" in served.cli("trace", "--slowest")[1]
    for wrong in (("trace", "no such"), ("trace", "--slowest", "many")):
        status, _, err = served.cli(*wrong)
        assert status == 1
        assert "fix" in err


def test_from_a_slow_requests_exemplar_to_its_log_line_in_two_steps(traced):
    served, _, _, request_id = traced
    facts = json.loads((served.directory / "run" / "api.json").read_text())
    scraped = httpx.get(facts["metrics_url"], headers={"Accept": OPEN_METRICS}, trust_env=False)
    [slow] = [
        one.what
        for one in exemplars_in(scraped.text)
        if one.what["metric"].startswith("api_request_duration_seconds_bucket")
        and "/v1/datasets/{name}" in one.what["metric"]
        and one.what["value"] > SLOW_SECONDS
    ]

    status, out, err = served.cli("trace", slow["trace_id"], "--logs", "--json")

    assert status == 0, err
    told = json.loads(out)
    [root] = [span for span in told["spans"] if span["name"] == "http_request"]
    assert root["attributes"]["lab.request_id"] == request_id
    assert request_id in {line.get("request_id") for line in told["logs"]}


def test_a_story_tells_all_that_is_known_by_time(traced):
    served, _, experiment, _ = traced
    status, out, err = served.cli("story", experiment["id"], "--json")
    assert status == 0, err
    told = json.loads(out)
    items = told["items"]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    kinds = {item["kind"] for item in items}
    assert kinds == {"log", "span", "audit", "exemplar"}
    assert {i["what"]["action"] for i in items if i["kind"] == "audit"} >= {"create", "execute"}
    spans = [item["what"] for item in items if item["kind"] == "span"]
    assert {span["trace_id"] for span in spans} == {told["trace_id"]}
    for item in items:
        if item["kind"] == "log":
            assert experiment["id"] in repr(item) or told["trace_id"] in repr(item)
    assert SECRET not in out

    status, text, _ = served.cli("story", experiment["id"])
    assert status == 0
    assert f"experiment {experiment['id']}, trace {told['trace_id']}" in text
    assert "and 30 more spans chat echo" in text
    status, _, err = served.cli("story", "exp_nothing")
    assert status == 1
    assert "fix" in err


@pytest.mark.parametrize("way", ["grpc", "http/protobuf"])
def test_at_ten_percent_every_error_and_every_slow_request_reaches_the_collector(tmp_path, way):
    with (grpc_collector if way == "grpc" else http_collector)() as collector:
        tracer = Tracer(ratio=0.1)
        exporter = otlp.exporter_for(collector.url, way)
        resource = {"service.name": "test"}
        lost = lambda spans: tracer.lose("export", spans)  # noqa: E731
        tracer.to([Shipper("otlp", otlp.sender(exporter, resource), lost)])
        with serving(tmp_path / "data", tracer=tracer) as api:
            client = api.client()
            with ThreadPoolExecutor(5) as pool:
                names = [f"slow{number}" for number in range(10)]
                slow = set(pool.map(lambda name: slow_request(api.url, api.admin, name), names))
            quick = [client.get("/v1/prompts").headers["x-request-id"] for _ in range(200)]
            missing = [client.get("/v1/nothing").headers["x-request-id"] for _ in range(100)]
            api.reasons.append("a scripted failure")
            answers = [client.get("/healthz/ready") for _ in range(50)]
        tracer.shut()
        exporter.shutdown()
    assert {answer.status_code for answer in answers} == {503}
    errors = {answer.headers["x-request-id"] for answer in answers}
    roots = {span.attributes["lab.request_id"]: span for span in collector.named("http_request")}
    assert errors <= set(roots)
    assert slow <= set(roots)
    assert all(roots[one].failed for one in errors)
    assert not any(roots[one].failed for one in slow)
    sampled = len([one for one in (*quick, *missing) if one in roots])
    assert 5 <= sampled <= 100  # 30 of 300, and those that the machine made slow
    assert tracer.lost == {"buffer": 0, "export": 0, "disk": 0}
    for one in slow:  # kept whole
        below = {span.name for span in collector.spans if span.trace == roots[one].trace}
        assert below >= {"http_request", "database_write"}


def test_a_callers_trace_is_continued_and_its_decision_kept(tmp_path):
    directory = DataDirectory.open(tmp_path / "data")
    with (
        tracing("api", read_settings({"data_dir": directory.root}), directory, {}) as tracer,
        serving(directory.root, tracer=tracer) as api,
    ):
        for number, flag in ((1, "01"), (2, "00")):
            header = f"00-{number:032x}-00f067aa0ba902b7-{flag}"
            api.client().get("/v1/nothing", headers={"traceparent": header})
    kept = [s for s in read_spans(directory.traces) if s["name"] == "http_request"]
    [span] = [s for s in kept if s["trace_id"] in (f"{1:032x}", f"{2:032x}")]
    assert span["trace_id"] == f"{1:032x}"
    assert span["parent_id"] == "00f067aa0ba902b7"
    assert "http.route" not in span["attributes"]


def test_killed_processes_leave_a_store_that_is_read_and_gone_on_with(tmp_path):
    directory = tmp_path / "data"
    process = start(directory, LAB_TRACE_RATIO="1", LAB_RESTART_FIRST_SECONDS="0.05")
    try:
        served = wait_for(process, directory)
        with served.client() as client:
            experiment = run_experiment(client, "killed")
            time.sleep(0.3)
            before = read_spans(directory / "traces")
            for name in ("api", "runner"):
                for file in (directory / "run").glob(f"{name}*.json"):
                    os.kill(json.loads(file.read_text())["pid"], signal.SIGKILL)
        assert served.cli("trace", experiment["id"])[0] == 0
        time.sleep(0.5)
        again = wait_for(process, directory)
        with again.client() as client:
            client.get("/v1/status")
        more = until(lambda: [s for s in read_spans(directory / "traces") if s not in before])
        assert {span["process"] for span in more}.isdisjoint(span["process"] for span in before)
    finally:
        process.terminate()
        process.wait(30)
    status, out, err = cli("trace", experiment["id"], data_dir=directory)
    assert status == 0, err
    assert "execute_experiment" in out
    status, out, err = cli("story", experiment["id"], data_dir=directory)
    assert status == 0, err
    assert "no lab runs" in err


def test_a_collector_that_is_not_there_costs_spans_and_neither_requests_nor_the_stop(tmp_path):
    directory = DataDirectory.open(tmp_path / "data")
    settings = read_settings(
        {"data_dir": directory.root, "otlp_endpoint": "http://127.0.0.1:9", "trace_ratio": 1.0}
    )
    with tracing("api", settings, directory, {}) as tracer:
        with tracer.root("http_request", {**REQUEST}):
            pass
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert len(read_spans(directory.traces)) == 1


def test_opentelemetrys_own_variables_name_the_collector_too(tmp_path):
    directory = DataDirectory.open(tmp_path / "data")
    settings = read_settings({"data_dir": directory.root, "trace_ratio": 1.0})
    with http_collector() as collector:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        before = dict(os.environ)
        os.environ.update(environ)  # the exporter itself reads them
        try:
            with (
                tracing("runner", settings, directory) as tracer,
                tracer.root("http_request", {**REQUEST}),
            ):
                pass
        finally:
            os.environ.clear()
            os.environ.update(before)
    [span] = collector.spans
    assert span.service == "experiment-runner"


def test_with_telemetry_off_nothing_is_recorded(tmp_path):
    directory = DataDirectory.open(tmp_path / "data")
    settings = read_settings({"data_dir": directory.root, "telemetry": False})
    with (
        tracing("api", settings, directory, {}) as tracer,
        tracer.root("http_request", {**REQUEST}) as root,
    ):
        root.fail("x")
    assert not tracer.on
    assert list(directory.traces.iterdir()) == []
