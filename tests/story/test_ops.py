"""`lab ops` speaks Prometheus's API to Prometheus's own tools, to our keys, and on bad days."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.servers.bad_days import until
from tests.servers.exposition_server import exposition
from tests.servers.prometheus_server import found, free_port, prometheus
from tests.story.conftest import ANY_PORTS, cli, start, wait_for

from llm_research_lab.scrape.remote.wire import (
    ReadQuery,
    decode_read_response,
    encode_read,
    encode_write,
)
from llm_research_lab.service.metrics_store import open_series
from llm_research_lab.service.settings import read_settings
from llm_research_lab.storage.timeseries.port import Batch
from llm_research_lab.vocabulary.matchers import Matcher

JOBS = {"llm-research-lab-api", "experiment-runner", "llm-research-lab-ops"}
SNAPPY = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
QUICK = {"LAB_SCRAPE_INTERVAL_SECONDS": "1"}


class Ops:
    """A running `lab ops`, by its directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.anonymous = httpx.Client(timeout=60, trust_env=False)
        key = (directory / "keys" / "admin.key").read_text().strip()
        self.admin = httpx.Client(
            headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )

    @property
    def facts(self) -> dict:
        return json.loads((self.directory / "run" / "ops.json").read_text())

    @property
    def url(self) -> str:
        return self.facts["url"]

    def get(self, path, client=None, **params):
        return (client or self.anonymous).get(f"{self.url}/api/v1/{path}", params=params)

    def post(self, path, client=None, **form):
        return (client or self.anonymous).post(f"{self.url}/api/v1/{path}", data=form)

    def write(self, batch, client=None):
        return (client or self.admin).post(
            f"{self.url}/api/v1/write", content=encode_write(batch), headers=SNAPPY
        )

    def vector(self, query, **params):
        """An instant query's result by labels, without the name."""
        told = self.get("query", self.admin, query=query, **params).json()
        assert told["status"] == "success", told
        return {
            tuple(v for k, v in sorted(one["metric"].items()) if k != "__name__"): one["value"][1]
            for one in told["data"]["result"]
        }

    def alive(self) -> bool:
        told = self.get("query", self.admin, query="vector(41) + 1").json()
        return told["data"]["result"][0]["value"][1] == "42"


def batch(name, values, *, at=None, **labels):
    """Samples of one series, a second apart, the last one now."""
    now = time.time_ns() // 1_000_000 if at is None else at
    times = now - 1_000 * np.arange(len(values))[::-1].astype(np.int64)
    one = tuple(sorted({"__name__": name, **labels}.items()))
    return Batch((one,) * len(values), times, np.asarray(values, np.float64))


@pytest.fixture(scope="module")
def ops(tmp_path_factory):
    """A lab whose metrics may be read without a key, scraped each second."""
    directory = tmp_path_factory.mktemp("ops") / "data"
    port = str(free_port())  # fixed: it is the same after a crash
    process = start(directory, LAB_OPS_ANONYMOUS="true", LAB_OPS_PORT=port, **QUICK)
    try:
        wait_for(process, directory)
        until((directory / "run" / "ops.json").exists)
        one = Ops(directory)
        until(lambda: {job for _, job in one.vector("up == 1")} == JOBS)
        yield one
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def guarded(served):
    """The lab whose metrics are read with a key."""
    until((served.directory / "run" / "ops.json").exists)
    return Ops(served.directory)


# ── Prometheus's own tool ────────────────────────────────────────────────────────────────────


def promtool(*words):
    return subprocess.run(
        [found("promtool"), "query", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ("instant", "URL", "up"),
        ("range", "--step=1s", "URL", "up"),
        ("series", "--match=up", "URL"),
    ],
)
def test_promtool_is_told_of_every_process(ops, words):
    told = promtool(*(ops.url if word == "URL" else word for word in words))
    assert told.returncode == 0, told.stderr
    assert all(f'job="{job}"' in told.stdout for job in JOBS), told.stdout


def test_promtool_lists_a_labels_values(ops):
    assert set(promtool("labels", ops.url, "job").stdout.split()) == JOBS


