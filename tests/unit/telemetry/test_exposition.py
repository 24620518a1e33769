"""Metrics are served on a port of their own, in the format and encoding that is asked for."""

from __future__ import annotations

import gzip
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open

from llm_research_lab.telemetry.exposition import PORTS_TRIED, baked, expose
from llm_research_lab.vocabulary import UnavailableError

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.fixture
def registry():
    made = CollectorRegistry()
    Counter("things_total", "Things.", registry=made).inc()
    return made


@pytest.fixture
def served(registry):
    one = expose(registry, "127.0.0.1", 0)
    yield one
    one.close()


def test_prometheus_gets_openmetrics_and_a_person_text(served):
    asked = httpx.get(served.url, headers={"Accept": PROMETHEUS})
    assert asked.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert [one.name for one in read_open(asked.text)] == ["things"]
    plain = httpx.get(served.url)
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "things_total 1\n" in plain.text
    assert "server" not in plain.headers


def test_gzip_comes_to_whoever_takes_it(registry):
    body, headers = baked(registry, "", "deflate, gzip;q=0.5")
    assert headers["Content-Encoding"] == "gzip"
    assert b"things_total 1" in gzip.decompress(body)
    for refused in ("", "identity", "gzip;q=0", "gzip; q=0.0"):
        assert "Content-Encoding" not in baked(registry, "", refused)[1]


def test_head_has_no_body_and_another_path_is_not_there(served):
    assert httpx.head(served.url).headers["Content-Length"] != "0"
    assert httpx.get(served.url + "?x=1").status_code == 200
    assert httpx.get(served.url.replace("/metrics", "/")).status_code == 404


def test_a_taken_port_means_the_next_free_one(registry, served):
    other = expose(registry, "127.0.0.1", served.port)
    try:
        assert other.port > served.port
        assert httpx.get(other.url).status_code == 200
    finally:
        other.close()


def test_after_so_many_taken_ports_it_gives_up(registry):
    held = socket.create_server(("127.0.0.1", 0))
    try:
        if held.getsockname()[1] + PORTS_TRIED > 65_535:
            pytest.skip("the port is among the last")
        with pytest.raises(OSError, match=r"."):
            expose(registry, "192.0.2.1", 0)
        with pytest.raises(UnavailableError):
            expose(registry, "127.0.0.1", 65_536)
    finally:
        held.close()


def test_a_closed_exposition_frees_its_port(registry):
    one = expose(registry, "127.0.0.1", 0)
    httpx.get(one.url)
    one.close()
    again = expose(registry, "127.0.0.1", one.port)
    assert again.port == one.port
    again.close()
    assert one.url.endswith("/metrics")
