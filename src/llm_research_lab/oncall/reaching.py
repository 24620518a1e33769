"""Whom a target stands for at an instant, and whether they can be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llm_research_lab.oncall.effects import AwayUntil, Named, NoWay, UnknownUser
from llm_research_lab.oncall.policy import Policy, Severity, Target
from llm_research_lab.oncall.reasons import Duty, Nobody
from llm_research_lab.oncall.roster import Person, Roster
from llm_research_lab.oncall.who import user_of
from llm_research_lab.vocabulary import Instant


@dataclass(frozen=True, slots=True)
class Reached:
    """The person can be told; why it is they."""

    person: Person
    reason: Duty | Named


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody can be told, for the reason."""

    reason: Nobody | UnknownUser | AwayUntil | NoWay


OnCall = Callable[[Target, Instant], Reached | Unreachable]
"""Whom a target leads to at an instant."""


def on_call(roster: Roster) -> OnCall:
    """Ask this roster, as of the instant."""

    def ask(target: Target, at_ms: Instant) -> Reached | Unreachable:
        if target.type == "user_reference":
            return _named(roster, target.id, at_ms)
        user, reason = user_of(roster, target.id, at_ms)
        if isinstance(reason, Nobody):
            return Unreachable(reason)
        person = roster.person(str(user), at_ms)
        return Unreachable(UnknownUser(str(user))) if person is None else _told(person, reason)

    return ask


def _named(roster: Roster, user: str, at_ms: Instant) -> Reached | Unreachable:
    person, absence = roster.person(user, at_ms), roster.absence(user, at_ms)
    if person is None:
        return Unreachable(UnknownUser(user))
    if absence is not None:
        return Unreachable(AwayUntil(user, absence.end_ms))
    return _told(person, Named())


def _told(person: Person, reason: Duty | Named) -> Reached | Unreachable:
    """Who has no contact method cannot be told."""
    return Reached(person, reason) if person.contact_methods else Unreachable(NoWay(person.id))


def terms_of(roster: Roster, severity: str) -> tuple[Policy, Severity] | None:
    """Give the policy of a severity with its row of the matrix; None when there is no row."""
    row = next((one for one in roster.matrix if one.severity == severity), None)
    policy = next((one for one in roster.policies if row and one.name == row.policy), None)
    return (policy, row) if policy and row else None
