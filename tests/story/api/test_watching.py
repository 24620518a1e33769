"""The process says how it is: to who checks its health, reads its metrics, or its document."""

from __future__ import annotations

import socket
import threading
import time

from tests.servers.api_server import serving

from llm_research_lab.api.application import openapi
from llm_research_lab.api.middleware import Limits


def test_health_needs_no_key_and_ready_says_why_not(api):
    ask = api.stranger().get
    api.reasons[:] = ["the database is locked"]
    assert ask("/healthz/live").json() == {"status": "ok", "reasons": []}
    for check in ("ready", "startup"):
        answer = ask(f"/healthz/{check}")
        assert answer.status_code == 503
        assert answer.json() == {"status": "unavailable", "reasons": ["the database is locked"]}
    api.reasons.clear()
    assert ask("/healthz/ready").status_code == 200
    api.reasons[:] = ["stopping"]
    assert ask("/healthz/ready").status_code == 503
    assert ask("/healthz/startup").status_code == 200
    api.reasons.clear()


def test_a_request_is_counted_once_under_its_template(api):
    def count(method: str, path: str, status: str) -> float:
        labels = {"method": method, "path": path, "status": status}
        return api.registry.get_sample_value("api_request_total", labels) or 0

    client = api.client()
    wanted = ("GET", "/v1/prompts/{name}", "404")
    before, strange = count(*wanted), count("GET", "unmatched", "404")
    client.get("/v1/prompts/nobody-has-this")
    client.get("/v1/prompts/nor-this")
    client.get("/v1/nowhere/at/all")
    assert count(*wanted) == before + 2
    assert count("GET", "unmatched", "404") == strange + 1
    client.request("PROPFIND", "/healthz/live")
    assert count("other", "/healthz/live", "405") == 1
    in_flight = {"method": "GET", "path": "/v1/prompts/{name}"}
    assert api.registry.get_sample_value("api_request_in_flight", in_flight) == 0


def test_the_document_is_the_same_with_and_without_a_lab(api):
    assert api.stranger().get("/v1/openapi.json").json() == openapi()


def test_every_reference_of_the_document_leads_somewhere():
    document = openapi()

    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                yield from walk(one)

    references = set(walk(document))
    assert len(references) > 40
    for reference in references:
        at = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def test_every_operation_says_its_refusals_and_whether_it_wants_a_key():
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            guarded = path.startswith("/v1/") and path != "/v1/openapi.json"
            assert operation["security"] == ([{"key": []}] if guarded else []), path
            wanted = {"400", "405", "413", "414", "421", "422", "431", "500", "503"}
            wanted |= {"401", "403"} if guarded else set()
            wanted |= {"408"} if method == "post" else set()
            wanted |= {"415"} if "requestBody" in operation else set()
            assert wanted <= set(operation["responses"]), (method, path)
            parameters = [one.get("$ref", "") for one in operation["parameters"]]
            assert "#/components/parameters/RequestId" in parameters
            keyed = "#/components/parameters/IdempotencyKey" in parameters
            assert keyed == (method == "post")


def test_a_fault_of_the_lab_is_500_and_tells_nothing_of_the_inside(tmp_path):
    with serving(tmp_path / "lab") as broken:
        client = broken.client()
        assert client.get("/v1/status").status_code == 200

        def drop(connection):
            connection.exec_driver_sql("ALTER TABLE prompts RENAME TO hidden")

        broken.lab.database.write_now(drop)
        answer = client.get("/v1/prompts")
        assert answer.status_code == 500
        assert answer.json()["request_id"] in answer.json()["fix"]
        assert "hidden" not in answer.text
        assert "prompts" not in answer.text
        assert client.get("/healthz/live").status_code == 200


def blocked(api, seconds: float) -> threading.Event:
    """Hold the one writer of the lab's database; the event says when it is held."""
    held = threading.Event()

    def hold(_connection):
        held.set()
        time.sleep(seconds)

    threading.Thread(target=api.lab.database.write_now, args=(hold,), daemon=True).start()
    assert held.wait(5)
    return held


def test_an_answer_that_takes_too_long_is_503_and_may_be_asked_for_again(tmp_path):
    with serving(tmp_path / "lab", Limits(seconds=0.3)) as slow:
        client = slow.client()
        assert client.get("/v1/status").status_code == 200
        blocked(slow, 1.0)
        answer = client.post("/v1/prompts", json={"name": "p", "text": "x"})
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["type"].endswith(":timeout")
        assert client.get("/v1/status").status_code == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_is_counted_as_499(tmp_path):
    with serving(tmp_path / "lab") as left:
        host, port = left.url.removeprefix("http://").split(":")
        head = f"Host: localhost\r\nAuthorization: Bearer {left.admin}\r\nContent-Length: 100"
        with socket.create_connection((host, int(port)), timeout=10) as wire:
            wire.sendall(f"POST /v1/prompts HTTP/1.1\r\n{head}\r\n\r\n{{".encode())
            labels = {"method": "POST", "path": "/v1/prompts"}
            wait(lambda: left.registry.get_sample_value("api_request_in_flight", labels) == 1)
        counted = labels | {"status": "499"}
        wait(lambda: left.registry.get_sample_value("api_request_total", counted) == 1)
        assert left.client().get("/v1/prompts").json()["items"] == []


def wait(until) -> None:
    end = time.monotonic() + 10
    while not until():
        assert time.monotonic() < end
        time.sleep(0.01)
