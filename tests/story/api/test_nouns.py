"""Each noun is made, read, listed by pages, and done once under an Idempotency-Key."""

from __future__ import annotations

import pytest
from tests.servers.api_server import EXPERIMENT, examples, sow

CSV = {"Content-Type": "text/csv"}


def test_every_example_of_the_document_is_taken(api):
    client, document = api.client(), api.stranger().get("/v1/openapi.json").json()
    bodies = document["paths"]["/v1/datasets/{name}"]["post"]["requestBody"]["content"]
    for media_type, shown in bodies.items():
        kind = (
            "csv"
            if "," in shown["example"].partition("\n")[0] and "{" not in shown["example"]
            else "jsonl"
        )
        sent = client.post(
            f"/v1/datasets/capitals?format={kind}",
            content=shown["example"],
            headers={"Content-Type": media_type},
        )
        assert sent.status_code in {200, 201}, sent.text
    for path in ("/v1/prompts", "/v1/models", "/v1/experiments", "/v1/keys"):
        for body in examples(document, path):
            made = client.post(path, json=body)
            assert made.status_code in {200, 201}, (path, made.text)


def test_the_same_rows_are_the_same_version_in_either_format(api):
    client = api.client()
    path = "/v1/datasets/same"
    first = client.post(f"{path}?format=csv", content=b"a,b\nx,y\n", headers=CSV)
    lines = b'{"a": "x", "b": "y"}\n'
    second = client.post(f"{path}?format=jsonl", content=lines)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert client.get(path).json() == client.get(f"{path}?owner=admin&version=v1").json()
    assert client.get(f"{path}?version=v2").status_code == 404
    assert client.get(f"{path}?owner=nobody").status_code == 404


def test_rows_are_shown_by_offset(api):
    client = api.client()
    rows = b"n\n" + b"".join(b"%d\n" % n for n in range(10))
    client.post("/v1/datasets/ten?format=csv", content=rows, headers=CSV)
    page = client.get("/v1/datasets/ten/rows?offset=3&limit=2").json()
    assert page == {"items": [{"n": 3}, {"n": 4}], "next_cursor": "5"}
    assert client.get("/v1/datasets/ten/rows?offset=10").json() == {
        "items": [],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("format_", "body", "where"),
    [
        ("csv", b"a,b\n1,2\n3\n", "line 3"),
        ("csv", b'a\n"open', "line"),
        ("csv", b"a,a\n1,2\n", "line 1"),
        ("csv", b"", ""),
        ("csv", b"a\n\xff\n", ""),
        ("jsonl", b'{"a": NaN}\n', "line 1"),
        ("jsonl", b'{"a": 1, "a": 2}\n', "line 1"),
        ("jsonl", b"[1]\n", "line 1"),
    ],
)
def test_of_a_bad_file_nothing_is_stored_and_every_finding_has_its_place(api, format_, body, where):
    client = api.client()
    answer = client.post(f"/v1/datasets/bad?format={format_}", content=body)
    found = answer.json()
    assert answer.status_code == 422
    assert found["total"] >= 1
    assert where in found["findings"][0]["where"]
    assert client.get("/v1/datasets/bad").status_code == 404


def test_a_schema_is_held_to_and_told_wrong(api):
    client = api.client()
    schema = '{"columns": [{"name": "n", "type": "integer", "nullable": false}]}'
    good = {"format": "csv", "schema": schema}
    made = client.post("/v1/datasets/typed", params=good, content=b"n\n1\n", headers=CSV)
    assert made.json()["schema"]["columns"][0]["type"] == "integer"
    refused = client.post("/v1/datasets/typed", params=good, content=b"n\nx\n", headers=CSV)
    assert refused.status_code == 422
    for text in ("{", "[]", '{"columns": []}', '{"columns": 1, "columns": 2}'):
        query = {"format": "csv", "schema": text}
        answer = client.post("/v1/datasets/typed", params=query, content=b"n\n1\n", headers=CSV)
        assert answer.status_code == 422, text


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [("csv", "application/x-ndjson"), ("jsonl", "text/csv"), ("csv", "multipart/form-data")],
)
def test_a_dataset_of_another_media_type_is_415(api, format_, media_type):
    headers = {"Content-Type": media_type}
    path = f"/v1/datasets/typed?format={format_}"
    assert api.client().post(path, content=b"a\n1\n", headers=headers).status_code == 415


def test_a_media_types_other_parameters_are_let_be(api):
    headers = {"Content-Type": "text/csv; header=present; charset=UTF-8"}
    path = "/v1/datasets/parameters?format=csv"
    assert api.client().post(path, content=b"a\n1\n", headers=headers).status_code == 201