def test_promtool_is_told_where_an_expression_is_wrong(ops):
    told = promtool("instant", ops.url, "sum(")
    assert told.returncode == 1
    assert "bad_data: 1:5" in told.stderr


# ── Who may ──────────────────────────────────────────────────────────────────────────────────


def test_without_a_key_nothing_is_read(guarded):
    answer = guarded.get("query", query="up")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert guarded.post("read").status_code == 401
    assert guarded.get("query", guarded.admin, query="up").status_code == 200
    assert guarded.anonymous.get(f"{guarded.url}/metrics").status_code == 200
    for probe in ("healthy", "ready"):
        assert guarded.anonymous.get(f"{guarded.url}/-/{probe}").status_code == 200


def test_a_viewer_reads_and_does_not_write(guarded, served):
    made = served.client().post("/v1/keys", {"name": "look", "user": "vi", "role": "viewer"})
    viewer = httpx.Client(headers={"Authorization": f"Bearer {made['secret']}"})
    assert guarded.get("query", viewer, query="up").status_code == 200
    for path in ("write", "admin/tsdb/compact", "admin/tsdb/snapshot"):
        answer = guarded.post(path, viewer)
        assert (answer.status_code, "metrics.write" in answer.text) == (403, True)
    counted = guarded.anonymous.get(f"{guarded.url}/metrics").text
    [line] = [one for one in counted.splitlines() if one.startswith("rbac_") and '"vi"' in one]
    assert line.endswith(" 3"), line


def test_a_wrong_key_is_refused_where_none_is_needed(ops):
    wrong = httpx.Client(headers={"Authorization": "Bearer lab_nonsense"})
    assert ops.get("query", wrong, query="up").status_code == 401
    assert ops.get("query", query="up").status_code == 200
    assert ops.write(batch("mine", [1]), ops.anonymous).status_code == 401


def test_a_page_that_was_pointed_at_this_machine_is_a_stranger(ops):
    rebound = httpx.Client(headers={"Host": "evil.example:9095"})
    assert ops.get("query", rebound, query="up").status_code == 401


MANY = '{__name__=~"process_.*"} * on() {__name__=~"process_.*"}'
"""Many beside many, on both servers."""


# ── Shapes ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "params", "status", "kind"),
    [
        ("query", {}, 400, "bad_data"),
        ("query", {"query": "up", "time": "yesterday"}, 400, "bad_data"),
        ("query", {"query": "up", "timeout": "long"}, 400, "bad_data"),
        ("query", {"query": "up", "lookback_delta": "long"}, 400, "bad_data"),
        ("query", {"query": "up", "time": "2026-13-01T00:00:00Z"}, 400, "bad_data"),
        ("query", {"query": MANY}, 422, "execution"),
        ("query_range", {"query": "up"}, 400, "bad_data"),
        ("query_range", {"query": "up", "start": 2, "end": 1, "step": 1}, 400, "bad_data"),
        ("query_range", {"query": "up", "start": 1, "end": 2, "step": 0}, 400, "bad_data"),
        ("query_range", {"query": "up", "start": 0, "end": 9e9, "step": 1}, 400, "bad_data"),
        ("query_range", {"query": "up[1m]", "start": 1, "end": 2, "step": 1}, 400, "bad_data"),
        ("series", {}, 400, "bad_data"),
        ("labels", {"match[]": "sum(up)"}, 400, "bad_data"),
        ("format_query", {"query": "("}, 400, "bad_data"),
        ("query_exemplars", {"query": "("}, 400, "bad_data"),
    ],
)
def test_a_mistake_is_answered_as_prometheus_answers_it(  # noqa: PLR0917 - two servers, a case
    ops, real, path, params, status, kind
):
    ours, theirs = (
        ops.get(path, **params),
        real.client.get(f"{real.url}/api/v1/{path}", params=params),
    )
    assert (ours.status_code, ours.json()["errorType"]) == (status, kind)
    assert set(ours.json()) == {"status", "errorType", "error"}
    if "lookback_delta" not in params:  # 2.42 does not read it
        assert (theirs.status_code, theirs.json()["errorType"]) == (status, kind)


