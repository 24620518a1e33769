"""A time with an offset is an instant; one without is a wall time of the zone it is asked in."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, WEEK, at

from llm_research_lab.documents.fields import Place, Source
from llm_research_lab.oncall import moments
from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.moments import Moment, parsed_moment

BERLIN = clock_of("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "local", "utc"),
    [
        ("2026-01-05", True, "2026-01-05 00:00"),
        ("2026-01-05T09:00", True, "2026-01-05 09:00"),
        ("2026-01-05 09:00:30", True, "2026-01-05 09:00:30"),
        ("2026-01-05T09:00Z", False, "2026-01-05 09:00"),
        ("2026-01-05T09:00:00+02:00", False, "2026-01-05 07:00"),
        ("2026-01-05T09:00-05:30", False, "2026-01-05 14:30"),
        ("1970-01-02", True, "1970-01-02 00:00"),
        ("2099-12-30T23:59:59Z", False, "2099-12-30 23:59:59"),
    ],
)
def test_a_moment_is_local_when_it_has_no_offset(text, local, utc):
    assert parsed_moment(text) == Moment(at(utc), local)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-1-5", "2026-02-30", "2026-01-05T24:00", "2026-01-05T09", "2026-W01-1",
        "2026-01-05T09:00:00.5", "20260105", "2026-01-05Z", "1970-01-01", "1969-12-31", "2099-12-31",
        "2100-01-01", "2026-01-05T09:00+2:00", "٢٠٢٦-01-05",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_none(text):
    assert parsed_moment(text) is None


def test_a_local_moment_is_read_in_the_zone_and_an_instant_on_its_wall():
    local, instant = Moment(at("2026-07-01 09:00"), True), Moment(at("2026-07-01 09:00"), False)
    assert local.instant(BERLIN) == at("2026-07-01 07:00")
    assert local.wall(BERLIN) == at("2026-07-01 09:00")
    assert instant.instant(BERLIN) == at("2026-07-01 09:00")
    assert instant.wall(BERLIN) == at("2026-07-01 11:00")


def read(reader, value):
    findings = []
    found = reader(value, Place(Source(value), findings, ("key",)))
    return found, [(one.law, one.message) for one in findings]


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (moments.moment, "2026-01-05", Moment(at("2026-01-05 00:00"), True)),
        (moments.day, "2026-12-25", date(2026, 12, 25)),
        (moments.time_of_day, "09:30", 9 * HOUR + 30 * MINUTE),
        (moments.time_of_day, "23:59:59", DAY - 1000),
        (moments.time_of_day, "00:00", 0),
        (moments.weekday, 1, 0),
        (moments.weekday, 7, 6),
        (moments.weekday, "monday", 0),
        (moments.weekday, "sunday", 6),
        (moments.duration, "12h", 12 * HOUR),
        (moments.duration, "1s", 1000),
        (moments.turn_length, "hourly", HOUR),
        (moments.turn_length, "daily", DAY),
        (moments.turn_length, "weekly", WEEK),
        (moments.turn_length, "30m", 30 * MINUTE),
        (moments.zone, "Europe/Berlin", BERLIN),
    ],
)
def test_a_value_is_read(reader, value, expected):
    assert read(reader, value) == (expected, [])


@pytest.mark.parametrize(
    ("reader", "value", "law", "message"),
    [
        (moments.moment, 3, "moment", "key: expected a date and time from 1970 to 2099, such as 2026-01-05T09:00 or 2026-01-05T08:00:00Z, got 3"),
        (moments.moment, "soon", "moment", None),
        (moments.day, "2026-12-25T00:00", "date", "key: expected a date from 1970 to 2099 such as 2026-12-25, got '2026-12-25T00:00'"),
        (moments.day, 20261225, "date", None),
        (moments.day, "2026-13-25", "date", None),
        (moments.time_of_day, "9:30", "time-of-day", "key: expected a time of day such as 09:00 or 09:00:00, got '9:30'"),
        (moments.time_of_day, "24:00", "time-of-day", None),
        (moments.time_of_day, 930, "time-of-day", None),
        (moments.weekday, 0, "weekday", "key: expected a day of the week, 1 (Monday) to 7, or its name, got 0"),
        (moments.weekday, 8, "weekday", None),
        (moments.weekday, True, "weekday", None),
        (moments.weekday, None, "weekday", None),
        (moments.weekday, "mon", "unknown-key", None),
        (moments.duration, "0s", "duration", "key: expected a duration such as 7d, 12h or 30m, of whole seconds, got '0s'"),
        (moments.duration, "1ms", "duration", None),
        (moments.duration, "later", "duration", None),
        (moments.duration, 5, "duration", None),
        (moments.turn_length, "monthly", "duration", None),
        (moments.zone, "Berlin", "unknown-key", None),
        (moments.zone, 3, "type", None),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_finding(reader, value, law, message):
    found, findings = read(reader, value)
    assert found is None
    assert [one for one, _ in findings] == [law]
    assert message is None or findings[0][1] == message


def test_a_turn_length_that_is_a_list_is_a_finding():
    assert read(moments.turn_length, ["weekly"])[1]


def test_the_place_in_the_week_counts_from_monday():
    assert moments.in_week(2, HOUR) == 2 * DAY + HOUR
