"""Times as people write them: with an offset an instant, without one a wall time of some zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from llm_research_lab.documents.fields import Place
from llm_research_lab.documents.readers import leaf, one_of
from llm_research_lab.oncall.clock import (
    DAY_MS,
    FIRST_MS,
    LAST_MS,
    MINUTE_MS,
    WEEK_MS,
    Clock,
    clock_of,
    zone_names,
)
from llm_research_lab.vocabulary import Instant, InvalidError
from llm_research_lab.vocabulary.durations import parse_duration

DATES = "a date and time from 1970 to 2099, such as 2026-01-05T09:00 or 2026-01-05T08:00:00Z"
CLOCK = "a time of day such as 09:00 or 09:00:00"
LENGTHS = "a duration such as 7d, 12h or 30m"
TURNS = {"hourly": 3_600_000, "daily": DAY_MS, "weekly": WEEK_MS}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?P<offset>Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """What was written: `local` says that `ms` is a wall time, which needs a zone."""

    ms: int
    local: bool

    def instant(self, clock: Clock) -> Instant:
        """Give the instant; a wall time is the clock's first of that name."""
        return clock.instant(self.ms) if self.local else self.ms

    def wall(self, clock: Clock) -> int:
        """Give the wall time; an instant is read off the wall."""
        return self.ms if self.local else clock.wall(self.ms)


def parsed_moment(text: str) -> Moment | None:
    """Read a moment, or None when the text is none within 1970 to 2099."""
    found = _MOMENT.fullmatch(text)
    try:
        read = datetime.fromisoformat(text) if found else None
    except ValueError:
        return None
    if found is None or read is None:
        return None
    local = found["offset"] is None
    moment = read.replace(tzinfo=UTC) if local else read
    since = moment - _EPOCH
    ms = (since.days * 86_400 + since.seconds) * 1000
    return Moment(ms, local) if FIRST_MS + DAY_MS <= ms < LAST_MS - DAY_MS else None


def moment(value: Any, place: Place) -> Moment | None:
    """A moment; a wrong one leaves a finding."""
    read = parsed_moment(value) if isinstance(value, str) else None
    if read is None:
        place.expect("moment", DATES, value)
    return read


def day(value: Any, place: Place) -> date | None:
    """A date, YYYY-MM-DD; a wrong one leaves a finding."""
    read = (
        parsed_moment(value) if isinstance(value, str) and len(value) == len("0000-00-00") else None
    )
    if read is None:
        place.expect("date", "a date from 1970 to 2099 such as 2026-12-25", value)
        return None
    return datetime.fromtimestamp(read.ms // 1000, UTC).date()


def time_of_day(value: Any, place: Place) -> int | None:
    """Milliseconds since midnight, of ``09:00`` or ``09:00:00``."""
    try:
        read = time.fromisoformat(value) if _CLOCK.fullmatch(str(value)) else None
    except ValueError:
        read = None
    if read is None:
        place.expect("time-of-day", CLOCK, value)
        return None
    return (read.hour * 60 + read.minute) * MINUTE_MS + read.second * 1000


def weekday(value: Any, place: Place) -> int | None:
    """0 for Monday to 6, written 1 to 7 as PagerDuty and ISO 8601 do, or the day's name."""
    if isinstance(value, str):
        name = one_of(*DAYS)(value, place)
        return None if name is None else DAYS.index(name)
    expected = "a day of the week, 1 (Monday) to 7, or its name"
    law = ("weekday", expected, lambda one: type(one) is int and 1 <= one <= len(DAYS))
    read = leaf(law)(value, place)
    return None if read is None else read - 1


def duration(value: Any, place: Place) -> int | None:
    """A positive duration in milliseconds: ``7d``, ``12h``."""
    try:
        read = parse_duration(value) if isinstance(value, str) else 0
    except InvalidError:
        read = 0
    if read <= 0 or read % 1000:
        place.expect("duration", f"{LENGTHS}, of whole seconds", value)
        return None
    return read


def turn_length(value: Any, place: Place) -> int | None:
    """A turn: hourly, daily, weekly or a duration."""
    return TURNS[value] if isinstance(value, str) and value in TURNS else duration(value, place)


def zone(value: Any, place: Place) -> Clock | None:
    """An IANA zone's clock."""
    name = one_of(*sorted(zone_names()))(value, place)
    return None if name is None else clock_of(name)


def in_week(weekday_number: int, time_ms: int) -> int:
    """Milliseconds since the week's Monday, 00:00."""
    return weekday_number * DAY_MS + time_ms