def test_a_limit_cuts_off_and_says_so(ops):
    told = ops.get("labels", limit=2).json()
    assert (len(told["data"]), told["warnings"]) == (2, ["results truncated due to limit"])
    assert ops.get("labels", limit="x").status_code == 400
    assert ops.get("labels", limit="9" * 5_000).status_code == 400
    assert "warnings" not in ops.get("label/job/values", limit=3).json()


def test_values_have_prometheus_types_and_texts(ops):
    def ask(query):
        data = ops.post("query", query=query, time="1767225600.5").json()["data"]
        return data["resultType"], data["result"]

    assert ask("1e3") == ("scalar", [1767225600.5, "1000"])
    assert ask("0/0") == ("scalar", [1767225600.5, "NaN"])
    assert ask("-1/0") == ("scalar", [1767225600.5, "-Inf"])
    assert ask("-0") == ("scalar", [1767225600.5, "-0"])
    assert ask('"text"') == ("string", [1767225600.5, "text"])
    assert ask("vector(0.1)") == ("vector", [{"metric": {}, "value": [1767225600.5, "0.1"]}])
    assert ask("nothing[5m]") == ("matrix", [])
    given = {"query": "1", "start": "2026-01-01T00:00:00Z", "end": 1767225601, "step": "1s"}
    told = ops.post("query_range", **given).json()["data"]
    assert told == {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [[1767225600, "1"], [1767225601, "1"]]}],
    }


NUMBERS = (
    "0.1 1e15 1e16 123456789012345678 1e20 1e21 1.5e22 1e-4 1e-5 1.25e-6 1e-6 9.9e-7 1e-7 5e-324"
    " 1.7976931348623157e308 -0 -2.5 -1e18 NaN Inf -Inf 3 1e300 0.30000000000000004"
)


@pytest.mark.parametrize("text", NUMBERS.split())
def test_a_number_is_written_as_prometheus_writes_it(ops, real, text):
    query = f"vector({text})"
    ours = ops.get("query", query=query, time=1).json()["data"]
    assert ours == real.ask("query", query=query, time=1)["data"]


def test_an_instant_query_of_a_range_gives_its_samples(ops):
    told = ops.get("query", query='up{job="experiment-runner"}[1m]').json()["data"]
    [one] = told["result"]
    assert told["resultType"] == "matrix"
    assert one["metric"]["__name__"] == "up"
    assert {value for _, value in one["values"]} == {"1"}


def test_annotations_and_stats_are_told(ops):
    told = ops.get("query", query="quantile(2, up)", stats="all").json()
    assert any("quantile" in text for text in told["warnings"])
    stats = told["data"]["stats"]
    assert stats["timings"]["evalTotalTime"] > 0
    assert stats["samples"]["totalQueryableSamples"] >= len(JOBS)
    ops.write(batch("gauge_like", [1, 2, 3]))
    told = ops.get("query", query="rate(gauge_like[1m])").json()
    assert any("counter" in text for text in told["infos"])


