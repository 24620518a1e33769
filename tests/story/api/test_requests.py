"""A request is read strictly, and every refusal says where, expected, got and fix."""

from __future__ import annotations

import socket

import pytest
from tests.servers.api_server import sow

from llm_research_lab.api.middleware import Limits


def raw(api, text: bytes) -> bytes:
    """Send bytes as they are; what comes back."""
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(text)
        answer = b""
        while part := wire.recv(65536):
            answer += part
        return answer


def test_a_problem_has_all_its_fields_and_the_requests_id(api):
    answer = api.client().get("/v1/experiments/none", headers={"X-Request-ID": "my-id.7"})
    found = answer.json()
    assert answer.headers["X-Request-ID"] == found["request_id"] == "my-id.7"
    assert found["status"] == answer.status_code == 404
    assert found["type"] == "urn:llm-research-lab:problem:not-found"
    for part in ("title", "detail", "where", "expected", "got", "fix"):
        assert found[part]


@pytest.mark.parametrize("given", ["", "a b", "x" * 101, "a\tb"])
def test_an_insane_request_id_is_replaced(api, given):
    answer = api.client().get("/healthz/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in {given, ""}


def test_every_answer_has_the_security_headers_refusals_too(api):
    for path, status in (("/healthz/live", 200), ("/v1/status", 401), ("/x", 404)):
        answer = api.stranger().get(path)
        assert answer.status_code == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "server" not in answer.headers


def test_an_unknown_query_parameter_is_refused_with_the_nearest(api):
    answer = api.client().get("/v1/experiments?limt=3&stauts=queued")
    assert answer.status_code == 422
    assert answer.json()["total"] == 2
    fixes = [one["fix"] for one in answer.json()["findings"]]
    assert fixes == ["did you mean limit?", "did you mean status?"]


def test_where_no_parameter_is_known_none_is_taken(api):
    assert api.stranger().get("/healthz/live?x=1").status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=1",
        "limit=0",
        "limit=501",
        "limit=1.0",
        "limit=+1",
        "limit=1_0",
        "limit=%20 1",
        "limit=",
        "limit=\u0661",
        "cursor=%00",
        "cursor=bm90IG91cnM",
        "owner=../x",
        "status=Queued",
    ],
)
def test_a_query_is_read_in_one_written_form(api, query):
    answer = api.client().get(f"/v1/experiments?{query}")
    assert answer.status_code == 422
    assert answer.json()["where"].startswith("query parameter ")


@pytest.mark.parametrize("query", ["failed=yes", "failed=1", "least=nan", "least=1e999", "most=,1"])
def test_flags_and_numbers_too(api, query):
    made = sow(api)
    answer = api.client().get(f"/v1/experiments/{made['id']}/results?{query}")
    assert answer.status_code == 422


def test_the_audit_trail_is_read_between_two_instants(api):
    client = api.client()
    client.get("/v1/status")
    newest = client.get("/v1/audit?limit=1").json()["items"][0]["timestamp"]
    since = client.get("/v1/audit", params={"since": newest}).json()["items"]
    until = client.get("/v1/audit", params={"until": newest, "limit": 500}).json()["items"]
    assert since
    assert all(one["timestamp"] >= newest for one in since)
    assert all(one["timestamp"] < newest for one in until)
    assert client.get("/v1/audit?since=2026-02-30T00:00:00Z").status_code == 422


def test_another_method_is_405_with_all_that_are_allowed(api):
    answer = api.client().patch("/v1/prompts")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert api.client().put("/v1/keys/x").headers["Allow"] == "DELETE"


