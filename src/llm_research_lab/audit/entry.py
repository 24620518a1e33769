"""An audit entry says who did what to what, from where, and how it ended, in the spec's words.

Source: spec 5.6.4 (`AuditLog`, `AuditAction`, `AuditOutcome`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_research_lab.vocabulary import Instant, rfc3339

AuditAction = Literal[
    "create", "read", "update", "delete", "execute", "login", "logout", "access_denied"
]
AuditOutcome = Literal["success", "failure", "partial_success"]

INTERNAL = "internal"
"""The source of what no request asked for. Source: spec 5.6.4, log_experiment_execution."""

UNKNOWN = "unknown"
"""The user of a request whose key is none of ours. Source: design.md, labels `user`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, and from where."""

    user_id: str
    source_ip: str = INTERNAL
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail; `metadata` is a JSON object without secrets."""

    timestamp: Instant
    user_id: str
    action: AuditAction
    resource_type: str
    resource_id: str
    source_ip: str
    user_agent: str | None
    outcome: AuditOutcome
    metadata: Mapping[str, Any] = field(default_factory=dict)


def to_json(entry: Entry) -> dict[str, Any]:
    """Render with the spec's field names, in its order; the time as RFC 3339."""
    return {
        "timestamp": rfc3339(entry.timestamp),
        "user_id": entry.user_id,
        "action": entry.action,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "source_ip": entry.source_ip,
        "user_agent": entry.user_agent,
        "outcome": entry.outcome,
        "metadata": dict(entry.metadata),
    }