def test_pages_hold_every_item_once(api):
    client = api.client(api.key("researcher", "pager"))
    for n in range(7):
        client.post("/v1/prompts", json={"name": "many", "text": f"number {n}"})
    found, cursor = [], None
    while True:
        query = {"owner": "pager", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/prompts", params=query).json()
        found += [one["version"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"v{n}" for n in range(7, 0, -1)]
    mixed = client.get("/v1/prompts", params={"cursor": "W10", "limit": 3})
    assert mixed.status_code == 422


def test_an_experiment_is_followed_and_moved(api):
    client, made = api.client(), sow(api)
    path = f"/v1/experiments/{made['id']}"
    assert client.get(path).json() == made
    assert client.get(f"{path}/results").json() == {"items": [], "next_cursor": None}
    assert client.get(f"{path}/results?sort=-contains&least=0.5&cached=false").status_code == 200
    assert client.get(f"{path}/results?sort=unknown").status_code == 422
    assert client.post(f"{path}/pause").json()["status"] == "paused"
    assert client.post(f"{path}/pause").status_code == 409
    assert client.post(f"{path}/resume").status_code == 200
    assert client.post(f"{path}/cancel").json()["status"] == "cancelled"
    assert client.post(f"{path}/resume").status_code == 409
    assert client.get("/v1/experiments?status=cancelled").json()["items"][0]["id"] == made["id"]
    assert client.get("/v1/comparisons", params={"a": made["id"], "b": "exp_x"}).status_code == 404


def test_a_retry_is_for_what_has_ended(api):
    made = sow(api)
    assert api.client().post(f"/v1/experiments/{made['id']}/retry").status_code == 409


def test_two_ended_experiments_are_compared(api):
    client, a, b = api.client(), sow(api), sow(api)
    running = client.get("/v1/comparisons", params={"a": a["id"], "b": b["id"]})
    assert running.status_code == 409
    for one in (a, b):
        client.post(f"/v1/experiments/{one['id']}/cancel")
    found = client.get("/v1/comparisons", params={"a": a["id"], "b": b["id"]})
    assert found.status_code == 200
    assert found.json()["a"]["id"] == a["id"]


def test_a_post_with_a_key_is_done_once_and_answered_alike(api):
    client = api.client()
    sow(api)
    once = {"Idempotency-Key": "run-once-1"}
    first = client.post("/v1/experiments", json=EXPERIMENT, headers=once)
    again = client.post("/v1/experiments", json=EXPERIMENT, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    other = client.post("/v1/experiments", json=EXPERIMENT | {"name": "other"}, headers=once)
    assert other.status_code == 422
    assert other.json()["where"] == "header Idempotency-Key"
    elsewhere = client.post("/v1/prompts", json={"name": "p", "text": "x"}, headers=once)
    assert elsewhere.status_code == 422


def test_an_upload_with_a_key_is_done_once_and_its_body_counts(api):
    client, once = api.client(), {"Idempotency-Key": "upload-1", **CSV}
    path = "/v1/datasets/once?format=csv"
    first = client.post(path, content=b"a\n1\n", headers=once)
    assert client.post(path, content=b"a\n1\n", headers=once).content == first.content
    assert client.post(path, content=b"a\n2\n", headers=once).status_code == 422
    assert client.get("/v1/datasets/once").json()["version"] == "v1"


def test_a_keys_secret_is_not_told_again(api):
    body = {"name": "laptop", "user": "eve", "role": "viewer"}
    once = {"Idempotency-Key": "key-once-1"}
    first = api.client().post("/v1/keys", json=body, headers=once).json()
    again = api.client().post("/v1/keys", json=body, headers=once).json()
    assert first["secret"].startswith("lab_")
    assert again == first | {"secret": None}
    assert first["secret"] not in api.client().get("/v1/keys").text


@pytest.mark.parametrize("given", ["", "a b", "x" * 256])
def test_an_idempotency_key_is_visible_ascii(api, given):
    answer = api.client().post(
        "/v1/prompts", json={"name": "p", "text": "x"}, headers={"Idempotency-Key": given}
    )
    assert answer.status_code == 422


def test_two_idempotency_keys_are_none(api):
    both = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    answer = api.client().post("/v1/prompts", json={"name": "p", "text": "x"}, headers=both)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("noun", "body"),
    [
        ("prompts", {"name": "thing", "text": "Hello {{ name }}"}),
        ("models", {"name": "thing", "provider": "echo", "id": "echo"}),
    ],
)
def test_the_same_content_is_the_same_version_and_other_content_the_next(api, noun, body):
    client = api.client(api.key("researcher", f"of-{noun}"))
    path, other = f"/v1/{noun}", body | ({"text": "Bye"} if noun == "prompts" else {"id": "more"})
    first, again, second = (client.post(path, json=one) for one in (body, body, other))
    assert [one.status_code for one in (first, again, second)] == [201, 200, 201]
    assert first.json() == again.json() == client.get(f"{path}/thing?version=v1").json()
    assert second.json() == client.get(f"{path}/thing").json()
    assert second.json()["version"] == "v2"
    listed = client.get(path, params={"owner": f"of-{noun}"}).json()
    assert listed == {"items": [second.json(), first.json()], "next_cursor": None}
    assert client.get(f"{path}/other").status_code == 404
