"""A time prints, and is taken apart, as Go's time.Time is: in UTC, or in the zone it was put in.

Source: Go, package time (Format's layouts, String, LoadLocation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from llm_research_lab.templates.durations import Duration
from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.values import Function, Record

_NANOS = 1_000_000_000
ZERO = -62_135_596_800 * _NANOS
"""Go's zero time, the first of January of the year 1."""

_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = (
    (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) for year in (2, 9999)
)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000"
    r"|-07:00|-0700|-07|002|__2|_2|01|02|03|04|05|06|15|PM|pm|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
    r"|1|2|3|4|5"
)
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

STRING_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"
_JSON_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"
_TIME = "time.Time"
_ZONE = "\0zone"
"""No template can ask for it."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone at an instant: the abbreviation of its time, and how far that is before UTC's."""

    name: str = "UTC"
    offset_seconds: int = 0


_UTC = Zone()


def zone_at(name: str, nanos: int) -> Zone:
    """Give the zone of that name, as tzdata has it. Raises CallError where there is none."""
    if name in ("", "UTC", "Local"):
        return _UTC
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise CallError(f"unknown time zone {name}") from None
    # Python's calendar ends sooner than Go's; there the zone is as at its ends.
    seconds = max(_FIRST_SECOND, min(nanos // _NANOS, _LAST_SECOND))
    within = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    offset = within.utcoffset() or timedelta()
    return Zone(within.tzname() or "", int(offset.total_seconds()))


@dataclass(frozen=True, slots=True)
class _Moment:
    """A time taken apart; `year` may lie outside Python's calendar."""

    year: int
    within: datetime
    nanos: int
    zone: Zone


def _moment(nanos: int, zone: Zone) -> _Moment:
    seconds, rest = divmod(nanos + zone.offset_seconds * _NANOS, _NANOS)
    days, second = divmod(seconds, _DAY_SECONDS)
    # The calendar repeats after 400 years, in whole weeks; Python knows the years 1 to 9999.
    cycles, day = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    within = datetime.fromordinal(day + 1).replace(tzinfo=UTC)
    hour, second = divmod(second, 3600)
    within = within.replace(hour=hour, minute=second // 60, second=second % 60)
    return _Moment(within.year + cycles * _CYCLE_YEARS, within, rest, zone)


def nanos_of_time(time: Record) -> int:
    """Give the nanoseconds since 1970 of a time that templates see."""
    return int(time.methods["UnixNano"].call())


def time_record(nanos: int, go_type: str = "*time.Time", zone: Zone = _UTC) -> Record:
    """Give the time as templates see it: `nanos` since 1970 UTC."""
    moment = _moment(nanos, zone)
    within = moment.within
    plain: dict[str, Any] = {
        "Year": moment.year,
        "Month": _named(within.month, MONTHS[within.month - 1], "time.Month"),
        "Day": within.day,
        "Hour": within.hour,
        "Minute": within.minute,
        "Second": within.second,
        "Nanosecond": moment.nanos,
        "Weekday": _named(within.isoweekday() % 7, DAYS[within.weekday()], "time.Weekday"),
        "YearDay": within.timetuple().tm_yday,
        "Unix": nanos // _NANOS,
        "UnixMilli": nanos // 1_000_000,
        "UnixMicro": nanos // 1_000,
        "UnixNano": nanos,
        "String": format_time(nanos, STRING_LAYOUT, zone),
        "IsZero": nanos == ZERO,
    }
    methods = {name: Function(lambda value=value: value) for name, value in plain.items()}
    methods |= _compared(nanos)
    methods["Format"] = Function(lambda layout: format_time(nanos, layout, zone), ("string",))
    methods["Add"] = Function(lambda by: time_record(nanos + by, _TIME, zone), (Duration.go_type,))
    methods[_ZONE] = Function(lambda: (zone.name, zone.offset_seconds))
    for name in ("UTC", "Local"):
        methods[name] = Function(lambda: time_record(nanos, _TIME))
    json = format_time(nanos, _JSON_LAYOUT, zone)
    return Record(go_type, {}, methods, plain["String"], json=f'"{json}"')


def zone_of(time: Record) -> Zone:
    """Give the zone that a time that templates see is in."""
    name, offset = time.methods[_ZONE].call()
    return Zone(name, offset)


def _compared(nanos: int) -> dict[str, Function]:
    """Give what a time says of another."""
    return {
        "Sub": Function(lambda other: Duration.within(nanos - nanos_of_time(other)), (_TIME,)),
        "Before": Function(lambda other: nanos < nanos_of_time(other), (_TIME,)),
        "After": Function(lambda other: nanos > nanos_of_time(other), (_TIME,)),
        "Equal": Function(lambda other: nanos == nanos_of_time(other), (_TIME,)),
    }


class Named(int):
    """A number that prints as a word."""

    go_type: str
    text: str


def _named(value: int, text: str, go_type: str) -> Named:
    named = Named(value)
    named.go_type, named.text = go_type, text
    return named


def format_time(nanos: int, layout: str, zone: Zone = _UTC) -> str:
    """Write the time by a layout of Go's: ``2006-01-02T15:04:05Z07:00``."""
    moment = _moment(nanos, zone)
    return LAYOUT.sub(lambda found: _part(found.group(), moment), layout)


def _part(word: str, moment: _Moment) -> str:
    within = moment.within
    if word[0] in ".,":
        return _fraction(word, moment.nanos)
    offset = moment.zone.offset_seconds
    if word[0] in "Z-":
        return "Z" if word[0] == "Z" and not offset else _offset(word, offset)
    twelve = within.hour % 12 or 12
    parts: dict[str, str] = {
        "January": MONTHS[within.month - 1],
        "Jan": MONTHS[within.month - 1][:3],
        "Monday": DAYS[within.weekday()],
        "Mon": DAYS[within.weekday()][:3],
        "MST": moment.zone.name or _offset("-0700", offset),
        "2006": f"{moment.year:04d}",
        "06": f"{moment.year % 100:02d}",
        "002": f"{within.timetuple().tm_yday:03d}",
        "__2": f"{within.timetuple().tm_yday:3d}",
        "_2": f"{within.day:2d}",
        "01": f"{within.month:02d}",
        "1": str(within.month),
        "02": f"{within.day:02d}",
        "2": str(within.day),
        "15": f"{within.hour:02d}",
        "03": f"{twelve:02d}",
        "3": str(twelve),
        "04": f"{within.minute:02d}",
        "4": str(within.minute),
        "05": f"{within.second:02d}",
        "5": str(within.second),
        "PM": "PM" if within.hour >= 12 else "AM",  # noqa: PLR2004 - noon
        "pm": "pm" if within.hour >= 12 else "am",  # noqa: PLR2004 - noon
    }
    return parts[word]


def _offset(word: str, offset: int) -> str:
    """Write how far the zone is before UTC, in the parts that the word has."""
    hours, rest = divmod(abs(offset), 3600)
    colon = ":" if ":" in word else ""
    parts = (f"{hours:02d}", f"{rest // 60:02d}", f"{rest % 60:02d}")
    count = len(word.replace(":", "")) // 2
    return ("-" if offset < 0 else "+") + colon.join(parts[:count])


def _fraction(word: str, nanos: int) -> str:
    digits = f"{nanos:09d}"[: len(word) - 1]
    if word[1] == "9":
        digits = digits.rstrip("0")
        return word[0] + digits if digits else ""
    return word[0] + digits
