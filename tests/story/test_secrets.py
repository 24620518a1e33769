"""Planted secrets and a private prompt are found nowhere but where they belong.

A lab at level debug, with every library's voice asked for, runs experiments whose provider's key
comes from the environment or a file, whose calls fail in each way, one repeating the key in its
words; strangers present wrong keys and say secrets in headers, paths and queries. Then all that was
said and written is searched.
"""

from __future__ import annotations

import json

import httpx
import pytest
from tests.servers.bad_days import begin, ended, lab, sow, until
from tests.servers.openai_server import OpenAIServer, Reply, refused_url
from tests.story.conftest import cli

ENV_KEY = "planted#env/key=8c1f"
FILE_KEY = "sk-planted-file-0123456789abcdef"
WRONG_KEY = "lab_" + "WrongKey" * 5 + "abc"
HEADER = "planted-header-4f2a"
COOKIE = "planted-cookie-77d0"
QUERY = "planted-query-91aa"
PRIVATE = "planted private diagnosis 5521"
ROW = "planted row of a patient 6630"

BELONGS = {"lab.db", "lab.db-wal", "lab.db-shm", "objects"}
"""Where prompts, rows and answers are kept; keys of the lab only as digests, even there."""


def repeats(key):
    """A server's failure that says the key that it was sent."""
    said = {"error": {"message": f"Incorrect API key provided: {key}. Authorization: Bearer {key}"}}
    return json.dumps(said).encode()


FAILURES = {
    "answers": [Reply(text=f"I know {PRIVATE}")],
    "401": [Reply(status=401, body=repeats(ENV_KEY))],
    "400": [Reply(status=400, body=repeats(FILE_KEY))],
    "429": [Reply(status=429, headers=(("X-Echo", ENV_KEY),))],
    "500": [Reply(status=500, body=repeats(ENV_KEY))],
    "garbage": [Reply(body=f"<html>{ENV_KEY} {FILE_KEY}</html>".encode())],
    "no http": [Reply(raw=f"Bearer {ENV_KEY}\r\n\r\n".encode())],
    "cut": [Reply(cut=10)],
    "slow": [Reply(delay_ms=30_000)],
}

LEVELS = "sqlalchemy=debug,sqlalchemy.engine=debug,httpx=debug,httpcore=debug,uvicorn=debug"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """All that the lab and its clients said, by where: (place, bytes)."""
    root = tmp_path_factory.mktemp("secrets") / "data"
    key_file = root.parent / "provider.key"
    key_file.write_text(FILE_KEY + "\n")
    settings = {
        "PLANTED_KEY": ENV_KEY,
        "LAB_LOG_LEVEL": "debug",
        "LAB_LOG_LEVELS": LEVELS,
        "LAB_TRACE_RATIO": "1",
    }
    said: list[tuple[str, bytes]] = []
    with lab(root, **settings) as one:
        with one.client() as client:
            keys = [make_key(client, n) for n in range(2)]
            experiments = run_all(client, key_file)
            said += [(f"experiment {name}", text) for name, text in experiments]
        said += [(f"answer {n}", text) for n, text in enumerate(strangers(one.url()))]
        said += [("cli", text) for text in commands(root, experiments, keys[0])]
        for name in ("api", "runner"):
            [facts] = [json.loads(f.read_text()) for f in (root / "run").glob(f"{name}*.json")]
            for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
                scraped = httpx.get(
                    facts["metrics_url"], headers={"Accept": accept}, trust_env=False
                )
                said.append((f"metrics of {name}", scraped.content))
        said += [(file.name, file.read_bytes()) for file in (root / "run").iterdir()]
        until(lambda: any((root / "traces").iterdir()))
    said.append(("stdout and stderr", one.said.read_bytes()))
    for file in root.rglob("*"):
        place = file.relative_to(root).parts
        if file.is_file() and place[0] != "keys":
            said.append(("/".join(place), file.read_bytes()))
    admin = (root / "keys" / "admin.key").read_text().strip()
    return said, [admin, *keys]


def make_key(client, number):
    body = {"name": f"k{number}", "user": "ann", "role": "researcher"}
    return client.post("/v1/keys", json=body).json()["secret"]


def run_all(client, key_file):
    """An experiment for each way of failing: what the API says of it, results apart."""
    found = []
    references = (f"file:{key_file}", "env:PLANTED_KEY", "env:NOT_PLANTED")
    for number, (name, replies) in enumerate(FAILURES.items()):
        with OpenAIServer(*replies) as server:
            secret = references[0] if name in {"400", "answers"} else references[1]
            found.append(run(client, f"s{number}", server.url, secret))
            if name == "answers":
                assert server.requests[0].headers["authorization"] == f"Bearer {FILE_KEY}"
            if name == "401":
                assert server.requests[0].headers["authorization"] == f"Bearer {ENV_KEY}"
    found.append(run(client, "nobody", refused_url(), references[1]))
    found.append(run(client, "missing", refused_url(), references[2]))
    return found


