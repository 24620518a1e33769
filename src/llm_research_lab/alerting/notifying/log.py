"""A receiver is told again only of what is new, or when the repeat interval has passed.

The log remembers, for each group and integration, what fired and what was resolved at the last
notification. Source: Alertmanager, notify/notify.go, DedupStage; nflog/nflog.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.alerting.notifying.reasons import (
    AllResolved,
    Because,
    FirstTold,
    NeverTold,
    NewFiring,
    NewResolved,
    NotBecause,
    Repeated,
    TooSoon,
)
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels

RETENTION_MS = 120 * 3_600_000
"""How long an entry is kept. Source: cmd/alertmanager/main.go, --data.retention."""

LogKey = tuple[str, str, str, int]
"""A group's key, a receiver's name, an integration's kind and index.

Routes that share a key, a receiver and so a group's key share their entries, as in Alertmanager.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a receiver knows of a group since the instant."""

    at_ms: Instant
    firing: frozenset[Labels]
    resolved: frozenset[Labels]

    def known(self, now_ms: Instant, retention_ms: int = RETENTION_MS) -> bool:
        """Whether the entry is not yet forgotten."""
        return now_ms - self.at_ms < retention_ms


def needs_update(
    entry: Entry | None,
    firing: frozenset[Labels],
    resolved: frozenset[Labels],
    now_ms: Instant,
    *,
    repeat_interval_ms: int,
    send_resolved: bool,
) -> Because | NotBecause:
    """Whether the receiver is told: the reason's type is the outcome.

    A repetition is due when more than the interval has passed. Where ticks fall on the interval to
    the millisecond it waits for the next: a real entry is a sending's length later than its flush.
    """
    if entry is None:
        return FirstTold() if firing else NeverTold()
    if not firing <= entry.firing:
        return NewFiring(tuple(sorted(firing - entry.firing)))
    if not firing:
        # Also where nobody wants to hear of it: the log must forget that they fired.
        return AllResolved() if entry.firing else NeverTold()
    if send_resolved and not resolved <= entry.resolved:
        return NewResolved(tuple(sorted(resolved - entry.resolved)))
    due_ms = entry.at_ms + repeat_interval_ms
    if now_ms > due_ms:
        return Repeated(entry.at_ms, repeat_interval_ms)
    return TooSoon(due_ms)
