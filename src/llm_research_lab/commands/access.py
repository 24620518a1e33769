"""Nobody acts unknown, or beyond what the role holds; every refusal is in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from llm_research_lab.audit import (
    UNKNOWN,
    AuditAction,
    Origin,
    access_denied,
    authorization_failure,
    logged_in,
)
from llm_research_lab.commands.lab import Lab
from llm_research_lab.security import (
    ROLES,
    Action,
    Caller,
    Principal,
    Role,
    authorise,
    digest_of,
    is_key,
    owns,
)
from llm_research_lab.storage.relational import Database, audit_log, keys, now_ms
from llm_research_lab.telemetry.masking import masked
from llm_research_lab.vocabulary import DeniedError, UnauthenticatedError

SEEN_MOST = 10_000
"""Pairs of key and address that a process remembers; beyond them it asks the audit trail again."""

USER_AGENT_LENGTH = 300
"""What of a client's name for itself is kept: it is a stranger's text."""

RESOURCE_LENGTH = 220
"""What of a wanted thing's name is kept: any reference fits."""

_WORDS: Mapping[str, AuditAction] = {
    "read": "read",
    "create": "create",
    "create_with_secret": "create",
    "cancel": "update",
    "pause": "update",
    "resume": "update",
    "retry": "update",
    "revoke": "delete",
    "write": "create",
}
"""The spec's word for what each of our actions does to its thing."""

_seen: WeakKeyDictionary[Database, dict[tuple[str, str], None]] = WeakKeyDictionary()


class _Found(NamedTuple):
    """The key's holder, and whether the trail shows it at this address already."""

    principal: Principal
    known_here: bool


async def authenticate(
    lab: Lab,
    key_text: str | None,
    source_ip: str,
    user_agent: str | None,
    asked_for: str = "/",
) -> Caller:
    """Tell who holds the key: one indexed read. `asked_for` is the path, for the audit trail.

    A key's first use from an address is a login, audited before anything is done with it.
    Raises UnauthenticatedError, audited as ``access_denied``.
    """
    agent = user_agent[:USER_AGENT_LENGTH] if user_agent is not None else None
    seen = _seen.setdefault(lab.database, {})
    found = None
    if key_text is not None and is_key(key_text):
        digest = digest_of(key_text)
        found = await lab.database.read(lambda c: _find(c, digest, source_ip, seen))
    if found is None:
        raise await _stranger(lab, key_text, Origin(UNKNOWN, source_ip, agent), asked_for)
    caller = Caller(found.principal, source_ip, agent)
    if not found.known_here:
        await lab.database.write(lambda c: _log_in(c, caller))
    _remember(seen, (found.principal.key_id, source_ip))
    return caller


async def require(  # noqa: PLR0917 - who, what, on which thing, whose
    lab: Lab,
    caller: Caller,
    action: Action,
    resource_type: str,
    resource_id: str,
    owner: str | None = None,
) -> None:
    """Let the caller pass, or raise DeniedError, audited as ``authorization_failure``.

    `owner` is whose the thing is, or would be; None is the caller's own, or nobody's.
    """
    mine = owner is None or owns(caller.principal, owner)
    granted, reason = authorise(caller.principal.role, action, mine=mine)
    if granted:
        return
    word = _WORDS[action.partition(".")[2]]
    resource_id = masked(resource_id)[:RESOURCE_LENGTH]
    about = {"required": action, "why": reason.text}
    user = caller.principal.user
    await lab.database.write(
        lambda c: audit_log.append(
            c,
            authorization_failure(
                now_ms(c), origin_of(caller), word, resource_type, resource_id, about
            ),
        )
    )
    lab.instruments.counter("rbac_authorization_failures_total")[user, resource_type].inc()
    if resource_type == "dataset":
        lab.instruments.counter("dataset_access_denied_total")[(user,)].inc()
    raise DeniedError(
        f"{resource_type} {resource_id}".rstrip(),
        f"a key that may {action}",
        reason.text,
        "ask an admin for a key with that role",
    )


def origin_of(caller: Caller) -> Origin:
    """Say who asks and from where, as the audit trail has it."""
    return Origin(caller.principal.user, caller.source_ip, caller.user_agent)


def _find(
    connection: Connection, digest: str, source_ip: str, seen: Mapping[tuple[str, str], None]
) -> _Found | None:
    row = keys.by_digest(connection, digest)
    if row is None:
        return None
    known = (row.id, source_ip) in seen or audit_log.logged_in(connection, row.id, source_ip)
    return _Found(Principal(row.user, _role(row.role), row.id), known)


def _role(text: str) -> Role:
    return next(role for role in ROLES if role == text)


def _log_in(connection: Connection, caller: Caller) -> None:
    """Write the login, unless another process did so meanwhile."""
    key_id = caller.principal.key_id
    if not audit_log.logged_in(connection, key_id, caller.source_ip):
        audit_log.append(connection, logged_in(now_ms(connection), origin_of(caller), key_id))


def _remember(seen: dict[tuple[str, str], None], pair: tuple[str, str]) -> None:
    if pair not in seen:
        if len(seen) >= SEEN_MOST:
            seen.clear()
        seen[pair] = None


async def _stranger(
    lab: Lab, key_text: str | None, origin: Origin, asked_for: str
) -> UnauthenticatedError:
    """Write the refusal down, and give the error that says it."""

    def refuse(connection: Connection) -> str:
        reason = _why(connection, key_text)
        wanted = masked(asked_for)[:RESOURCE_LENGTH]  # a path may hold the key itself
        entry = access_denied(now_ms(connection), origin, "api", wanted, reason)
        audit_log.append(connection, entry)
        return reason

    lab.instruments.counter("authentication_failures_total")[(UNKNOWN,)].inc()
    reason = await lab.database.write(refuse)
    return UnauthenticatedError(
        "header Authorization",
        "Bearer, then a key of this lab",
        reason,
        "send a key that an admin made, and did not revoke",
    )


def _why(connection: Connection, key_text: str | None) -> str:
    if key_text is None:
        return "no key"
    if not is_key(key_text):
        return "a text that is not a key"
    revoked = keys.is_revoked(connection, digest_of(key_text))
    return "a revoked key" if revoked else "an unknown key"
