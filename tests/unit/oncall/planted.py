"""Rosters in a few words, and instants as people say them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.roster import ContactMethod, Person, Roster, Schedule
from llm_research_lab.oncall.rotation import Layer, windows_of

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
PHONE = ContactMethod("phone", "1")


@cache
def zone_of(key):
    """The zone as the tzdata package has it: the system's may be older."""
    with resources.files("tzdata").joinpath("zoneinfo", *key.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key)


def at(text, zone="Etc/UTC", fold=0):
    """Milliseconds of a local time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=zone_of(zone), fold=fold)
    return round(moment.timestamp() * 1000)


def said(at_ms, zone="Etc/UTC"):
    """The local time with its offset."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone_of(zone))
    return f"{moment:%Y-%m-%d %H:%M:%S %z}"


def layer(users, start, turn, *restrictions, zone="Etc/UTC", end=None, origin=None, name="one"):
    """A layer whose times are local; restrictions are (start in the week, duration)."""
    clock = clock_of(zone)
    start_ms = at(start, zone)
    origin_ms = clock.wall(start_ms if origin is None else at(origin, zone))
    end_ms = None if end is None else at(end, zone)
    windows = windows_of(restrictions)
    return Layer(name, tuple(users), clock, start_ms, end_ms, origin_ms, turn, windows)


def person(user, zone="Etc/UTC", **given):
    given.setdefault("contact_methods", (PHONE,))
    return Person(user, user.title(), zone, 0, **given)


def schedule(name, *layers, from_ms=0, **given):
    zone = layers[0].clock.zone if layers else "Etc/UTC"
    return Schedule(name, name, zone, from_ms, layers, **given)


def roster(*schedules, users="abcde", from_ms=0, people=(), **given):
    """A roster with people a to e, and one record a schedule, or more in order."""
    named = {}
    for one in schedules:
        named[one.id] = (*named.get(one.id, ()), one)
    known = {user: (person(user),) for user in users}
    for one in people:
        known[one.id] = (one,)
    return Roster(from_ms, known, named, **given)
