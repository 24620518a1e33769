"""A roster is records, each in force from an instant on; a later record never changes the past.

A person or a schedule may have several records. The one in force at an instant is the last that
starts at or before it. An override, an absence or a swap that was entered after it began holds
from its entry on. Before `from_ms` the roster knows nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeVar

from llm_research_lab.oncall.policy import Matrix, Policy
from llm_research_lab.oncall.rotation import Layer
from llm_research_lab.vocabulary import Instant


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """A way to reach a person: `type` is PagerDuty's, the delay counts from the page."""

    type: str
    address: str = ""
    start_delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """A record of a person: who cannot be reached has no contact method."""

    id: str
    name: str
    time_zone: str
    from_ms: Instant
    contact_methods: tuple[ContactMethod, ...] = ()
    manager: str | None = None
    holidays: str | None = None
    """The calendar of holidays that is theirs."""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A schedule without layers: on call is who comes `turns` turns after the other's primary."""

    schedule: str
    turns: int = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """A record of a schedule: later layers override earlier ones, as in PagerDuty."""

    id: str
    name: str
    time_zone: str
    from_ms: Instant
    layers: tuple[Layer, ...] = ()
    shadow: Shadow | None = None
    level: str = "primary"
    """primary or secondary: nobody may have two primary schedules at once."""
    announced_ms: Instant | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A person is on from start to end; of two overrides the later in the file holds."""

    schedule: str
    user: str
    start_ms: Instant
    end_ms: Instant
    created_ms: Instant | None = None
    note: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """A person is not on call from start to end, whatever else is written."""

    user: str
    start_ms: Instant
    end_ms: Instant
    created_ms: Instant | None = None
    note: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What `user` has of a schedule from start to end becomes `taker`'s."""

    user: str
    taker: str
    start_ms: Instant
    end_ms: Instant


@dataclass(frozen=True, slots=True)
class Swap:
    """One exchange, or two in return; `confirmed` says when each of both did."""

    schedule: str
    exchanges: tuple[Exchange, ...]
    confirmed: tuple[tuple[str, Instant], ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day of a calendar, as it is written there: every zone has its own."""

    calendar: str
    day: date
    name: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """All that is known of who is on call, since `from_ms`."""

    from_ms: Instant
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    schedules: Mapping[str, tuple[Schedule, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    absences: tuple[Absence, ...] = ()
    swaps: tuple[Swap, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    policies: tuple[Policy, ...] = ()
    matrix: Matrix = ()

    def person(self, user: str, at_ms: Instant) -> Person | None:
        """Give the person's record of then; their first one when none had begun."""
        records = self.people.get(user, ())
        return in_force(records, at_ms) or (records[0] if records else None)

    def schedule(self, name: str, at_ms: Instant) -> Schedule | None:
        """Give the schedule's record of then, or None."""
        return in_force(self.schedules.get(name, ()), at_ms)

    def absence(self, user: str, at_ms: Instant) -> Absence | None:
        """Give the absence that keeps a person away at the instant, or None."""
        for one in self.absences:
            if one.user == user and holds(one, at_ms):
                return one
        return None


class Dated(Protocol):
    """What is in force from an instant on."""

    @property
    def from_ms(self) -> Instant:
        """From when it is in force."""
        ...


class Spanning(Protocol):
    """What holds from its start, or from its entry if that was later, to its end."""

    @property
    def start_ms(self) -> Instant:
        """When it starts."""
        ...

    @property
    def end_ms(self) -> Instant:
        """When it is over."""
        ...

    @property
    def created_ms(self) -> Instant | None:
        """When it was entered, if that is known."""
        ...


T = TypeVar("T", bound=Dated)


def in_force(records: Sequence[T], at_ms: Instant) -> T | None:
    """Give the last record, of those in order, that had begun at the instant."""
    for one in reversed(records):  # asked at every change of a year: a generator costs twice
        if one.from_ms <= at_ms:
            return one
    return None


def begins(spanning: Spanning) -> Instant:
    """From when it holds: what is entered late does not change what was."""
    created = spanning.created_ms
    return spanning.start_ms if created is None else max(spanning.start_ms, created)


def holds(spanning: Spanning, at_ms: Instant) -> bool:
    """Whether it holds at the instant."""
    return begins(spanning) <= at_ms < spanning.end_ms
