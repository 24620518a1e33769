"""Each night, weekend day and holiday counts once, for who is on at its middle.

In the person's own zone: a night belongs to who is on at 03:00 (22:00 to 06:00 is the night), a
Saturday, Sunday or holiday to who is on at 12:00. So what is shared is shared exactly, and a
schedule that is always staffed by people of one zone gives away as many nights as there are. A
shift is a turn, an override or a swap: a turn that restrictions or overrides cut is one shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from llm_research_lab.oncall.clock import DAY_MS, HOUR_MS, THURSDAY_MS, WEEK_MS, clock_of
from llm_research_lab.oncall.roster import Person, Roster
from llm_research_lab.oncall.shifts import Shift, shifts
from llm_research_lab.vocabulary import Instant

NIGHT_MS = (22 * HOUR_MS, 6 * HOUR_MS)
SMALL_HOURS_MS = 3 * HOUR_MS
NOON_MS = 12 * HOUR_MS
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Paged:
    """A person was told of a page."""

    user: str
    at_ms: Instant


@dataclass(frozen=True, slots=True)
class Share:
    """What a person had of a span; `pages` are those given, `night_pages` at 22:00 to 06:00."""

    user: str
    name: str
    shifts: int
    on_call_ms: int
    nights: int
    weekend_days: int
    holidays: int
    pages: int = 0
    night_pages: int = 0


def fairness(
    roster: Roster,
    schedules: Sequence[str],
    from_ms: Instant,
    to_ms: Instant,
    pages: Iterable[Paged] = (),
) -> tuple[Share, ...]:
    """Give the share of everybody who has one, those with the most time first."""
    had: dict[str, list[Shift]] = {}
    for name in schedules:
        for shift in shifts(roster, name, from_ms, to_ms):
            had.setdefault(shift.person.id, []).append(shift)
    told: dict[str, list[Paged]] = {}
    for page in pages:
        if from_ms <= page.at_ms < to_ms:
            told.setdefault(page.user, []).append(page)
    shares = [
        _share(roster, user, had.get(user, []), told.get(user, [])) for user in {**had, **told}
    ]
    return tuple(sorted(shares, key=lambda one: (-one.on_call_ms, one.user)))


def _share(roster: Roster, user: str, had: list[Shift], told: list[Paged]) -> Share:
    last = max((*(one.start_ms for one in had), *(one.at_ms for one in told)))
    person = roster.person(user, last)
    nights, middays = _middles(had, SMALL_HOURS_MS), _middles(had, NOON_MS)
    return Share(
        user,
        person.name if person else user,
        len({(one.schedule, one.reason) for one in had}),
        sum(one.end_ms - one.start_ms for one in had),
        len(nights),
        sum((wall + THURSDAY_MS) % WEEK_MS // DAY_MS >= SATURDAY for _, wall in middays),
        sum(_day(wall) in _holidays(roster, owner) for owner, wall in middays),
        len(told),
        sum(_at_night(person, one.at_ms) for one in told),
    )


def _middles(had: list[Shift], time_ms: int) -> list[tuple[Person, int]]:
    """Each day whose time of day lies in a shift, as wall time; on two schedules it counts once."""
    found = {wall: shift.person for shift in had for wall in _times(shift, time_ms)}
    return [(person, wall) for wall, person in found.items()]


def _times(shift: Shift, time_ms: int) -> Iterator[int]:
    clock = clock_of(shift.person.time_zone)
    first = clock.wall(shift.start_ms) // DAY_MS * DAY_MS - DAY_MS
    for midnight in range(first, clock.wall(shift.end_ms) + DAY_MS, DAY_MS):
        if shift.start_ms <= clock.instant(midnight + time_ms) < shift.end_ms:
            yield midnight + time_ms


def _holidays(roster: Roster, person: Person) -> set[date]:
    return {one.day for one in roster.holidays if one.calendar == person.holidays}


def _at_night(person: Person | None, at_ms: Instant) -> bool:
    if person is None:
        return False
    begins, ends = NIGHT_MS
    time_ms = clock_of(person.time_zone).wall(at_ms) % DAY_MS
    return time_ms >= begins or time_ms < ends


def _day(wall_ms: int) -> date:
    return datetime.fromtimestamp(wall_ms // 1000, UTC).date()
