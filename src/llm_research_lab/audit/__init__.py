"""What an audit entry says, in the spec's words."""

from llm_research_lab.audit.entries import (
    access_denied,
    authorization_failure,
    created,
    data_access,
    deleted,
    experiment_execution,
    logged_in,
    logged_out,
    updated,
)
from llm_research_lab.audit.entry import (
    INTERNAL,
    UNKNOWN,
    AuditAction,
    AuditOutcome,
    Entry,
    Origin,
    to_json,
)

__all__ = [
    "INTERNAL",
    "UNKNOWN",
    "AuditAction",
    "AuditOutcome",
    "Entry",
    "Origin",
    "access_denied",
    "authorization_failure",
    "created",
    "data_access",
    "deleted",
    "experiment_execution",
    "logged_in",
    "logged_out",
    "to_json",
    "updated",
]
