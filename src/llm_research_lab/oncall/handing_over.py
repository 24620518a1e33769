"""Hand-offs: who goes on call and who goes off, for the schedules that a policy names.

PagerDuty's on_call_handoff_notifications: `always` tells of each; `if_has_services` only when
something uses the policy, which is here a severity of the matrix. The specification's `restrict`
is neither word of PagerDuty's; it is read as if_has_services.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_research_lab.oncall.policy import Policy
from llm_research_lab.oncall.roster import Roster
from llm_research_lab.oncall.shifts import Shift, shifts
from llm_research_lab.vocabulary import Instant

ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class HandOff:
    """At `at_ms` the schedule passes from `off` to `on`; None is nobody."""

    schedule: str
    at_ms: Instant
    off: str | None
    on: str | None


def handoffs(
    roster: Roster, policy: Policy, from_ms: Instant, to_ms: Instant
) -> tuple[HandOff, ...]:
    """Give the hand-offs of a span, by time, of all schedules of the policy."""
    used = any(row.policy == policy.name for row in roster.matrix)
    if policy.handoffs != ALWAYS and not used:
        return ()
    targets = [target for rule in policy.rules for target in rule.targets]
    names = dict.fromkeys(one.id for one in targets if one.type == "schedule_reference")
    found = [
        one
        for name in names
        for one in _of(name, shifts(roster, name, from_ms - 1, to_ms))
        if from_ms <= one.at_ms < to_ms
    ]
    return tuple(sorted(found, key=lambda one: one.at_ms))


def _of(schedule: str, listed: tuple[Shift, ...]) -> list[HandOff]:
    """Pair each end with the start at the same instant; the same person stays on."""
    starts = {one.start_ms: one.person.id for one in listed}
    ends = {one.end_ms: one.person.id for one in listed}
    return [
        HandOff(schedule, at_ms, ends.get(at_ms), starts.get(at_ms))
        for at_ms in sorted({*starts, *ends})
        if ends.get(at_ms) != starts.get(at_ms)
    ]
