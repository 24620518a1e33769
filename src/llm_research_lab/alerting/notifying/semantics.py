"""Where versions of Alertmanager differ, what we follow is said by name.

`V0_25` is what the reference tests hold against the real program. `LATEST` is the state of the main
branch at the end of 2025: a group that has become empty is gone at once, so the next alert waits
for group_wait again rather than for the old group's next flush; and only the alert that opens a
group can be old enough to flush it at once.
Source: Alertmanager, dispatch/dispatch.go; cmd/alertmanager/main.go (flags).
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.alerting.notifying.log import RETENTION_MS


@dataclass(frozen=True, slots=True)
class Semantics:
    """How a dispatcher treats its groups, and what it forgets when.

    `start_delay_ms` holds back all flushes after a start, so that no inhibited alert slips out
    while its source has not been sent again (alertmanager#4064; --dispatch.start-delay).
    """

    empty_groups_stay: bool = True
    any_old_alert_flushes: bool = True
    maintenance_ms: int = 30_000
    alerts_gc_ms: int = 30 * 60_000
    retention_ms: int = RETENTION_MS
    start_delay_ms: int = 0


V0_25 = Semantics()
LATEST = Semantics(empty_groups_stay=False, any_old_alert_flushes=False)
