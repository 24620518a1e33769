"""Nobody is served unknown, or beyond what the key's role holds."""

from __future__ import annotations

import pytest

GUARDED = [
    ("GET", "/v1/prompts"),
    ("GET", "/v1"),
    ("GET", "/v1/nowhere"),
    ("PATCH", "/v1/prompts"),
    ("GET", "/v1/prompts?limt=1"),
    ("GET", "/v1/prompts/NOT-A-NAME"),
    ("POST", "/v1/prompts"),
    ("POST", "/v1/datasets/x?format=parquet"),
    ("GET", "/v1/openapi.json/"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_key_everything_of_v1_is_401_before_anything_else(api, method, path):
    answer = api.stranger().request(method, path, content=b"not json")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["got"] == "no key"


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ("Bearer nonsense", "a text that is not a key"),
        ("Bearer", "a text that is not a key"),
        ("Basic YTpi", "a text that is not a key"),
        ("Bearer lab_" + "A" * 43, "an unknown key"),
        ("", "a text that is not a key"),
    ],
)
def test_a_key_that_is_none_of_ours_is_401_and_says_why(api, given, got):
    answer = api.stranger().get("/v1/status", headers={"Authorization": given})
    assert (answer.status_code, answer.json()["got"]) == (401, got)


def test_two_keys_are_none(api):
    both = [("Authorization", f"Bearer {api.admin}"), ("Authorization", f"Bearer {api.admin}")]
    assert api.stranger().get("/v1/status", headers=both).status_code == 401


def test_the_scheme_is_read_in_any_case(api):
    answer = api.stranger().get("/v1/status", headers={"Authorization": f"bEARER {api.admin}"})
    assert answer.status_code == 200


def test_a_refusal_is_in_the_audit_trail_with_its_address_and_agent(api):
    api.stranger().get("/v1/secret-place", headers={"User-Agent": "burglar"})
    filters = {"action": "access_denied", "limit": 1}
    entry = api.client().get("/v1/audit", params=filters).json()["items"][0]
    assert entry["resource_id"] == "/v1/secret-place"
    assert (entry["source_ip"], entry["user_agent"]) == ("127.0.0.1", "burglar")
    assert entry["user_id"] == "unknown"


def test_a_revoked_key_opens_nothing_from_the_next_request_on(api):
    admin = api.client()
    made = admin.post("/v1/keys", json={"name": "old", "user": "bob", "role": "viewer"}).json()
    client = api.client(made["secret"])
    assert client.get("/v1/status").status_code == 200
    gone = admin.delete(f"/v1/keys/{made['id']}")
    assert gone.status_code == 200
    assert gone.json()["revoked_at"] is not None
    assert admin.delete(f"/v1/keys/{made['id']}").json() == gone.json()
    assert client.get("/v1/status").json()["got"] == "a revoked key"


WRITES = [
    ("POST", "/v1/prompts", {"name": "p", "text": "hello"}),
    ("POST", "/v1/models", {"name": "m", "provider": "echo", "id": "echo"}),
]
ADMINS = [
    ("GET", "/v1/keys", None),
    ("POST", "/v1/keys", {"name": "k", "user": "u", "role": "viewer"}),
    ("DELETE", "/v1/keys/key_x", None),
    ("GET", "/v1/audit", None),
]


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [("viewer", [], [*WRITES, *ADMINS]), ("researcher", WRITES, ADMINS)],
)
def test_a_role_does_what_it_holds_and_no_more(api, role, allowed, denied):
    client = api.client(api.key(role, f"{role}-user"))
    assert client.get("/v1/experiments").status_code == 200
    for method, path, body in allowed:
        assert client.request(method, path, json=body).status_code == 201
    for method, path, body in denied:
        answer = client.request(method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "needs" in answer.json()["got"]


def test_another_users_experiment_is_moved_by_its_owner_or_an_admin_alone(api):
    from tests.servers.api_server import sow

    made = sow(api, "owner-one")
    other = api.client(api.key("researcher", "other-one"))
    refused = other.post(f"/v1/experiments/{made['id']}/cancel")
    assert refused.status_code == 403
    done = api.client().post(f"/v1/experiments/{made['id']}/cancel")
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")
    assert done.json()["reason"] == "cancelled by admin"
