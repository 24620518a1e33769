"""A lab over a kind of store, and what users do to it."""

from __future__ import annotations

from itertools import count
from typing import Any

import orjson
from sqlalchemy import func, select

from llm_research_lab.commands import (
    audit,
    datasets,
    experiments,
    model_entries,
    prompts,
)
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once
from llm_research_lab.commands.paging import Page
from llm_research_lab.security import Caller, Principal
from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.objects import FileObjects, MemoryObjects
from llm_research_lab.storage.relational import Database
from llm_research_lab.telemetry.instruments import SILENT, Instruments

NOW = 1_800_000_000_000
NO_KEY = Once(None, "0" * 64)
CSV = b"country,capital\nFrance,Paris\nPeru,Lima\nJapan,Tokyo\n"


def caller(user: str, role: str) -> Caller:
    return Caller(Principal(user, role, f"key_{user}"), "192.0.2.7", "a test")


ADMIN, ANN, BOB, VIC = (
    caller("root", "admin"),
    caller("ann", "researcher"),
    caller("bob", "researcher"),
    caller("vic", "viewer"),
)


def new_lab(root, kind: str, instruments: Instruments = SILENT) -> Lab:
    directory = DataDirectory.open(root)
    if kind == "memory":
        database, objects = Database.memory(instruments=instruments), MemoryObjects()
    else:
        database = Database.open(directory.database, rest_seconds=0.0, instruments=instruments)
        objects = FileObjects(directory.objects, directory.tmp)
    numbers = count(1)
    return Lab(
        directory,
        database,
        objects,
        lambda: NOW,
        lambda p: f"{p}_{next(numbers):026d}",
        instruments=instruments,
    )


async def chunks_of(data: bytes, size: int = 1000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(made: Made) -> dict[str, Any]:
    return orjson.loads(made.body)


def key(name: str, digest: str = "1") -> Once:
    return Once(name, digest * 64)


async def trail(lab: Lab, **filters: Any) -> list[dict[str, Any]]:
    """The audit trail, oldest first."""
    found = await audit.listing(lab, ADMIN, Page(limit=500), filters)
    return found["items"][::-1]


def rows_in(lab: Lab, table) -> int:
    return lab.database.read_now(lambda c: c.scalar(select(func.count()).select_from(table)))


async def add_dataset(lab: Lab, who=ANN, name="capitals", data=CSV, kind="csv", **more: Any):
    once = more.pop("once", NO_KEY)
    schema = more.pop("schema", None)
    return await datasets.add(lab, who, name, kind, schema, chunks_of(data), once)


async def add_prompt(lab: Lab, who=ANN, name="ask", text="Capital of {{ country }}?"):
    return await prompts.add(lab, who, {"name": name, "text": text}, NO_KEY)


async def add_model(lab: Lab, who=ANN, name="echo", **fields: Any):
    body = {"name": name, "provider": "echo", "id": "echo", **fields}
    return await model_entries.add(lab, who, body, NO_KEY)


async def stocked(lab: Lab, who=ANN) -> None:
    """Give the user what an experiment needs."""
    await add_dataset(lab, who)
    await add_prompt(lab, who)
    await add_model(lab, who)


def experiment(**fields: Any) -> dict[str, Any]:
    target = "{{ capital }}"
    return {
        "name": "run",
        "dataset": "capitals",
        "prompt": "ask",
        "model": "echo",
        "evaluators": [{"kind": "exact", "target": target}],
        **fields,
    }


async def create(lab: Lab, who=ANN, once: Once = NO_KEY, **fields: Any) -> dict[str, Any]:
    return read(await experiments.create(lab, who, experiment(**fields), once))
