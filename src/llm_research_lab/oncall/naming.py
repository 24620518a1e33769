"""Every person and schedule that a roster names is one that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from llm_research_lab.oncall.policy import Policy
from llm_research_lab.oncall.roster import Roster
from llm_research_lab.vocabulary import Finding

Mention = tuple[str, str, str]
"""Where, what kind (user, schedule, policy, calendar), and the name."""


def unknown_names(roster: Roster) -> tuple[Finding, ...]:
    """Find every name that stands for nothing, with the nearest that does."""
    known: dict[str, Iterable[str]] = {
        "user": roster.people,
        "schedule": roster.schedules,
        "policy": [policy.name for policy in roster.policies],
        "calendar": sorted({holiday.calendar for holiday in roster.holidays}),
    }
    return tuple(
        _finding(where, kind, name, list(known[kind]))
        for where, kind, name in _mentions(roster)
        if name not in known[kind]
    )


def _finding(where: str, kind: str, name: str, known: list[str]) -> Finding:
    near = get_close_matches(name, known, 1)
    fix = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
    return Finding(where, f"unknown-{kind}", f"unknown {kind} {name!r}", fix)


def _mentions(roster: Roster) -> Iterator[Mention]:
    for person in (one for records in roster.people.values() for one in records):
        if person.manager is not None:
            yield person.where, "user", person.manager
        if person.holidays is not None:
            yield person.where, "calendar", person.holidays
    for schedule in (one for records in roster.schedules.values() for one in records):
        for layer in schedule.layers:
            for user in layer.users:
                yield layer.where or schedule.where, "user", user
        if schedule.shadow is not None:
            yield schedule.where, "schedule", schedule.shadow.schedule
    yield from _events(roster)
    for policy in roster.policies:
        yield from _policy(policy)
    for row in roster.matrix:
        yield row.where, "policy", row.policy


def _events(roster: Roster) -> Iterator[Mention]:
    for override in roster.overrides:
        yield override.where, "schedule", override.schedule
        yield override.where, "user", override.user
    for absence in roster.absences:
        yield absence.where, "user", absence.user
    for swap in roster.swaps:
        yield swap.where, "schedule", swap.schedule
        users = [user for one in swap.exchanges for user in (one.user, one.taker)]
        for user in dict.fromkeys((*users, *(user for user, _ in swap.confirmed))):
            yield swap.where, "user", user


def _policy(policy: Policy) -> Iterator[Mention]:
    for rule in policy.rules:
        for target in rule.targets:
            yield target.where, target.type.removesuffix("_reference"), target.id
