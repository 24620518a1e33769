"""A lab's API on a loopback port, in this process: the real server, sockets, store and files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from llm_research_lab.api.application import make_app
from llm_research_lab.api.middleware import Limits
from llm_research_lab.commands.keys import ensure_admin_key
from llm_research_lab.commands.lab import Lab
from llm_research_lab.security import digest_of
from llm_research_lab.service.ids import new_id
from llm_research_lab.service.protocol import Protocol
from llm_research_lab.storage.directory import DataDirectory
from llm_research_lab.storage.objects import FileObjects
from llm_research_lab.storage.relational import Database, keys
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import Instruments
from llm_research_lab.telemetry.tracing import OFF, Tracer

EXPERIMENT = {
    "name": "capitals",
    "dataset": "capitals",
    "prompt": "ask-capital",
    "model": "parrot",
    "evaluators": [{"kind": "contains", "target": "{{ capital }}"}],
}


@dataclass
class ServedApi:
    """A lab that is served: where, by which keys, and what it says of its readiness."""

    lab: Lab
    url: str
    admin: str
    registry: CollectorRegistry
    reasons: list[str] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with the admin's key, or with the one given."""
        headers = {"Authorization": f"Bearer {self.admin if key is None else key}"}
        made = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=20)
        self.clients.append(made)
        return made

    def stranger(self) -> httpx.Client:
        """A client without a key."""
        made = httpx.Client(base_url=self.url, trust_env=False, timeout=20)
        self.clients.append(made)
        return made

    def key_id(self, key: str) -> str:
        """The id of a key."""
        row = self.lab.database.read_now(lambda c: keys.by_digest(c, digest_of(key)))
        assert row is not None
        return row.id

    def key(self, role: str, user: str = "ann") -> str:
        """A new key."""
        body = {"name": f"{user} {role}", "user": user, "role": role}
        return self.client().post("/v1/keys", json=body).json()["secret"]


@contextmanager
def serving(root: Path, limits: Limits | None = None, tracer: Tracer = OFF) -> Iterator[ServedApi]:
    """Serve a new lab in the directory."""
    directory = DataDirectory.open(root)
    registry = CollectorRegistry()
    instruments = Instruments.of(declaration(), "api", registry, strict=True)
    database = Database.open(directory.database, rest_seconds=0.0, instruments=instruments)
    objects = FileObjects(directory.objects, directory.tmp)
    lab = Lab(
        directory,
        database,
        objects,
        lambda: time.time_ns() // 1_000_000,
        new_id,
        tracer=tracer,
        instruments=instruments,
    )
    ensure_admin_key(lab)
    served = ServedApi(lab, "", directory.admin_key.read_text().strip(), registry)
    app = make_app(lab, limits=limits or Limits(), ready=lambda: list(served.reasons))
    config = uvicorn.Config(
        app,
        port=0,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        served.url = f"http://127.0.0.1:{port}"
        yield served
    finally:
        for client in served.clients:
            client.close()
        server.should_exit = True
        thread.join(timeout=10)
        database.close()


def sow(api: ServedApi, user: str = "admin") -> dict[str, Any]:
    """Make what the document's examples name, as the user's own, and an experiment on it."""
    client = api.client(api.admin if user == "admin" else api.key("researcher", user))
    rows = "country,capital\nFrance,Paris\nJapan,Tokyo\n"
    sent = client.post(
        "/v1/datasets/capitals?format=csv", content=rows, headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code in {200, 201}, sent.text
    for path, body in (
        ("/v1/prompts", {"name": "ask-capital", "text": "What is the capital of {{ country }}?"}),
        ("/v1/models", {"name": "parrot", "provider": "echo", "id": "echo"}),
    ):
        assert client.post(path, json=body).status_code in {200, 201}
    made = client.post("/v1/experiments", json=EXPERIMENT)
    assert made.status_code == 201, made.text
    return made.json()


def examples(document: dict[str, Any], path: str) -> list[Any]:
    """The whole bodies that the document shows for a POST."""
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return [one["value"] for one in content["examples"].values()]
