"""What was decided becomes what is written: the kind, whom it is about, the chain of reasons."""

from __future__ import annotations

from llm_research_lab.alerting.notifying import (
    InhibitedBy,
    Invalid,
    MutedBy,
    NeverTold,
    NoIntegration,
    NonEffect,
    Notification,
    OutsideActive,
    ResolvedNotSent,
    SilencedBy,
    Told,
    TooSoon,
    Waiting,
    Withheld,
)
from llm_research_lab.storage.relational.decisions import About, Decision

OUTCOMES: dict[type[NonEffect], str] = {
    Waiting: "waiting",
    InhibitedBy: "inhibited",
    SilencedBy: "silenced",
    MutedBy: "muted",
    OutsideActive: "muted",
    TooSoon: "too_soon",
    NeverTold: "never_told",
    ResolvedNotSent: "resolved_not_sent",
    NoIntegration: "no_integration",
    Invalid: "invalid",
}
"""How a decision is counted, by the reason for silence."""


def outcome(one: Told) -> str:
    """Give the word by which a decision is counted."""
    return "told" if isinstance(one, Notification) else OUTCOMES[type(one.reason)]


def decision(one: Told) -> Decision:
    """Give what is written of a notification, or of one that was withheld."""
    return _notified(one) if isinstance(one, Notification) else _withheld(one)


def _notified(one: Notification) -> Decision:
    return Decision(
        one.at_ms,
        "notified",
        one.receiver,
        one.integration,
        one.route,
        one.group_key,
        type(one.because).__name__,
        tuple(str(reason) for reason in one.why),
        tuple(About(each.labels, each.starts_ms, each.ends_ms) for each in one.alerts),
        details={"status": one.status, "group": dict(one.group_labels)},
    )


def _withheld(one: Withheld) -> Decision:
    return Decision(
        one.at_ms,
        "withheld",
        one.receiver,
        one.integration,
        one.route,
        one.group_key,
        type(one.reason).__name__,
        tuple(str(reason) for reason in (one.why if one.route else (one.reason,))),
        tuple(About(labels) for labels in one.alerts),
    )