def run(client, name, url, secret):
    entry = {
        "provider": "openai",
        "id": "scripted",
        "base_url": url,
        "secret": secret,
        "limits": {"attempts": 1, "timeout_seconds": 0.5},
    }
    body = sow(client, name, 1, entry)
    rows = json.dumps({"text": ROW}).encode() + b"\n"
    headers = {"Content-Type": "application/x-ndjson"}
    client.post(f"/v1/datasets/{name}-rows?format=jsonl", content=rows, headers=headers)
    prompt = {"name": f"{name}-prompt", "text": PRIVATE + " {{ text }}"}
    assert client.post("/v1/prompts", json=prompt).status_code == 201
    body |= {"dataset": f"{name}-rows", "prompt": f"{name}-prompt"}
    experiment = ended(client, begin(client, body))
    return experiment["id"], client.get(f"/v1/experiments/{experiment['id']}").content


def strangers(url):
    """Wrong keys and secrets said in every part of a request: what is answered."""
    secrets = {
        "X-Api-Key": HEADER,
        "Cookie": f"session={COOKIE}",
        "X-Request-ID": f"{HEADER} is no id",
    }
    for authorization in (
        f"Bearer {WRONG_KEY}",
        f"Basic {HEADER}",
        WRONG_KEY,
        f"Bearer {HEADER} {WRONG_KEY}",
    ):
        headers = {**secrets, "Authorization": authorization}
        for method, path in (
            ("GET", f"/v1/status?token={QUERY}"),
            ("POST", f"/v1/prompts?key={QUERY}"),
            ("DELETE", f"/v1/keys/{WRONG_KEY}"),
        ):
            answer = httpx.request(
                method, f"{url}{path}", headers=headers, content=b"{", trust_env=False
            )
            assert answer.status_code == 401
            yield answer.content + repr(answer.headers).encode()


def commands(root, experiments, key):
    """What a person reads at the terminal, all but the results themselves."""
    for words in (
        ("status",),
        ("experiment", "list"),
        *(("experiment", "show", id_) for id_, _ in experiments[:3]),
        *(("story", id_) for id_, _ in experiments[:3]),
        *(("story", id_, "--json") for id_, _ in experiments[:3]),
        ("trace", "--slowest"),
        ("audit",),
        ("key", "list"),
        ("model", "list"),
        ("model", "add", "--provider", "openai", "--secret", FILE_KEY),
    ):
        _, out, err = cli(*words, data_dir=root)
        if "add" not in words:  # which repeats a mistake of the person's own
            yield (out + err).encode()


def found_in(said, secret):
    """Where the secret is, as it is or as JSON has it."""
    forms = {secret.encode(), json.dumps(secret)[1:-1].encode()}
    return sorted({place for place, text in said if any(form in text for form in forms)})


def elsewhere(places):
    return [place for place in places if place.partition("/")[0] not in BELONGS]


@pytest.mark.parametrize("secret", [ENV_KEY, FILE_KEY])
def test_a_providers_key_is_nowhere(searched, secret):
    assert found_in(searched[0], secret) == []


def test_a_key_of_the_lab_is_nowhere_but_in_the_answer_that_made_it(searched):
    said, keys = searched
    assert all(len(key) == len(WRONG_KEY) for key in keys)
    assert [found_in(said, key) for key in keys] == [[], [], []]


def test_a_wrong_key_is_nowhere_though_it_was_asked_for_as_a_path(searched):
    assert found_in(searched[0], WRONG_KEY) == []


@pytest.mark.parametrize("secret", [HEADER, COOKIE, QUERY])
def test_what_a_request_carries_besides_is_nowhere(searched, secret):
    assert found_in(searched[0], secret) == []


@pytest.mark.parametrize("private", [PRIVATE, ROW])
def test_prompts_rows_and_answers_are_in_the_stores_alone(searched, private):
    places = found_in(searched[0], private)
    assert "lab.db" in places or "lab.db-wal" in places
    assert elsewhere(places) == []


def test_the_search_would_find_them(searched):
    said, _ = searched
    places = {place for place, _ in said}
    logs = b"".join(text for place, text in said if place.startswith("logs/"))
    assert {"logs/api.log", "logs/runner.log", "stdout and stderr"} <= places
    assert any(place.startswith("traces/") for place in places)
    assert b"INSERT INTO" in logs  # it was as loud as it can be
    assert b"HTTP Request: POST" in logs
    assert len(logs.splitlines()) > 100
    assert found_in(said, "llm-research-lab-api")