def test_head_is_get_without_the_body(api):
    client = api.client()
    head, get = client.head("/v1/prompts"), client.get("/v1/prompts")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert client.head("/v1/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v1/datasets/..", {422}),
        ("/v1/datasets/../../etc/passwd", {404}),
        ("/v1/datasets/..%2f..%2fetc", {404}),
        ("/v1/datasets/a%2Fb", {404}),
        ("/v1/datasets/a%00b", {422}),
        ("/v1/datasets/%ff%fe", {422}),
        ("/v1/datasets/-rf", {422}),
        ("/v1/datasets/" + "x" * 101, {422}),
        ("/v1/datasets/" + "x" * 10_000, {414}),
        ("/v1/experiments/%00", {404}),
        ("/v1/datasets/", {404}),
        ("/v1//datasets", {404}),
    ],
)
def test_a_hostile_path_is_a_problem(api, path, statuses):
    key = f"Authorization: Bearer {api.admin}\r\nHost: localhost\r\nConnection: close"
    answer = raw(api, f"GET {path} HTTP/1.1\r\n{key}\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) in statuses
    assert b"application/problem+json" in head
    assert b'"fix"' in body


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Host: evil.example", 421),
        ("Host: localhost\r\nHost: localhost", 400),
        ("Host: a b", 400),
        ("X: y", 400),
        ("Host: localhost\r\nX: " + "y" * 40_000, 431),
        ("Host: localhost" + "".join(f"\r\nX-{n}: y" for n in range(120)), 431),
        ("Host: localhost\r\nContent-Length: 99999999", 413),
    ],
)
def test_a_head_that_is_over_a_bound_is_refused_before_the_key_is_looked_at(api, head, status):
    answer = raw(api, f"GET /v1/status HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n".encode())
    assert int(answer.split()[1]) == status, answer[:300]
    assert b"application/problem+json" in answer


def test_a_body_that_grows_beyond_its_bound_is_cut_off(api):
    body = iter([b'{"name": "' + b"x" * 500_000] * 4)
    assert api.client().post("/v1/prompts", content=body).status_code == 413


def test_a_dataset_has_a_bound_of_its_own_and_only_a_dataset(tmp_path):
    from tests.servers.api_server import serving

    with serving(tmp_path / "lab", Limits(body_bytes=1000, upload_bytes=5000)) as small:
        client, csv = small.client(), {"Content-Type": "text/csv"}
        rows = b"a\n" + b"x\n" * 1000
        path = "/v1/datasets/small?format=csv"
        assert client.post(path, content=rows, headers=csv).status_code == 201
        assert client.post(path, content=rows * 4, headers=csv).status_code == 413
        assert client.post("/v1/datasets/a/b", content=rows, headers=csv).status_code == 413
        assert client.get("/v1/datasets").json()["items"][0]["rows"] == 1000


def test_a_sender_that_falls_silent_is_408_and_leaves_nothing(tmp_path):
    from tests.servers.api_server import serving

    with serving(tmp_path / "lab", Limits(idle_seconds=0.2)) as hasty:
        head = f"Host: localhost\r\nAuthorization: Bearer {hasty.admin}\r\nContent-Length: 100"
        host, port = hasty.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as wire:
            text = f"POST /v1/datasets/slow?format=csv HTTP/1.1\r\n{head}\r\n\r\na\n1\n"
            wire.sendall(text.encode())
            assert b" 408 " in wire.recv(65536)
        assert hasty.client().get("/v1/datasets").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b'{"name": "a", "name": "b"}', "twice"),
        (b'{"name": NaN}', "JSON"),
        (b'{"name": 1e999}', "JSON"),
        (b'{"name": "\\u0000"}', "NUL"),
        (b'{"name": "\\ud800"}', "JSON"),
        (b'{"name": 9223372036854775808}', "64 bits"),
        (b"[" * 100_000, "JSON"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, "levels"),
        (b"[]", ""),
        (b'{"name": "p", "text": "x", "txet": "y"}', "/txet"),
        (b'{"name": 7, "text": "x"}', "/name"),
        (b'{"name": "p", "text": "x", "messages": []}', ""),
        (b'{"name": "../p", "text": "x"}', "/name"),
        (b'{"name": "p", "text": "{% for a in b %}"}', ""),
    ],
)
def test_a_body_is_strict_json_of_known_fields(api, body, got):
    answer = api.client().post("/v1/prompts", content=body)
    assert answer.status_code == 422
    assert got in answer.text
    assert answer.json()["total"] >= 1


def test_an_unknown_field_is_told_with_the_nearest_at_any_depth(api):
    body = {"name": "m", "provider": "echo", "id": "e", "limits": {"concurency": 1}}
    found = api.client().post("/v1/models", json=body).json()["findings"][0]
    assert (found["where"], found["fix"]) == (
        "/limits/concurency",
        "did you mean concurrency?",
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_of_another_kind_is_415(api, headers):
    answer = api.client().post("/v1/prompts", content=b"{}", headers=headers)
    assert answer.status_code == 415


def test_a_command_without_arguments_takes_no_body(api):
    made = sow(api)
    path = f"/v1/experiments/{made['id']}/pause"
    assert api.client().post(path, json={"now": True}).status_code == 422
    assert api.client().post(path, json={}).json()["status"] == "paused"