def test_a_long_answer_is_packed_for_who_takes_it_packed(ops):
    query = {"query": '{job="llm-research-lab-ops"}'}
    with ops.anonymous.stream("GET", f"{ops.url}/api/v1/query", params=query) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(raw))["status"] == "success"
    plain = httpx.Client(headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in ops.get("query", plain, **query).headers


def test_series_labels_and_values_are_of_the_selected_series(ops):
    match = {"match[]": 'up{job="experiment-runner"}'}
    [one] = ops.get("series", **match).json()["data"]
    assert set(one) == {"__name__", "instance", "job"}
    assert ops.post("labels", **match).json()["data"] == ["__name__", "instance", "job"]
    assert ops.get("label/job/values", **match).json()["data"] == ["experiment-runner"]
    old = {**match, "start": "1", "end": "2"}
    assert ops.get("series", **old).json()["data"] == []


def test_what_there_is_is_shown(ops):
    def show(path, **params):
        return ops.get(path, **params).json()["data"]

    targets = show("targets")["activeTargets"]
    assert {(one["labels"]["job"], one["health"]) for one in targets} == {
        (job, "up") for job in JOBS
    }
    assert show("targets", state="dropped")["activeTargets"] == []
    [known] = show("metadata", metric="process_open_fds")["process_open_fds"]
    assert known["type"] == "gauge"
    assert len(show("metadata")) > 50
    assert "job_name: lab" in show("status/config")["yaml"]
    assert show("status/buildinfo")["application"] == "llm-research-lab"
    held = show("status/tsdb")
    assert held["headStats"]["numSeries"] > 100
    assert held["findings"] == []
    assert show("status/runtimeinfo")["reloadConfigSuccess"] is True
    assert show("status/flags") == {}
    assert show("rules", type="alert") == {"groups": []}
    assert show("alerts") == {"alerts": []}
    assert show("format_query", query="sum(up)by(job)") == "sum by (job) (up)"
    assert show("query_exemplars", query="up") == []


def test_an_evaluation_looks_back_as_far_as_it_is_told_to(ops):
    now = time.time_ns() // 1_000_000
    ops.write(batch("once", [7], at=now - 60_000))
    assert ops.vector("once", time=now / 1000) == {(): "7"}
    assert ops.vector("once", time=now / 1000, lookback_delta="10s") == {}


# ── A real Prometheus ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def leaving():
    """A target that a test ends."""
    with exposition() as one:
        one.body = b"leaving 1\n"
        yield one


@pytest.fixture(scope="module")
def real(ops, leaving, tmp_path_factory):
    """Scrapes itself each second, and a target that ends; writes to ours, and reads from it."""
    key = ops.directory / "keys" / "admin.key"
    port = free_port()
    remote = f"authorization: {{credentials_file: {key}}}"
    config = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1m}}
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
  - job_name: leaves
    static_configs: [{{targets: ['{leaving.address}']}}]
