"""What `lab lint` checks of rosters and policies that can be read: each law has a name.

`gap`: nobody is on a primary schedule at some minute of the year ahead. `two-primaries`: one
person is on two primary schedules at once. `ends-nowhere`: a policy names no user, and at some
minute nobody is on any of its schedules, so a page ends with nobody. `delays-sum`: delays are
read as minutes after the page though the file does not say so (policy.py). `handoff-word`: a word
that PagerDuty does not know. `notice`: a schedule's record was announced less than two weeks
ahead, or does not say when. `swap`: a swap that does not hold, or moves nothing. `override-away`:
an override puts on who is away. `severity`: the matrix lacks one. `edited-past`: a later file
says otherwise what an earlier one had said of the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from llm_research_lab.oncall.clock import DAY_MS, MINUTE_MS
from llm_research_lab.oncall.naming import unknown_names
from llm_research_lab.oncall.policy import AFTER_TRIGGER, Policy, due_ms
from llm_research_lab.oncall.roster import Roster, Schedule
from llm_research_lab.oncall.shifts import Gap, gaps, overlaps, shifts
from llm_research_lab.oncall.swapping import Accepted, judged
from llm_research_lab.vocabulary import Finding, Instant, rfc3339

YEAR_MS = 365 * DAY_MS
NOTICE_MS = 14 * DAY_MS
"""Source: the specification, 5.4.1."""

SEVERITIES = ("P1", "P2", "P3", "P4")
SHOWN = 3
"""Stretches that a finding of many names."""


def roster_findings(roster: Roster, from_ms: Instant) -> tuple[Finding, ...]:
    """Check a roster for the year from an instant on."""
    return (
        *unknown_names(roster),
        *_gaps(roster, from_ms),
        *_two_primaries(roster, from_ms),
        *_notices(roster),
        *_swaps(roster),
        *_overrides_away(roster),
        *_matrix(roster),
        *_ends_nowhere(roster, from_ms),
        *(one for policy in roster.policies for one in policy_findings(policy)),
    )


def policy_findings(policy: Policy) -> tuple[Finding, ...]:
    """Check one policy by itself."""
    found: list[Finding] = []
    if policy.delays == AFTER_TRIGGER and not policy.declared:
        found.append(Finding(policy.where, "delays-sum", _sums(policy), _SUMS_FIX))
    if policy.handoffs == "restrict":
        message = f"{policy.name}: PagerDuty has no on_call_handoff_notifications: restrict"
        fix = "write if_has_services, as which it is read, or always"
        found.append(Finding(policy.where, "handoff-word", message, fix))
    return tuple(found)


_SUMS_FIX = "write delays: after_trigger, or PagerDuty's delays, each until the next rule"


def _sums(policy: Policy) -> str:
    """Say when each rule is due, and when PagerDuty would run it."""
    ours = ", ".join(str(one // MINUTE_MS) for one in due_ms(policy))
    written = policy.written
    theirs = ", ".join(str(sum(written[:place])) for place in range(len(written)))
    return f"{policy.name}: rules are due {ours} minutes after the page; PagerDuty adds: {theirs}"


def _gaps(roster: Roster, from_ms: Instant) -> Iterator[Finding]:
    start = max(from_ms, roster.from_ms)
    for name, record in _primaries(roster, start):
        found = gaps(roster, name, start, start + YEAR_MS)
        if found:
            spans = "; ".join(
                f"{rfc3339(one.start_ms)} to {rfc3339(one.end_ms)}: {one.reason}"
                for one in found[:SHOWN]
            )
            more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            message = f"{name}: nobody is on call {spans}{more}"
            yield Finding(record.where, "gap", message, "add a layer below, or an override")


def _ends_nowhere(roster: Roster, from_ms: Instant) -> Iterator[Finding]:
    """Look for a time at which a policy that names no user has nobody at all."""
    start = max(from_ms, roster.from_ms)
    for policy in roster.policies:
        targets = [target for rule in policy.rules for target in rule.targets]
        if any(target.type == "user_reference" for target in targets):
            continue
        empty = [(start, start + YEAR_MS)]
        for name in dict.fromkeys(target.id for target in targets):
            empty = _common(empty, gaps(roster, name, start, start + YEAR_MS))
        if empty:
            since, until = (rfc3339(one) for one in empty[0])
            message = f"{policy.name}: nobody is on any of its schedules from {since} to {until}"
            yield Finding(policy.where, "ends-nowhere", message, "end with a user_reference")


def _common(
    spans: list[tuple[Instant, Instant]], others: tuple[Gap, ...]
) -> list[tuple[Instant, Instant]]:
    """Give what lies in a span and in a gap."""
    pairs = [
        (max(start, one.start_ms), min(end, one.end_ms)) for start, end in spans for one in others
    ]
    return [(start, end) for start, end in pairs if start < end]


def _two_primaries(roster: Roster, from_ms: Instant) -> Iterator[Finding]:
    start = max(from_ms, roster.from_ms)
    for (one, record), (other, _) in combinations(_primaries(roster, start), 2):
        found = overlaps(roster, one, other, start, start + YEAR_MS)
        if found:
            first = found[0]
            message = (
                f"{first.user} is on {one} and {other} at once, first from "
                f"{rfc3339(first.start_ms)} to {rfc3339(first.end_ms)}; {len(found)} times"
            )
            yield Finding(record.where, "two-primaries", message, "move one of the shifts")


def _primaries(roster: Roster, at_ms: Instant) -> list[tuple[str, Schedule]]:
    """Give the schedules that are primary by their record of then."""
    records = [(name, roster.schedule(name, at_ms)) for name in roster.schedules]
    return [(name, one) for name, one in records if one is not None and one.level == "primary"]


def _notices(roster: Roster) -> Iterator[Finding]:
    """Hold every record but a schedule's first to two weeks' notice."""
    for record in (one for records in roster.schedules.values() for one in records[1:]):
        fix = "announce it at least 14 days ahead, and say when in announced_at"
        if record.announced_ms is None:
            message = f"{record.id}: the change of {rfc3339(record.from_ms)} has no announced_at"
            yield Finding(record.where, "notice", message, fix)
        elif record.from_ms - record.announced_ms < NOTICE_MS:
            days = (record.from_ms - record.announced_ms) // DAY_MS
            message = f"{record.id}: announced {days} days ahead"
            yield Finding(record.where, "notice", message, fix)


def _swaps(roster: Roster) -> Iterator[Finding]:
    for swap in roster.swaps:
        verdict = judged(swap)
        if not isinstance(verdict, Accepted):
            message = f"the swap does not hold: {verdict}"
            yield Finding(swap.where, "swap", message, "confirm it 48 hours ahead, or remove it")
            continue
        for one in swap.exchanges:
            had = shifts(roster, swap.schedule, one.start_ms, one.end_ms)
            if not any(shift.person.id == one.taker for shift in had):
                message = f"{one.taker} takes over nothing of {one.user}"
                yield Finding(swap.where, "swap", message, "give the times of a shift")


def _overrides_away(roster: Roster) -> Iterator[Finding]:
    for override in roster.overrides:
        for absence in roster.absences:
            if (
                absence.user == override.user
                and absence.start_ms < override.end_ms
                and override.start_ms < absence.end_ms
            ):
                message = f"{override.user} is away from {rfc3339(absence.start_ms)}"
                yield Finding(override.where, "override-away", message, "put somebody else on")


def _matrix(roster: Roster) -> Iterator[Finding]:
    """Where there are policies, each severity has one."""
    missing = [one for one in SEVERITIES if one not in {row.severity for row in roster.matrix}]
    if roster.policies and missing:
        message = f"no policy for {', '.join(missing)}"
        yield Finding(roster.policies[0].where, "severity", message, "add escalation_matrix rows")


def edited(before: Roster, after: Roster, now_ms: Instant) -> tuple[Finding, ...]:
    """Find where a new file says of the past, before now, other than the old one had said.

    Compared is who was on call on each schedule since the old roster began.
    """
    found: list[Finding] = []
    for name, records in before.schedules.items():
        told = _said(before, name, now_ms)
        if told != _said(after, name, now_ms, before.from_ms):
            message = f"{name}: who was on call before {rfc3339(now_ms)} has changed"
            fix = "leave the old record as it is, and add one with a from that is to come"
            found.append(Finding(records[0].where, "edited-past", message, fix))
    return tuple(found)


def _said(
    roster: Roster, schedule: str, now_ms: Instant, from_ms: Instant | None = None
) -> list[tuple[str, Instant, Instant]]:
    """Give who was on from when to when, whatever the reason; neighbours joined."""
    start = roster.from_ms if from_ms is None else from_ms
    said: list[tuple[str, Instant, Instant]] = []
    for one in shifts(roster, schedule, start, now_ms):
        if said and said[-1][0] == one.person.id and said[-1][2] == one.start_ms:
            said[-1] = (one.person.id, said[-1][1], one.end_ms)
        else:
            said.append((one.person.id, one.start_ms, one.end_ms))
    return said
