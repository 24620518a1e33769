"""Named time intervals are read from ``time_intervals`` and the older ``mute_time_intervals``.

Source: Alertmanager, timeinterval/timeinterval.go; config/config.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from llm_research_lab.alerting.notifying.intervals import Span, TimeInterval
from llm_research_lab.alerting.notifying.scalars import list_of, text
from llm_research_lab.documents.fields import Field, Place, Reader, read_fields

Zones = Callable[[str], tzinfo]
"""Gives a zone by its name in the IANA database; raises KeyError or ValueError."""

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_LONGEST_MONTH = 31
_SHORTEST_MONTH = 28


def named_intervals_reader(zones: Zones = ZoneInfo) -> Reader:
    """A reader of one name with its intervals."""

    def read(value: Any, place: Place) -> tuple[str, tuple[TimeInterval, ...]] | None:
        intervals = list_of(lambda one, at: _interval(one, at, zones))
        fields = [Field("name", text, required=True), Field("time_intervals", intervals)]
        found = read_fields(value, place, fields)
        name = found.get("name")
        if name == "":
            place.at("name").find("interval-name", "missing name in time interval", "name it")
        return (name, found.get("time_intervals", ())) if name else None

    return read


def _interval(value: Any, place: Place, zones: Zones) -> TimeInterval:
    fields = [
        Field("times", _ranges(_times), nullable=True),
        Field("weekdays", _ranges(_weekdays), nullable=True),
        Field("days_of_month", _ranges(_days), nullable=True),
        Field("months", _ranges(_months), nullable=True),
        Field("years", _ranges(_years), nullable=True),
        Field("location", lambda one, at: _location(one, at, zones), nullable=True),
    ]
    found = read_fields({} if value is None else value, place, fields)
    return TimeInterval(
        found.get("times"),
        found.get("weekdays"),
        found.get("days_of_month"),
        found.get("months"),
        found.get("years"),
        found.get("location") or UTC,
    )


def _ranges(inner: Reader) -> Reader:
    """Read a list of ranges; those that cannot be read have their finding, null is zero to zero."""
    many = list_of(lambda one, at: (0, 0) if one is None else inner(one, at))
    return lambda value, place: tuple(one for one in many(value, place) if one is not None)


def _location(value: Any, place: Place, zones: Zones) -> tzinfo | None:
    """Read a zone's name. ``Local`` is the zone of a machine that we do not know: UTC."""
    name = text(value, place)
    if name in {"", "UTC", "Local"}:
        return UTC
    try:
        return zones(name)
    except (KeyError, ValueError, OSError):
        message = f"unknown time zone {name}"
        place.find("location", message, "write a name such as Europe/Berlin")
        return None


def _times(value: Any, place: Place) -> Span | None:
    """Read a range of a day, the end not included; it does not cross midnight."""
    fields = [Field("start_time", text, nullable=True), Field("end_time", text, nullable=True)]
    found = read_fields(value, place, fields)
    start, end = (_clock(found.get(one), place, one) for one in ("start_time", "end_time"))
    if start is None or end is None:
        return None
    if start >= end:
        message = "start time cannot be equal or greater than end time"
        place.find("range", message, "split a range that crosses midnight in two")
        return None
    return start, end


def _clock(value: str | None, place: Place, key: str) -> int | None:
    if not value:
        place.find("times", "both start and end times must be provided", f"add {key}")
        return None
    if not _CLOCK.fullmatch(value):
        place.at(key).expect("times", "a time such as 09:00", value)
        return None
    hours, _, minutes = value.partition(":")
    return int(hours) * 60 + int(minutes)


def _span(value: Any, place: Place, member: Callable[[str], int | None], what: str) -> Span | None:
    """Read ``a`` or ``a:b``."""
    words = text(value, place).lower().split(":")
    ends = [member(word) for word in words]
    first, last = ends[0], ends[-1]
    if len(words) > 2 or first is None or last is None:  # noqa: PLR2004 - a first and a last
        place.expect("range", what, value)
        return None
    return first, last


def _whole(word: str) -> int | None:
    return int(word) if _WHOLE.fullmatch(word) else None


def _weekdays(value: Any, place: Place) -> Span | None:
    found = _span(
        value, place, lambda one: WEEKDAYS.index(one) if one in WEEKDAYS else None, "a weekday"
    )
    return _rising(found, place)


def _months(value: Any, place: Place) -> Span | None:
    def member(word: str) -> int | None:
        return MONTHS.index(word) + 1 if word in MONTHS else _whole(word)

    return _rising(_span(value, place, member, "a month"), place)


def _years(value: Any, place: Place) -> Span | None:
    return _rising(_span(value, place, _whole, "a year"), place)


def _rising(found: Span | None, place: Place) -> Span | None:
    if found is not None and found[0] > found[1]:
        place.find("range", "the range ends before it starts", "swap its ends")
        return None
    return found


def _days(value: Any, place: Place) -> Span | None:
    """Read days of the month; a negative start needs a negative end."""
    found = _span(value, place, _whole, "a day of the month")
    if found is None:
        return None
    for day in found:
        if not 1 <= abs(day) <= _LONGEST_MONTH:
            place.expect("range", "a day from 1 to 31, or from -31 to -1", day)
            return None
    first, last = found
    if first < 0 < last:
        place.find(
            "range", "end day must be negative if start day is negative", "count both from the end"
        )
        return None
    ends = [day + _SHORTEST_MONTH if day < 0 else day for day in found]
    if ends[0] > ends[1]:
        message = f"end day {last} is always before start day {first}"
        place.find("range", message, "swap its ends")
        return None
    return found


def unique_intervals(
    found: list[tuple[Place, tuple[str, tuple[TimeInterval, ...]] | None]],
) -> dict[str, tuple[TimeInterval, ...]]:
    """Join the sections; a name stands once in both."""
    known: dict[str, tuple[TimeInterval, ...]] = {}
    for place, named in found:
        if named is None:
            continue
        if named[0] in known:
            message = f'time interval "{named[0]}" is not unique'
            place.find("duplicate-interval", message, "rename one of them")
        known[named[0]] = named[1]
    return known
