"""A POST's claim, work, audit entry and answer are one transaction: done once, answered alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from llm_research_lab.commands.lab import Lab
from llm_research_lab.security import Caller
from llm_research_lab.storage.relational import idempotency, now_ms

FORGOTTEN = 2
"""Old keys dropped with each new one: the table never outgrows a day's requests."""


@dataclass(frozen=True, slots=True)
class Once:
    """The request's ``Idempotency-Key`` (None: it has none) and the digest of what it asks."""

    key: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Made:
    """The answer: its HTTP status, and its body as JSON."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What a work answers, where the status is its own; `kept` is told to a later replay."""

    value: dict[str, Any]
    status: int
    kept: dict[str, Any] | None = None


Work = Callable[[Connection], dict[str, Any] | Said]
"""Changes something and audits it; nothing slow inside. Its errors undo all of it."""


def digest_of_request(method: str, path: str, body: bytes) -> str:
    """SHA-256 over method, path (with its query) and body: what a key stands for."""
    head = f"{method} {path}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


async def once(lab: Lab, caller: Caller, once: Once, work: Work, status: int = 201) -> Made:
    """Do the work, or answer as it was answered before.

    Raises InvalidError when the key came with another request, ConflictError while that runs.
    """
    user = caller.principal.user

    def unit(connection: Connection) -> Made:
        if once.key is None:
            return _made(_said(work(connection), status))
        now = now_ms(connection)
        idempotency.forget(connection, now, FORGOTTEN)
        began = idempotency.begin(connection, user, once.key, once.digest, now)
        if isinstance(began, idempotency.Replay):
            return Made(began.status, began.body)
        said = _said(work(connection), status)
        keep(connection, user, once.key, said)
        return _made(said)

    return await lab.database.write(unit)


async def replayed(lab: Lab, caller: Caller, once: Once) -> Made | None:
    """Give the answer of an ended request with this key; None when the work is to be done.

    Asked before checks that may end otherwise today than they did then.
    """
    key = once.key
    if key is None:
        return None
    user = caller.principal.user
    found = await lab.database.read(
        lambda c: idempotency.ended(c, user, key, once.digest, now_ms(c))
    )
    return Made(found.status, found.body) if found is not None else None


def keep(
    connection: Connection, user: str, key: str, said: Said, digest: str | None = None
) -> None:
    """End the key's claim with the answer; `digest` names the request anew, None leaves it."""
    kept = said.value if said.kept is None else said.kept
    idempotency.finish(connection, user, key, said.status, orjson.dumps(kept), digest=digest)


def _said(given: dict[str, Any] | Said, status: int) -> Said:
    return given if isinstance(given, Said) else Said(given, status)


def _made(said: Said) -> Made:
    return Made(said.status, orjson.dumps(said.value))
