"""The layers of a schedule are read in the words of PagerDuty's REST API.

A layer may have a zone of its own, for a rotation that follows the sun. `duration_seconds` and
`rotation_turn_length_seconds` are PagerDuty's; `duration` and `rotation_turn_length` say the same
as 8h or weekly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import list_of, one_of, text, whole
from llm_research_lab.oncall.clock import DAY_MS, MINUTE_MS, WEEK_MS, Clock
from llm_research_lab.oncall.moments import (
    DAYS,
    Moment,
    duration,
    in_week,
    moment,
    time_of_day,
    turn_length,
    weekday,
    zone,
)
from llm_research_lab.oncall.rotation import Layer, Window, windows_of
from llm_research_lab.vocabulary import Instant

MOST_LAYERS = 100
MOST_USERS = 1000
YEAR_MS = 365 * DAY_MS
"""PagerDuty's longest turn."""

NAME = text(200)


@dataclass(frozen=True, slots=True)
class Written:
    """A layer as it was read; its times wait for the schedule's zone."""

    name: str
    users: tuple[str, ...]
    clock: Clock | None
    start: Moment | None
    end: Moment | None
    origin: Moment | None
    turn_ms: int
    windows: tuple[Window, ...]
    where: str

    def layer(self, schedule_clock: Clock, from_ms: Instant) -> Layer:
        """Give the layer: it starts with its record, and its rotation with it, unless it says."""
        clock = self.clock or schedule_clock
        start_ms = from_ms if self.start is None else self.start.instant(clock)
        end_ms = None if self.end is None else self.end.instant(clock)
        origin = self.origin or self.start
        origin_ms = clock.wall(from_ms) if origin is None else origin.wall(clock)
        return Layer(
            self.name,
            self.users,
            clock,
            start_ms,
            end_ms,
            origin_ms,
            self.turn_ms,
            self.windows,
            self.where,
        )


def read_layers(value: Any, place: Place) -> tuple[Written, ...]:
    """All layers of a schedule; an empty list is a schedule that nobody is on."""
    layers = list_of(_layer, 0, MOST_LAYERS)(value, place)
    return tuple(one for one in layers if one is not None)


def _layer(value: Any, place: Place) -> Written | None:
    fields = [
        Field("name", NAME),
        Field("users", list_of(NAME, 1, MOST_USERS), required=True),
        Field("time_zone", zone),
        Field("start", moment),
        Field("end", moment, nullable=True),
        Field("rotation_virtual_start", moment),
        Field("rotation_turn_length", turn_length),
        Field("rotation_turn_length_seconds", whole(1, YEAR_MS // 1000)),
        Field("restrictions", list_of(_restriction, 0, MOST_LAYERS)),
    ]
    before = len(place.findings)
    found = read_fields(value, place, fields)
    turn_ms = _either(found, "rotation_turn_length", place)
    if turn_ms is not None and (turn_ms % MINUTE_MS or turn_ms > YEAR_MS):
        message = "a turn is whole minutes, at most 365 days"
        place.find("turn-length", message, "write such as hourly, 12h, daily, 7d")
    if len(place.findings) > before or turn_ms is None:
        return None
    restrictions = [one for each in found.get("restrictions", ()) for one in each]
    return Written(
        found.get("name") or f"layer {int(place.path[-1]) + 1}",
        found["users"],
        found.get("time_zone"),
        found.get("start"),
        found.get("end"),
        found.get("rotation_virtual_start"),
        turn_ms,
        windows_of(restrictions),
        place.source.where((*place.path, "users")),
    )


def _restriction(value: Any, place: Place) -> list[tuple[int, int]]:
    """Start in the week and duration, for each day on which it starts."""
    fields = [
        Field("type", one_of("daily_restriction", "weekly_restriction"), required=True),
        Field("start_time_of_day", time_of_day, required=True),
        Field("start_day_of_week", _days),
        Field("duration", duration),
        Field("duration_seconds", whole(1, WEEK_MS // 1000)),
    ]
    before = len(place.findings)
    found = read_fields(value, place, fields)
    length = _either(found, "duration", place)
    days = found.get("start_day_of_week")
    if found.get("type") == "weekly_restriction" and days is None:
        place.find("missing-key", "a weekly restriction has its day", "add start_day_of_week")
    if found.get("type") == "daily_restriction" and days is not None:
        place.find("day", "a daily restriction is of every day", "write weekly_restriction")
    most = DAY_MS if found.get("type") == "daily_restriction" else WEEK_MS
    if length is not None and length > most:
        place.find("duration", "the restriction is longer than its period", "shorten it")
    if len(place.findings) > before or length is None:
        return []
    return [(in_week(day, found["start_time_of_day"]), length) for day in days or range(len(DAYS))]


def _days(value: Any, place: Place) -> list[int]:
    """One day of the week, or several."""
    if not isinstance(value, list):
        value, places = [value], [place]
    else:
        places = [place.at(index) for index in range(len(value))]
    read = [weekday(one, at) for one, at in zip(value, places, strict=True)]
    return [one for one in read if one is not None]


def _either(found: dict[str, Any], name: str, place: Place) -> int | None:
    """Milliseconds of a duration that is written one way or the other."""
    seconds = found.get(f"{name}_seconds")
    if (name in found) == (f"{name}_seconds" in found):
        place.find("missing-key", f"expected {name} or {name}_seconds", "give one of the two")
        return None
    return found.get(name) if seconds is None else seconds * 1000
