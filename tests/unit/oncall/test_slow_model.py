# ruff: noqa: DTZ001 - a wall time has no zone; that is what is tested
"""Ours and the minute-by-minute model agree at every step, over random rosters and changes."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oncall.planted import DAY, MINUTE, roster, schedule
from tests.unit.oncall.slow import SlowLayer, SlowSchedule

from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.roster import Absence, Override
from llm_research_lab.oncall.rotation import Layer, windows_of
from llm_research_lab.oncall.shifts import gaps, shifts
from llm_research_lab.oncall.who import who

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
STEP = 15
"""Minutes: all times of the random rosters are multiples of it, and so are all zones' changes."""

CHANGES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Asia/Kathmandu": ["1986-01-01"],
    "America/Santiago": ["2026-04-05", "2026-09-06"],
}
DAYS, WEEKS = 24 * 60, 7 * 24 * 60
TURNS = [60, 120, 180, 480, 720, 36 * 60, DAYS, 2 * DAYS, 3 * DAYS, WEEKS, 2 * WEEKS, 75, 10 * DAYS]

quarters = st.integers(0, 95).map(lambda quarter: 15 * quarter)
restrictions = st.lists(
    st.tuples(
        st.one_of(
            st.just(list(range(7))),
            st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True),
        ),
        quarters,
        st.one_of(st.integers(1, 96).map(lambda one: 15 * one), st.just(3 * DAYS)),
    ),
    max_size=2,
)


@st.composite
def layers(draw, first, zones):
    """A layer whose rotation began up to ten days before the span."""
    zone = draw(zones)
    origin = first - timedelta(minutes=15 * draw(st.integers(0, 960)))
    start = origin + timedelta(minutes=15 * draw(st.integers(0, 400)))
    end = draw(st.one_of(st.none(), st.integers(1, 1000)))
    return SlowLayer(
        draw(st.sampled_from(["a", "ab", "abc", "ba", "dcba"])),
        zone,
        start,
        None if end is None else start + timedelta(minutes=15 * end),
        origin,
        draw(st.sampled_from(TURNS)),
        draw(restrictions),
    )


@st.composite
def worlds(draw, span_days):
    """A schedule around a change of some zone, and the span to compare."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    first = change - timedelta(days=draw(st.integers(0, 4)))
    other = st.sampled_from(sorted(CHANGES))
    zones = st.one_of(st.just(zone), other if zone != "Asia/Kathmandu" else st.just(zone))
    found = draw(st.lists(layers(first, zones), min_size=1, max_size=3))
    begin = first.replace(tzinfo=UTC)

    def spans():
        return st.tuples(st.sampled_from("abce"), st.integers(0, 600), st.integers(1, 200)).map(
            lambda one: (
                one[0],
                begin + timedelta(minutes=15 * one[1]),
                begin + timedelta(minutes=15 * (one[1] + one[2])),
            )
        )

    slow = SlowSchedule(
        found, draw(st.lists(spans(), max_size=2)), draw(st.lists(spans(), max_size=2))
    )
    return slow, begin, begin + timedelta(days=span_days)


def ms(moment):
    return round(moment.timestamp()) * 1000


def naive_ms(wall):
    return round((wall - datetime(1970, 1, 1)).total_seconds()) * 1000


def ours(slow):
    """The same schedule in our types."""
    built = []
    for number, one in enumerate(slow.layers):
        clock = clock_of(one.zone)
        windows = windows_of(
            [
                (day * DAY + minute * MINUTE, length * MINUTE)
                for weekdays, minute, length in one.restrictions
                for day in weekdays
            ]
        )
        end_ms = None if one.end is None else clock.instant(naive_ms(one.end))
        start_ms = clock.instant(naive_ms(one.start))
        origin, turn = naive_ms(one.origin), one.turn * MINUTE
        name = f"l{number}"
        built.append(Layer(name, tuple(one.users), clock, start_ms, end_ms, origin, turn, windows))
    return roster(
        schedule("p", *built),
        overrides=tuple(Override("p", user, ms(one), ms(end)) for user, one, end in slow.overrides),
        absences=tuple(Absence(user, ms(one), ms(end)) for user, one, end in slow.absences),
    )


def compare(slow, first, last, step):
    known = ours(slow)
    stretches = [
        (one.start_ms, one.end_ms, one.person.id) for one in shifts(known, "p", ms(first), ms(last))
    ]
    stretches += [(one.start_ms, one.end_ms, None) for one in gaps(known, "p", ms(first), ms(last))]
    stretches.sort()
    assert stretches[0][0] == ms(first)
    assert stretches[-1][1] == ms(last)
    assert all(one[1] == other[0] for one, other in pairwise(stretches))
    place = 0
    for moment, expected in slow.walk(first, last, step):
        now = ms(moment)
        person, reason = who(known, "p", now)
        assert (person and person.id) == expected, (moment, reason)
        while stretches[place][1] <= now:
            place += 1
        assert stretches[place][2] == expected, (moment, stretches[place])


@pytest.mark.timeout(1200)
@given(worlds(12 if not LONG else 20))
def test_who_and_shifts_agree_with_the_slow_model(world):
    slow, first, last = world
    compare(slow, first, last, STEP)


YEARS = 3 if LONG else 1


@pytest.mark.parametrize("zone", sorted(CHANGES))
def test_a_roster_of_years_agrees_with_the_slow_model(zone):
    """Weekly turns, weekdays by day, and nights by hours, at every quarter of an hour."""
    first = datetime(1985, 6, 3) if zone == "Asia/Kathmandu" else datetime(2024, 1, 1)
    mondays = timedelta(hours=9)
    slow = SlowSchedule(
        [
            SlowLayer("abcd", zone, first + mondays, None, first + mondays, WEEKS, []),
            SlowLayer("cab", zone, first, None, first, DAYS, [([0, 1, 2, 3, 4], 540, 480)]),
            SlowLayer("db", zone, first, None, first, 180, [([5, 6], 60, 150)]),
        ]
    )
    begin = first.replace(tzinfo=UTC)
    compare(slow, begin, begin + timedelta(days=365 * YEARS), STEP)


def test_minute_by_minute_over_a_change():
    first = datetime(2026, 3, 28)
    slow = SlowSchedule(
        [
            SlowLayer("abc", "Europe/Berlin", first, None, first, 7, []),
            SlowLayer("de", "Europe/Berlin", first, None, first, 41, [([6], 100, 77)]),
        ]
    )
    begin = first.replace(tzinfo=UTC)
    compare(slow, begin, begin + timedelta(days=2), 1)
