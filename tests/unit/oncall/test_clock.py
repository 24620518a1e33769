# ruff: noqa: DTZ001 - a wall time has no zone; that is what is tested
"""Every wall time has one instant: the first of two, and the jump for one that is skipped."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, at, said, zone_of

from llm_research_lab.oncall.clock import FIRST_MS, LAST_MS, clock_of, zone_names

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Etc/UTC",
)
zones = st.sampled_from(ZONES)
instants = st.integers(FIRST_MS + DAY, LAST_MS - DAY)


def wall(text):
    """A wall time as the clock counts it."""
    return at(text)


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", "2026-01-05 09:00", "2026-01-05 08:00:00 +0000"),
        ("Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29 00:59:59 +0000"),
        ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00:00 +0000"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00:00 +0000"),
        ("Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00:00 +0000"),
        ("Europe/Berlin", "2026-03-29 03:01", "2026-03-29 01:01:00 +0000"),
        ("Europe/Berlin", "2026-10-25 01:59", "2026-10-24 23:59:00 +0000"),
        ("Europe/Berlin", "2026-10-25 02:00", "2026-10-25 00:00:00 +0000"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30:00 +0000"),
        ("Europe/Berlin", "2026-10-25 02:59:59", "2026-10-25 00:59:59 +0000"),
        ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00:00 +0000"),
        ("Australia/Lord_Howe", "2021-04-04 01:45", "2021-04-03 14:45:00 +0000"),
        ("Australia/Lord_Howe", "2021-04-04 02:00", "2021-04-03 15:30:00 +0000"),
        ("Australia/Lord_Howe", "2020-10-04 02:15", "2020-10-03 15:30:00 +0000"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00:00 +0000"),
        ("Pacific/Apia", "2011-12-31 00:00", "2011-12-30 10:00:00 +0000"),
    ],
)
def test_a_wall_time_is_reached_once(zone, local, expected):
    assert said(clock_of(zone).instant(wall(local))) == expected


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        ("2026-10-25 00:59:59", "2026-10-25 02:59:59 +0000"),
        ("2026-10-25 01:00", "2026-10-25 02:59:59 +0000"),
        ("2026-10-25 01:59", "2026-10-25 02:59:59 +0000"),
        ("2026-10-25 02:00", "2026-10-25 03:00:00 +0000"),
        ("2026-03-29 00:59:59", "2026-03-29 01:59:59 +0000"),
        ("2026-03-29 01:00", "2026-03-29 03:00:00 +0000"),
    ],
)
def test_the_clock_stands_still_until_the_wall_has_caught_up(instant, shown):
    reading = clock_of("Europe/Berlin").reading(at(instant))
    assert said(reading) == shown


def test_while_it_stands_still_it_shows_the_last_millisecond():
    clock = clock_of("Europe/Berlin")
    assert clock.reading(at("2026-10-25 01:30")) == wall("2026-10-25 03:00") - 1
    assert clock.wall(at("2026-10-25 01:30")) == wall("2026-10-25 02:30")


@given(zones, instants)
def test_the_wall_is_the_zones_own_time(zone, instant):
    local = datetime.fromtimestamp(instant // 1000, zone_of(zone)).replace(tzinfo=None)
    expected = round((local - datetime(1970, 1, 1)).total_seconds()) * 1000 + instant % 1000
    assert clock_of(zone).wall(instant) == expected


@given(zones, instants, st.integers(0, 3 * DAY))
def test_later_is_never_shown_as_earlier(zone, instant, ahead):
    clock = clock_of(zone)
    assert clock.reading(instant) <= clock.reading(instant + ahead)
    assert clock.instant(instant) <= clock.instant(instant + ahead)


@given(zones, instants)
def test_the_instant_of_a_wall_time_is_the_first_at_which_it_is_reached(zone, local):
    clock = clock_of(zone)
    reached = clock.instant(local)
    assert clock.reading(reached) >= local
    assert clock.reading(reached - 1) < local


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_is_between_two_offsets_and_of_whole_minutes(zone):
    clock = clock_of(zone)
    assert all(before != after for before, after in pairwise(clock.offsets))
    assert all(offset % MINUTE == 0 for offset in clock.offsets)
    assert list(clock.starts) == sorted(clock.starts)


def test_a_zone_without_summer_time_has_its_changes_and_no_more():
    assert clock_of("Etc/UTC").offsets == (0,)
    assert clock_of("Asia/Kathmandu").offsets == (5 * HOUR + 30 * MINUTE, 5 * HOUR + 45 * MINUTE)
    assert said(clock_of("Asia/Kathmandu").starts[1]) == "1985-12-31 18:30:00 +0000"


def test_the_first_and_the_last_year_are_told():
    assert clock_of("Europe/Berlin").wall(FIRST_MS) == HOUR
    assert said(LAST_MS) == "2100-01-01 00:00:00 +0000"
    assert clock_of("Europe/Berlin").wall(LAST_MS - DAY) == LAST_MS - DAY + HOUR
    assert clock_of("Europe/Berlin").wall(at("2099-07-01 00:00")) == at("2099-07-01 02:00")


def test_a_zone_that_does_not_exist_is_an_error():
    assert "Europe/Berlin" in zone_names()
    with pytest.raises(KeyError, match="Europe/Bärlin"):
        clock_of("Europe/Bärlin")