remote_write: [{{url: '{ops.url}/api/v1/write', {remote}, queue_config: {{batch_send_deadline: 1s}}}}]
remote_read: [{{url: '{ops.url}/api/v1/read', {remote}, read_recent: true, required_matchers: {{of: ours}}}}]
"""
    with prometheus(tmp_path_factory.mktemp("real"), config, port=port) as server:
        until(lambda: server.ask("query", query="process_open_fds")["data"]["result"])
        yield server


def entries(columns):
    """Every sample by its series: instant, value, whether it is a stale marker."""
    told = {}
    for one in columns:
        for row, labels in enumerate(one.labels):
            stale = np.zeros(len(one.times), bool) if one.stale is None else one.stale[row]
            pairs = zip(one.times.tolist(), one.values[row].tolist(), stale, strict=True)
            told[labels] = [(t, None if s else repr(v)) for t, v, s in pairs]
    return told


def test_what_a_real_prometheus_writes_is_here_and_can_be_read_back_equal(ops, real, leaving):
    begin = time.time_ns() // 1_000_000
    until(lambda: ops.vector('leaving{job="leaves"}'))
    time.sleep(4)
    leaving.status = 500
    until(lambda: ops.vector('up{job="leaves"}') and not ops.vector('leaving{job="leaves"}'))
    time.sleep(2)
    end = time.time_ns() // 1_000_000 - 2_000
    asked = ReadQuery((Matcher("job", "=~", "itself|leaves"),), begin, end)
    told = [entries(decode_read_response(one)[0]) for one in read_by(ops, real, asked)]
    ours, theirs = told
    assert len(ours) > 200
    assert ours == theirs
    [left] = [row for labels, row in ours.items() if ("__name__", "leaving") in labels]
    assert [value for _, value in left][-1] is None, "the stale marker"
    assert len(left) > 3


def read_by(ops, real, asked):
    """What both give for one remote read. Theirs reads its own store: ours is not its remote."""
    for url, client in ((ops.url, ops.admin), (real.url, real.client)):
        answer = client.post(f"{url}/api/v1/read", content=encode_read([asked]), headers=SNAPPY)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-encoding"] == "snappy"
        yield answer.content


def test_a_real_prometheus_reads_from_here(ops, real):
    until(lambda: ops.write(batch("kept_here", [3, 4, 5], of="ours")).status_code == 204)
    told = real.ask("query", query='kept_here{of="ours"}[1m]')["data"]["result"]
    assert [value for _, value in told[0]["values"]] == ["3", "4", "5"]
    assert told[0]["metric"] == {"__name__": "kept_here", "of": "ours"}


# ── Writing ──────────────────────────────────────────────────────────────────────────────────


def test_samples_that_cannot_be_kept_are_said_and_the_others_are_kept(ops):
    now = time.time_ns() // 1_000_000
    assert ops.write(batch("told", [1, 2], at=now)).status_code == 204
    assert ops.write(batch("told", [1, 2], at=now)).status_code == 204, "an equal one is no news"
    answer = ops.write(batch("told", [9], at=now))
    assert (answer.status_code, "1 with another value" in answer.text) == (400, True)
    answer = ops.write(batch("told", [9], at=now + 86_400_000))
    assert (answer.status_code, "1 too far ahead" in answer.text) == (400, True)
    answer = ops.write(batch("told", [9], at=1_000))
    assert (answer.status_code, "1 too old" in answer.text) == (400, True)
    assert ops.vector("told", time=now / 1000) == {(): "2"}


def test_what_is_no_remote_write_or_read_is_refused(ops):
    for path in ("write", "read"):
        url = f"{ops.url}/api/v1/{path}"
        answer = ops.admin.post(url, content=b"\xff" * 100, headers=SNAPPY)
        assert answer.status_code == 400, answer.text
        assert ops.admin.post(url, content=b"x" * (33 << 20), headers=SNAPPY).status_code == 413
    assert ops.alive()


def test_an_admin_takes_a_snapshot_and_compacts(ops, tmp_path):
    place = tmp_path / "copy"
    assert ops.post("admin/tsdb/snapshot", ops.admin, place="copy").status_code == 400
    assert ops.post("admin/tsdb/snapshot", ops.admin, place=str(place)).status_code == 200
    assert any(place.rglob("*"))
    assert ops.post("admin/tsdb/compact", ops.admin).status_code == 200
    assert ops.directory.exists()
    status, out, _ = cli("tsdb", "compact", data_dir=ops.directory)
    assert (status, out) == (0, "compacted\n")


# ── Hostile questions ────────────────────────────────────────────────────────────────────────

EVERY = '{__name__=~".+"}'
HOSTILE = {
    "nested": ("(" * 5_000 + "up" + ")" * 5_000, {}, 400),
    "negated": ("-" * 20_000 + "up", {}, 400),
    "chained": ("up" + " + up" * 5_000, {}, 400),
    "huge regex": ('up{job=~"' + "(a?){1000}" * 300 + '"}', {}, 400),
    "slow regex": ('{__name__=~"(.*a){20}.*"}', {}, 200),
    "cartesian": (f"{EVERY} * on() group_left {EVERY}", {}, 422),
    "many steps": (f"max_over_time({EVERY}[1y:1s])", {}, 422),
    "many samples": (f"quantile_over_time(0.5, {EVERY}[1d:100ms])", {}, 422),
    "a year of everything": (EVERY, {"start": -31_536_000, "step": 36_000}, 200),
    "in no time": (f"rate({EVERY}[5m:1s])", {"start": -9_000, "step": 1, "timeout": "1ms"}, 503),
    "far in time": ("up", {"time": "9e15"}, 200),
    "too far in time": ("up", {"time": "9e99"}, 400),
    "a long range": ("up[300y]", {}, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_question_ends_in_words_and_harms_nobody(ops, name):
    query, more, status = HOSTILE[name]
    form, path = {"query": query, **more}, "query"
    if "start" in more:
        now = time.time()
        form |= {"start": now + more["start"], "end": now}
        path = "query_range"
    pid = ops.facts["pid"]
    answer = ops.post(path, **form)
    assert answer.status_code == status, answer.text[:300]
    if status != 200:
        assert answer.json()["status"] == "error"
        assert len(answer.json()["error"]) < 2_000
    assert ops.facts["pid"] == pid
    assert ops.alive()


def test_a_form_of_too_many_fields_is_refused(ops):
    answer = ops.anonymous.post(f"{ops.url}/api/v1/query", content=b"a=1&" * 20_000)
    assert answer.json()["errorType"] == "bad_data"


SLOW = f"sum(quantile_over_time(0.5, {EVERY}[2m:1s]))"


def test_a_client_that_leaves_ends_its_question(ops):
    host, _, port = ops.url.partition("//")[2].partition(":")
    now = time.time()
    form = httpx.QueryParams(query=SLOW, start=now - 600, end=now, step=1)
    head = f"GET /api/v1/query_range?{form} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(30):
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(head)
            time.sleep(0.02)
    began = time.monotonic()
    assert ops.alive()
    assert time.monotonic() - began < 20, "the questions of those who left went on"


def test_a_client_that_leaves_amid_its_body_is_no_fault(ops):
    host, _, port = ops.url.partition("//")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(
            b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nquery="
        )
        time.sleep(0.2)
    assert ops.alive()
    log = (ops.directory / "logs" / "ops.log").read_text()
    assert "metrics.fault" not in log
    assert "Exception in ASGI" not in log


# ── At a terminal ────────────────────────────────────────────────────────────────────────────


def test_a_question_at_a_terminal_is_answered_as_a_table(ops):
    status, out, err = cli("query", "up", data_dir=ops.directory)
    assert status == 0, err
    assert out.count('up{instance="127.0.0.1:') >= len(JOBS)
    assert all(job in out for job in JOBS)
    assert cli("query", "1 + 1", data_dir=ops.directory)[1] == "2\n"
    assert cli("query", '"text"', data_dir=ops.directory)[1] == "text\n"
    status, out, err = cli("query", "nothing", data_dir=ops.directory)
    assert (status, "No series" in out + err) == (0, True)


def test_a_range_at_a_terminal_is_a_chart(ops):
    ops.write(batch("stairs", list(range(60))))
    status, out, err = cli(
        "query", "stairs", "--from", "-50s", "--step", "1s", data_dir=ops.directory
    )
    assert status == 0, err
    assert "▁" in out
    assert "█" in out
    assert "a step of 1s" in err
    for words in (
        ["stairs[1m]"],
        ["stairs", "--from", "-1h", "--to", "now"],
        ["1", "--from", "-1h"],
    ):
        status, out, err = cli("query", *words, data_dir=ops.directory)
        assert (status, bool(out)) == (0, True), err


def test_a_script_gets_json_and_notes_go_beside_it(ops):
    status, out, err = cli("query", "up", "--json", data_dir=ops.directory)
    assert (status, json.loads(out)["resultType"]) == (0, "vector"), err
    status, out, err = cli("query", "quantile(2, up)", data_dir=ops.directory)
    assert "quantile" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sum("], "1:5"),
        (["up", "--at", "yesterday"], "RFC 3339"),
        (["up", "--to", "now"], "--from"),
        (["up", "--at", "now", "--from", "-1h"], "leave one out"),
        (["up", "--from", "now", "--to", "-1h"], "swap"),
        (["up", "--from", "-1h", "--step", "0s"], "positive"),
        ([MANY], "match"),
    ],
)
def test_a_mistake_at_a_terminal_is_said(ops, words, said):
    status, out, err = cli("query", *words, data_dir=ops.directory)
    assert (status, out) == (1, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err


# ── Bad days ─────────────────────────────────────────────────────────────────────────────────


REPLAYED = """
groups:
- name: own
  interval: 1s
  rules:
  - {alert: Gone, expr: 'up{job=~".*runner.*"} == 0', for: 2s, labels: {severity: P1}}
  - {alert: There, expr: 'up == 1', for: 2s, labels: {severity: PX}}
