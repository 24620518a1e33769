"""A question at a terminal is put to the `lab ops` that lives; whatever answers, it ends in words."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.servers.prometheus_server import free_port

from llm_research_lab.promql.values import Grid
from llm_research_lab.service.metrics_client import ask, compact, ops_url, snapshot
from llm_research_lab.service.settings import read_settings
from llm_research_lab.vocabulary import InvalidError, UnavailableError

AT = Grid(1_767_225_600_500, 1_767_225_600_500, 0)
OVER = Grid(1_767_225_600_000, 1_767_225_660_000, 15_000)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "admin.key").write_text("lab_key\n")
    return read_settings({"data_dir": tmp_path})


def says(settings, content):
    (settings.data_dir / "run" / "ops.json").write_text(content)


@contextmanager
def ops(settings, status, body):
    """Something that answers so; gives what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append((self.path, form, self.headers["Authorization"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        says(settings, json.dumps({"pid": os.getpid(), "url": url}))
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def test_it_is_found_by_its_run_file_while_it_lives(settings):
    root = settings.data_dir
    assert ops_url(root) is None
    for content in ("{", "{}", '{"pid": 2147483646, "url": "http://x"}', '{"pid": "x"}'):
        says(settings, content)
        assert ops_url(root) is None
    says(settings, json.dumps({"pid": os.getpid(), "url": "http://x"}))
    assert ops_url(root) == "http://x"
    says(settings, json.dumps({"pid": 1, "url": "http://x"}))
    assert ops_url(root) == "http://x", "another user's, too"


def test_it_is_asked_at_one_instant_or_over_a_range_with_the_key(settings):
    with ops(settings, 200, b'{"status": "success", "data": {}}') as asked:
        assert ask(settings, "up", AT) == {"status": "success", "data": {}}
        ask(settings, "up", OVER)
        snapshot(settings, settings.data_dir / "copy")
        compact(settings)
    paths = [path for path, _, _ in asked]
    assert paths == [
        "/api/v1/query",
        "/api/v1/query_range",
        "/api/v1/admin/tsdb/snapshot",
        "/api/v1/admin/tsdb/compact",
    ]
    assert asked[0][1] == "query=up&time=1767225600.5"
    assert asked[1][1] == "query=up&start=1767225600.0&end=1767225660.0&step=15.0"
    assert {key for _, _, key in asked} == {"Bearer lab_key"}


def test_its_refusal_is_the_errors_text(settings):
    body = json.dumps({"status": "error", "errorType": "bad_data", "error": "1:5: broken"})
    with ops(settings, 400, body.encode()), pytest.raises(InvalidError, match="1:5: broken"):
        ask(settings, "sum(", AT)


def test_an_answer_of_something_else_is_said(settings):
    with ops(settings, 502, b"<h1>Bad gateway</h1>"), pytest.raises(InvalidError, match="gateway"):
        ask(settings, "up", AT)


def test_no_answer_is_said(settings):
    says(settings, json.dumps({"pid": os.getpid(), "url": f"http://127.0.0.1:{free_port()}"}))
    with pytest.raises(UnavailableError, match="lab ops at"):
        ask(settings, "up", AT)
