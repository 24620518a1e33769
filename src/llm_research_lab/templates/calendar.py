"""A time prints, and is taken apart, as Go's time.Time is; always in UTC.

Source: Go, package time (Format's layouts, String).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from llm_research_lab.templates.values import Function, Record

_NANOS = 1_000_000_000
_DAY_SECONDS = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000"
    r"|-07:00|-0700|-07|002|__2|_2|01|02|03|04|05|06|15|PM|pm|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
    r"|1|2|3|4|5"
)
_MONTHS = (
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
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

STRING_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST"


@dataclass(frozen=True, slots=True)
class _Moment:
    """A time taken apart; `year` may lie outside Python's calendar."""

    year: int
    within: datetime
    nanos: int


def _moment(nanos: int) -> _Moment:
    seconds, rest = divmod(nanos, _NANOS)
    days, second = divmod(seconds, _DAY_SECONDS)
    # The calendar repeats after 400 years, in whole weeks; Python knows the years 1 to 9999.
    cycles, day = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    within = datetime.fromordinal(day + 1).replace(tzinfo=UTC)
    hour, second = divmod(second, 3600)
    within = within.replace(hour=hour, minute=second // 60, second=second % 60)
    return _Moment(within.year + cycles * _CYCLE_YEARS, within, rest)


def time_record(nanos: int, go_type: str = "*time.Time") -> Record:
    """Give the time as templates see it: `nanos` since 1970 UTC."""
    moment = _moment(nanos)
    within = moment.within
    plain: dict[str, Any] = {
        "Year": moment.year,
        "Month": _named(within.month, _MONTHS[within.month - 1], "time.Month"),
        "Day": within.day,
        "Hour": within.hour,
        "Minute": within.minute,
        "Second": within.second,
        "Nanosecond": moment.nanos,
        "Weekday": _named(within.isoweekday() % 7, _DAYS[within.weekday()], "time.Weekday"),
        "YearDay": within.timetuple().tm_yday,
        "Unix": nanos // _NANOS,
        "UnixMilli": nanos // 1_000_000,
        "UnixMicro": nanos // 1_000,
        "UnixNano": nanos,
        "String": format_time(nanos, STRING_LAYOUT),
    }
    methods = {name: Function(lambda value=value: value) for name, value in plain.items()}
    methods["Format"] = Function(lambda layout: format_time(nanos, layout), ("string",))
    for name in ("UTC", "Local"):
        methods[name] = Function(lambda: time_record(nanos, "time.Time"))
    return Record(go_type, {}, methods, plain["String"])


class Named(int):
    """A number that prints as a word."""

    go_type: str
    text: str


def _named(value: int, text: str, go_type: str) -> Named:
    named = Named(value)
    named.go_type, named.text = go_type, text
    return named


def format_time(nanos: int, layout: str) -> str:
    """Write the time by a layout of Go's: ``2006-01-02T15:04:05Z07:00``."""
    moment = _moment(nanos)
    return _LAYOUT.sub(lambda found: _part(found.group(), moment), layout)


def _part(word: str, moment: _Moment) -> str:
    within = moment.within
    if word[0] in ".,":
        return _fraction(word, moment.nanos)
    if word[0] == "Z":
        return "Z"
    if word[0] == "-":
        return {3: "+00", 5: "+0000", 6: "+00:00", 7: "+000000", 9: "+00:00:00"}[len(word)]
    twelve = within.hour % 12 or 12
    parts: dict[str, str] = {
        "January": _MONTHS[within.month - 1],
        "Jan": _MONTHS[within.month - 1][:3],
        "Monday": _DAYS[within.weekday()],
        "Mon": _DAYS[within.weekday()][:3],
        "MST": "UTC",
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


def _fraction(word: str, nanos: int) -> str:
    digits = f"{nanos:09d}"[: len(word) - 1]
    if word[1] == "9":
        digits = digits.rstrip("0")
        return word[0] + digits if digits else ""
    return word[0] + digits
