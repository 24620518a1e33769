"""The process says how it is: to who checks its health, reads its metrics, or its document."""

from __future__ import annotations

from llm_research_lab.api.application import openapi


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
    before, strange = count(*wanted), count("GET", "unknown", "404")
    client.get("/v1/prompts/nobody-has-this")
    client.get("/v1/prompts/nor-this")
    client.get("/v1/nowhere/at/all")
    assert count(*wanted) == before + 2
    assert count("GET", "unknown", "404") == strange + 1
    assert count("other", "/healthz/live", "405") == 0
    client.request("BREW", "/healthz/live")
    assert count("other", "/healthz/live", "405") <= 1
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
    from tests.servers.api_server import serving

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
