"""Each kind of thing that is audited has one function that words its entry.

`metadata` always holds ``event_type``, by which the spec's own three kinds are told from ours.
Source: spec 5.6.4 (`log_data_access`, `log_experiment_execution`, `log_authorization_failure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_research_lab.audit.entry import AuditAction, AuditOutcome, Entry, Origin
from llm_research_lab.vocabulary import Instant

_NOTHING: Mapping[str, Any] = {}


def _entry(  # noqa: PLR0917 - an entry has its fields
    now: Instant,
    origin: Origin,
    action: AuditAction,
    resource: tuple[str, str],
    outcome: AuditOutcome,
    metadata: Mapping[str, Any],
) -> Entry:
    return Entry(
        timestamp=now,
        user_id=origin.user_id,
        action=action,
        resource_type=resource[0],
        resource_id=resource[1],
        source_ip=origin.source_ip,
        user_agent=origin.user_agent,
        outcome=outcome,
        metadata=metadata,
    )


def created(
    now: Instant,
    origin: Origin,
    resource_type: str,
    resource_id: str,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Entry:
    """Something was made."""
    about = {"event_type": "resource_created", **metadata}
    return _entry(now, origin, "create", (resource_type, resource_id), "success", about)


def updated(
    now: Instant,
    origin: Origin,
    resource_type: str,
    resource_id: str,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Entry:
    """Something was changed: paused, resumed, cancelled."""
    about = {"event_type": "resource_updated", **metadata}
    return _entry(now, origin, "update", (resource_type, resource_id), "success", about)


def deleted(
    now: Instant,
    origin: Origin,
    resource_type: str,
    resource_id: str,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Entry:
    """Something was taken away: a key revoked."""
    about = {"event_type": "resource_deleted", **metadata}
    return _entry(now, origin, "delete", (resource_type, resource_id), "success", about)


def data_access(now: Instant, origin: Origin, dataset_id: str, outcome: AuditOutcome) -> Entry:
    """A dataset's rows were read, or were asked for in vain."""
    about = {"event_type": "data_access"}
    return _entry(now, origin, "read", ("dataset", dataset_id), outcome, about)


def experiment_execution(
    now: Instant,
    origin: Origin,
    experiment_id: str,
    outcome: AuditOutcome,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Entry:
    """An experiment ran: `partial_success` when some samples failed, `failure` when all did."""
    about = {"event_type": "experiment_execution", **metadata}
    return _entry(now, origin, "execute", ("experiment", experiment_id), outcome, about)


def authorization_failure(  # noqa: PLR0917 - an entry has its fields
    now: Instant,
    origin: Origin,
    action: AuditAction,
    resource_type: str,
    resource_id: str,
    metadata: Mapping[str, Any] = _NOTHING,
) -> Entry:
    """A known user asked for what the role does not hold; `action` is what was asked for."""
    about = {
        "event_type": "authorization_failure",
        "reason": "insufficient_permissions",
        **metadata,
    }
    return _entry(now, origin, action, (resource_type, resource_id), "failure", about)


def access_denied(
    now: Instant, origin: Origin, resource_type: str, resource_id: str, reason: str
) -> Entry:
    """Somebody without a key that is known and alive asked for something."""
    about = {"event_type": "access_denied", "reason": reason}
    return _entry(now, origin, "access_denied", (resource_type, resource_id), "failure", about)


def logged_in(now: Instant, origin: Origin, key_id: str) -> Entry:
    """A key was used first from this address, or a session began with it."""
    return _entry(now, origin, "login", ("key", key_id), "success", {"event_type": "login"})


def logged_out(now: Instant, origin: Origin, key_id: str) -> Entry:
    """A session that began with this key ended."""
    return _entry(now, origin, "logout", ("key", key_id), "success", {"event_type": "logout"})
