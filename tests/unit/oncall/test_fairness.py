"""Each night, weekend day and holiday counts once, for who is on at its middle in their zone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, WEEK, at, layer, person, roster, schedule

from llm_research_lab.oncall.fairness import Paged, Share, fairness
from llm_research_lab.oncall.roster import Holiday, Override

MONDAY = "2026-01-05 00:00"
T = at(MONDAY)


def test_a_week_is_one_shift_seven_nights_and_a_weekend():
    known = roster(schedule("p", layer("ab", "2026-01-05 09:00", WEEK)))
    start = T + 9 * HOUR
    assert fairness(known, ["p"], start, start + 3 * WEEK) == (
        Share("a", "A", 2, 2 * WEEK, 14, 4, 0),
        Share("b", "B", 1, WEEK, 7, 2, 0),
    )


def test_a_night_belongs_to_who_is_on_at_three():
    turn = layer("ab", "2026-01-05 03:00", DAY)
    shares = fairness(roster(schedule("p", turn)), ["p"], T + 3 * HOUR, T + 51 * HOUR)
    assert [(one.user, one.nights) for one in shares] == [("a", 1), ("b", 1)]
    assert [
        one.nights for one in fairness(roster(schedule("p", turn)), ["p"], T, T + 3 * HOUR)
    ] == []
    cut = fairness(roster(schedule("p", turn)), ["p"], T + 3 * HOUR, T + 27 * HOUR)
    assert [(one.user, one.nights) for one in cut] == [("a", 1)]
    cut = fairness(roster(schedule("p", turn)), ["p"], T + 3 * HOUR + 1, T + 27 * HOUR)
    assert [one.nights for one in cut] == [0]


def test_a_weekend_day_belongs_to_who_is_on_at_noon():
    turn = layer("abc", "2026-01-09 12:00", DAY)  # a Friday
    shares = fairness(roster(schedule("p", turn)), ["p"], T, T + 7 * DAY + 12 * HOUR)
    days = {one.user: one.weekend_days for one in shares}
    assert days == {"a": 0, "b": 1, "c": 1}


def test_nights_are_those_of_the_persons_own_zone():
    people = [person("a", zone="America/New_York"), person("b", zone="Asia/Kathmandu")]
    known = roster(schedule("p", layer("ab", MONDAY, 12 * HOUR)), people=people)
    shares = {one.user: one for one in fairness(known, ["p"], T, T + DAY)}
    assert (shares["a"].nights, shares["b"].nights) == (1, 1)
    swapped = roster(schedule("p", layer("ba", MONDAY, 12 * HOUR)), people=people)
    assert [one.nights for one in fairness(swapped, ["p"], T, T + DAY)] == [0, 0]


def test_a_night_over_a_change_to_summer_time_counts():
    people = [person("a", zone="America/Sao_Paulo"), person("b", zone="Europe/Berlin")]
    start = at("2026-03-28 12:00")
    known = roster(schedule("p", layer("b", "2026-03-28 12:00", WEEK)), people=people)
    assert [one.nights for one in fairness(known, ["p"], start, start + 2 * DAY)] == [2]


def test_a_turn_that_is_cut_is_one_shift_and_an_override_another():
    nine_to_five = [(day * DAY + 9 * HOUR, 8 * HOUR) for day in range(5)]
    known = roster(
        schedule("p", layer("a", MONDAY, WEEK, *nine_to_five)),
        overrides=(Override("p", "b", T + 10 * HOUR, T + 11 * HOUR),),
    )
    shares = fairness(known, ["p"], T, T + WEEK)
    assert shares == (
        Share("a", "A", 1, 39 * HOUR, 0, 0, 0),
        Share("b", "B", 1, HOUR, 0, 0, 0),
    )


def test_two_schedules_make_two_shifts_but_one_night():
    known = roster(schedule("p", layer("a", MONDAY, WEEK)), schedule("q", layer("a", MONDAY, WEEK)))
    assert fairness(known, ["p", "q"], T, T + WEEK) == (Share("a", "A", 2, 2 * WEEK, 7, 2, 0),)
    assert fairness(known, ["p"], T, T + WEEK) == (Share("a", "A", 1, WEEK, 7, 2, 0),)


def test_holidays_are_those_of_the_persons_calendar():
    days = (
        Holiday("de", date(2026, 1, 6)),
        Holiday("us", date(2026, 1, 7)),
        Holiday("de", date(2026, 2, 1)),
    )
    known = roster(
        schedule("p", layer("ab", MONDAY, DAY)),
        people=[person("a", holidays="us"), person("b", holidays="de")],
        holidays=days,
    )
    shares = {one.user: one.holidays for one in fairness(known, ["p"], T, T + 4 * DAY)}
    assert shares == {"a": 1, "b": 1}
    shares = {one.user: one.holidays for one in fairness(known, ["p"], T, T + 2 * DAY)}
    assert shares == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("time", "night"),
    [("21:59", 0), ("22:00", 1), ("00:00", 1), ("05:59", 1), ("06:00", 0), ("12:00", 0)],
)
def test_a_page_at_night_is_counted_twice_over(time, night):
    known = roster(people=[person("a", zone="Europe/Berlin")])
    page = Paged("a", at(f"2026-01-05 {time}", "Europe/Berlin"))
    (share,) = fairness(known, [], T - DAY, T + DAY, [page])
    assert (share.pages, share.night_pages, share.shifts, share.on_call_ms) == (1, night, 0, 0)


def test_pages_outside_the_span_do_not_count_and_strangers_do():
    pages = [
        Paged("a", T - 1),
        Paged("a", T),
        Paged("a", T + DAY - 1),
        Paged("a", T + DAY),
        Paged("x", T),
    ]
    shares = fairness(roster(), [], T, T + DAY, pages)
    assert [(one.user, one.name, one.pages, one.night_pages) for one in shares] == [
        ("a", "A", 2, 2),
        ("x", "x", 1, 0),
    ]


def test_those_with_the_most_time_come_first():
    known = roster(schedule("p", layer("cab", MONDAY, DAY)))
    shares = fairness(known, ["p"], T, T + 4 * DAY - MINUTE)
    assert [one.user for one in shares] == ["c", "a", "b"]
    assert [one.user for one in fairness(known, ["p"], T, T + 3 * DAY)] == ["a", "b", "c"]


def test_the_name_is_that_of_the_last_shift():
    known = roster(schedule("p", layer("a", MONDAY, DAY)))
    old, new = person("a"), person("a")
    known.people["a"] = (old, type(new)("a", "Anna", "Etc/UTC", T + DAY))
    assert fairness(known, ["p"], T, T + 2 * DAY)[0].name == "Anna"
    assert fairness(known, ["p"], T, T + DAY)[0].name == "A"


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.integers(1, 40),
    st.integers(1, 400),
)
def test_a_schedule_that_is_always_staffed_gives_away_every_night(users, turn, days):
    zone = "Europe/Berlin"
    known = roster(
        schedule("p", layer(users, MONDAY, turn * HOUR, zone=zone)),
        people=[person(user, zone=zone) for user in "abc"],
    )
    start, end = at("2026-01-05 04:00", zone), at("2026-01-05 04:00", zone) + days * DAY
    shares = fairness(known, ["p"], start, end)
    hour = (end + 2 * HOUR) % DAY // HOUR  # the span may end an hour before or after 04:00
    assert hour in {5, 6}
    assert sum(one.nights for one in shares) == days
    assert sum(one.on_call_ms for one in shares) == end - start
