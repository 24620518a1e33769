"""A story is read from what processes left behind, and a torn line costs itself alone."""

from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from llm_research_lab.service.story import exemplars, exemplars_in, log_lines, story, trace_of
from llm_research_lab.storage import DataDirectory
from llm_research_lab.telemetry.span_store import SpanStore
from llm_research_lab.telemetry.tracing import Tracer
from llm_research_lab.vocabulary import InvalidError, NotFoundError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Into:
    def __init__(self, store):
        self.put = store.write
        self.close = store.close


@pytest.fixture
def directory(tmp_path):
    return DataDirectory.open(tmp_path / "data")


def traced(directory, **attributes):
    tracer = Tracer([Into(SpanStore(directory.traces, "api-1"))], ratio=1)
    with tracer.root("http_request", attributes) as span:
        pass
    return span.trace


def line(second, **fields):
    stamp = f"2026-01-01T00:00:{second:02d}.000001Z"
    return json.dumps({"timestamp": stamp, "event": "x", **fields}) + "\n"


def test_lines_that_name_an_id_are_read_from_every_file_by_time(directory):
    (directory.logs / "api.log").write_text(line(3, experiment_id="exp_1") + line(4, other="exp_2"))
    (directory.logs / "api.log.1").write_text(line(1, trace_id=TRACE))
    (directory.logs / "runner.log").write_text("no JSON exp_1\n" + line(2, message="about exp_1"))
    found = log_lines(directory.logs, ["exp_1", TRACE])
    assert [item.at for item in found] == [f"2026-01-01T00:00:0{n}.000001Z" for n in (1, 2, 3)]


def test_a_trace_is_named_by_its_beginning_its_request_or_its_experiment(directory):
    trace = traced(directory, **{"lab.request_id": "req-1", "experiment_id": "exp_1"})
    traced(directory, **{"lab.request_id": "req-2"})
    for wanted in (trace, trace[:20], "req-1", "exp_1"):
        assert [span["trace_id"] for span in trace_of(directory, wanted)] == [trace]
    for wanted in ("exp_2", "req", "", "http_request"):
        with pytest.raises(NotFoundError):
            trace_of(directory, wanted)


def test_a_beginning_that_several_traces_share_is_refused(directory):
    for _ in range(17):
        traced(directory)
    refused = 0
    for digit in "0123456789abcdef":
        try:
            trace_of(directory, digit)
        except InvalidError:
            refused += 1
        except NotFoundError:
            continue
    assert refused >= 1


def test_exemplars_are_read_as_prometheuss_own_client_writes_them():
    registry = CollectorRegistry()
    seconds = Histogram("took_seconds", "x", ["path"], registry=registry, buckets=[0.1, 1])
    seconds.labels('/v1/{a}"').observe(0.5, {"trace_id": TRACE, "span_id": "1"})
    seconds.labels("/plain").observe(0.01)
    Counter("hits", "x", registry=registry).inc(2, {"trace_id": "b" * 32})
    found = [item.what for item in exemplars_in(generate_latest(registry).decode())]
    assert [(one["trace_id"], one["value"]) for one in found] == [(TRACE, 0.5), ("b" * 32, 2.0)]
    assert found[0]["metric"].startswith("took_seconds_bucket{")
    assert found[1]["metric"] == "hits_total"
    assert all(item.at > "2026" for item in exemplars_in(generate_latest(registry).decode()))


def test_run_files_that_lead_nowhere_give_no_exemplars(directory):
    (directory.root / "run" / "api.json").write_text('{"metrics_url": "http://127.0.0.1:9/"}')
    (directory.root / "run" / "runner.json").write_text("torn")
    assert list(exemplars(directory)) == []


def test_without_a_lab_the_story_has_log_lines_and_spans(directory):
    trace = traced(directory, experiment_id="exp_1")
    (directory.logs / "api.log").write_text(
        line(1, experiment_id="exp_1") + line(2, trace_id=trace)
    )
    items, trace_id = story(directory, "exp_1", None)
    assert trace_id == trace
    assert [item.kind for item in items] == ["log", "log", "span"]


def test_an_experiment_that_left_nothing_has_no_story(directory):
    assert story(directory, "exp_1", None) == ([], None)