"""
ROUTES = """
route: {receiver: pager, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: pager, pagerduty_configs: [{routing_key: k}]}]
"""
ROSTER = """
from: 2026-01-01T00:00:00Z
users: [{id: ada, name: Ada, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}]
schedules: []
escalation_policies:
- name: all
  escalation_rules:
  - {escalation_delay_in_minutes: 15, targets: [{type: user_reference, id: ada}]}
escalation_matrix: [{severity: P1, escalation_policy: all}]
"""


def test_a_replay_of_the_labs_own_record_says_truly_who_was_woken(ops, tmp_path):
    until(lambda: len(ops.vector('count_over_time(up{job=~".*runner.*"}[1m]) > 5')) == 1)
    (tmp_path / "rules.yml").write_text(REPLAYED)
    (tmp_path / "routes.yml").write_text(ROUTES)
    (tmp_path / "roster.yml").write_text(ROSTER)
    names = {"--rules": "rules.yml", "--routes": "routes.yml", "--roster": "roster.yml"}
    files = [word for option, name in names.items() for word in (option, str(tmp_path / name))]
    given = ("replay", "--from", "-1m", *files, "--json")
    status, out, err = cli(*given, data_dir=ops.directory)
    assert status == 0, err
    found = json.loads(out)
    assert (found["woken"], found["never_fired"]) == ([], ["Gone"])
    assert {one["alert"] for one in found["alerts"]} == {"There"}
    (tmp_path / "rules.yml").write_text(REPLAYED.replace("PX", "P1"))
    woken = json.loads(cli(*given, data_dir=ops.directory)[1])["woken"]
    assert [(one["name"], one["alerts"]) for one in woken] == [("Ada", ["There"])]


def test_a_killed_ops_is_started_again_with_all_that_it_acknowledged(ops):
    before = ops.facts["pid"]
    acknowledged, ended = [], threading.Event()

    def write():
        number = 0
        while not ended.is_set():
            number += 1
            try:
                if ops.write(batch("kept", [number], n=str(number))).status_code == 204:
                    acknowledged.append(number)
            except httpx.HTTPError:
                time.sleep(0.05)
            except (OSError, ValueError):  # its file is gone, or not whole yet
                time.sleep(0.05)

    writing = threading.Thread(target=write)
    writing.start()
    until(lambda: len(acknowledged) > 30)
    os.kill(before, signal.SIGKILL)
    count = len(acknowledged)

    def back():
        try:
            return ops.facts["pid"] != before and ops.alive()
        except (OSError, ValueError, httpx.HTTPError):
            return False

    until(back)
    until(lambda: len(acknowledged) > count + 10)
    ended.set()
    writing.join()
    held = set(ops.vector("last_over_time(kept[10m])").values())
    assert held >= {str(number) for number in acknowledged}
    until(lambda: {job for _, job in ops.vector("up == 1")} >= JOBS)


@contextmanager
def alone(directory, before=None, **settings):
    """`lab ops` by itself: the process, and what it says."""
    said = directory.parent / f"{directory.name}.said"
    with said.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "llm_research_lab", "ops", "--data-dir", str(directory)],
            env={**os.environ, **ANY_PORTS, **QUICK, **settings},
            stdout=out,
            stderr=out,
            preexec_fn=before,  # noqa: PLW1509 - before any thread but the main one
        )
    try:
        yield process, said
    finally:
        process.terminate()
        process.wait(30)


def served_alone(process, directory, said):
    file = directory / "run" / "ops.json"

    def there():
        assert process.poll() is None, said.read_text()
        return file.exists()

    until(there)
    return Ops(directory)


FULL_BYTES = 2_000_000
"""Below the metrics' log after some hundred writes, above a new database."""


