"""A key is shown when it is made, and never again; who made or ended one is audited."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from llm_research_lab.audit import Origin, created, deleted
from llm_research_lab.commands import views
from llm_research_lab.commands.access import origin_of, require
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once, Said
from llm_research_lab.commands.once import once as do_once
from llm_research_lab.commands.paging import Page, cursor_of, cut, read_cursor
from llm_research_lab.security import KEY_BYTES, Caller, digest_of, is_key, key_of
from llm_research_lab.storage.private import explained, write_private
from llm_research_lab.storage.relational import audit_log, keys, now_ms
from llm_research_lab.telemetry.crash import crash_point

ADMIN = "admin"
"""The user, role and name of the key that the first start makes."""

SYSTEM = Origin("system")
"""Who makes the first key: nobody has asked for it."""


async def create(lab: Lab, caller: Caller, body: dict[str, Any], once: Once) -> Made:
    """Make a key for a user. The secret is in this answer alone: a replay shows null."""
    await require(lab, caller, "keys.create", "key", body["name"])
    secret = key_of(os.urandom(KEY_BYTES))
    key_id = lab.new_id("key")

    def work(connection: Connection) -> Said:
        row = _add(
            connection,
            origin_of(caller),
            key_id,
            secret,
            name=body["name"],
            user=body["user"],
            role=body["role"],
        )
        shown = views.key(row)
        return Said({**shown, "secret": secret}, 201, kept={**shown, "secret": None})

    return await do_once(lab, caller, once, work)


async def listing(lab: Lab, caller: Caller, page: Page) -> dict[str, Any]:
    """List all keys, revoked ones too, newest first."""
    await require(lab, caller, "keys.read", "key", "*")
    mark = read_cursor(page.cursor, "keys", str)
    after = mark[0] if mark else None
    rows = await lab.database.read(lambda c: keys.page(c, after=after, limit=page.limit + 1))
    return cut(rows, page, views.key, lambda row: cursor_of("keys", row.id))


async def revoke(lab: Lab, caller: Caller, key_id: str) -> dict[str, Any]:
    """End a key's life at once; a second time changes nothing, and is not audited."""
    await require(lab, caller, "keys.revoke", "key", key_id[:100])

    def work(connection: Connection) -> dict[str, Any]:
        now = now_ms(connection)
        row, changed = keys.revoke(connection, key_id, now)
        if changed:
            about = {"user": row.user, "role": row.role}
            audit_log.append(connection, deleted(now, origin_of(caller), "key", key_id, about))
        return views.key(row)

    return await lab.database.write(work)


def ensure_admin_key(lab: Lab) -> bool:
    """See that the directory's admin key opens the lab; say whether a new one was made. Blocks.

    The file is written before the row: a crash in between leaves a file that opens nothing, which
    the next start replaces. A revoked key in the file stays revoked while another admin's lives.
    """
    path = lab.directory.admin_key
    text = _read(path)
    digest = digest_of(text) if text is not None and is_key(text) else None
    if lab.database.read_now(lambda c: _suffices(c, digest)):
        return False
    secret = key_of(os.urandom(KEY_BYTES))
    write_private(path, f"{secret}\n".encode())
    crash_point("admin_key.written")
    key_id = lab.new_id("key")
    lab.database.write_now(
        lambda c: _add(c, SYSTEM, key_id, secret, name=ADMIN, user=ADMIN, role=ADMIN)
    )
    crash_point("admin_key.stored")
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes()[:200].decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise explained(error, path) from error


def _suffices(connection: Connection, digest: str | None) -> bool:
    """Whether the file's key lives, or was revoked by an admin who can still get in."""
    if digest is None:
        return False
    if keys.by_digest(connection, digest) is not None:
        return True
    return keys.is_revoked(connection, digest) and keys.any_living(connection, ADMIN)


def _add(
    connection: Connection,
    origin: Origin,
    key_id: str,
    secret: str,
    *,
    name: str,
    user: str,
    role: str,
) -> Row[Any]:
    now = now_ms(connection)
    row = keys.add(
        connection, id=key_id, digest=digest_of(secret), name=name, user=user, role=role, now=now
    )
    about = {"name": name, "user": user, "role": role}
    audit_log.append(connection, created(now, origin, "key", key_id, about))
    return row