def test_a_full_disk_is_said_and_what_was_kept_is_still_answered(tmp_path):
    def small():  # EFBIG is one of the ways in which a disk is full
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, FULL_BYTES))

    directory = tmp_path / "data"
    no_coverage = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
    with alone(directory, small, **no_coverage) as (process, said):
        one = served_alone(process, directory, said)
        now = time.time_ns() // 1_000_000
        assert one.write(batch("first", [1], at=now)).status_code == 204
        chance = np.random.default_rng(1)

        def refused():
            answer = one.write(batch("much", chance.random(3_000), n=str(chance.random())))
            return answer if answer.status_code != 204 else None

        answer = until(refused)
        assert answer.status_code == 503, answer.text
        assert "disk" in answer.text
        until(lambda: "store.unavailable" in said.read_text())
        assert one.vector("first", time=now / 1000) == {(): "1"}
        assert one.alive()
        assert process.poll() is None
    with alone(directory) as (process, said):
        until(lambda: not (directory / "run" / "ops.json").exists() or process.poll() is None)
        one = served_alone(process, directory, said)
        until(lambda: alive_now(one))
        assert one.vector("first", time=now / 1000) == {(): "1"}
        assert one.write(batch("second", [1])).status_code == 204


def alive_now(one):
    try:
        return one.alive()
    except httpx.HTTPError:
        return False


def test_without_a_running_ops_the_store_is_read(tmp_path):
    directory = tmp_path / "data"
    status, _, err = cli("query", "up", data_dir=directory)
    assert (status, "lab up" in err) == (1, True)
    settings = read_settings({"data_dir": directory})
    now = time.time_ns() // 1_000_000
    with open_series(settings, write=True) as store:
        store.append(batch("stairs", [1, 2, 3], at=now))
    at = str(now / 1000)
    assert "stairs" in cli("query", "stairs", "--at", at, data_dir=directory)[1]
    told = json.loads(cli("query", "stairs[1m]", "--at", at, "--json", data_dir=directory)[1])
    assert [value for _, value in told["result"][0]["values"]] == ["1", "2", "3"]
    status, out, _ = cli("query", "stairs", "--from", "-1m", data_dir=directory)
    assert (status, "█" in out or "▄" in out) == (0, True)
    assert cli("query", "sum(", data_dir=directory)[0] == 1
    assert cli("tsdb", "compact", data_dir=directory)[1] == "compacted\n"
    assert cli("tsdb", "snapshot", str(tmp_path / "copy"), data_dir=directory)[0] == 0


CONFIG = """\
global: {{scrape_interval: 1s}}
rule_files: [rules.yml]
remote_write: [{{url: 'http://localhost:1/'}}]
scrape_configs:
  - job_name: mine
    static_configs: [{{targets: ['{address}', 'nobody:1']}}]
    relabel_configs: [{{source_labels: [__address__], regex: 'nobody:1', action: drop}}]
"""


def test_a_configuration_of_ones_own_is_followed_and_what_is_left_of_it_said(tmp_path):
    with exposition() as target:
        target.body = b"mine 5\n"
        file = tmp_path / "prometheus.yml"
        file.write_text(CONFIG.format(address=target.address))
        directory = tmp_path / "data"
        with alone(directory, LAB_METRICS_CONFIG=str(file)) as (process, said):
            one = served_alone(process, directory, said)
            until(lambda: one.vector('mine{job="mine"}'))
            assert one.get("status/config", one.admin).json()["data"]["yaml"] == file.read_text()
            shown = one.get("targets", one.admin).json()["data"]
            assert [one["labels"]["instance"] for one in shown["activeTargets"]] == [target.address]
            (dropped,) = shown["droppedTargets"]
            assert dropped["discoveredLabels"]["__address__"] == "nobody:1"
        lines = [json.loads(line) for line in said.read_text().splitlines() if line[0] == "{"]
        ignored = [line for line in lines if line["event"] == "metrics.config_ignored"]
        assert any("remote_write" in f"{line['where']} {line['why']}" for line in ignored), ignored


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"scrape_configs: [{job_nam: x}]", ["job_nam", "job_name"]),
        (b"global: {scrape_interval: often}", ["scrape_interval", "often"]),
        (b"\xff\xfe", ["UTF-8"]),
        (None, ["prometheus.yml", "No such file"]),
    ],
)
def test_a_configuration_that_cannot_be_followed_keeps_it_from_starting(tmp_path, content, told):
    file = tmp_path / "prometheus.yml"
    if content is not None:
        file.write_bytes(content)
    directory = tmp_path / "data"
    with alone(directory, LAB_METRICS_CONFIG=str(file)) as (process, said):
        assert process.wait(60) == 1
    words = said.read_text()
    assert all(word in words for word in told), words
    assert "Traceback" not in words
    assert not list((directory / "run").glob("*.json"))


def test_a_taken_port_means_the_next_one_and_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        directory = tmp_path / "data"
        with alone(directory, LAB_OPS_PORT=str(port)) as (process, said):
            one = served_alone(process, directory, said)
            assert port < int(one.url.rpartition(":")[2]) < port + 20
    lines = [json.loads(line) for line in said.read_text().splitlines() if line[0] == "{"]
    [line] = [line for line in lines if line["event"] == "process.port_taken"]
    assert (line["of"], line["wanted"]) == ("ops", port)


def test_a_second_writer_of_the_store_is_refused(ops):
    with alone(ops.directory) as (process, said):
        assert process.wait(60) == 1
    assert "Traceback" not in said.read_text()
    assert ops.alive()
