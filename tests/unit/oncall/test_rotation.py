"""Turns on the wall's clock, against the tables of other on-call systems.

Source: GoAlert, schedule/rotation/rotation_test.go (hand-overs); Grafana OnCall,
engine/apps/schedules/tests/test_custom_on_call_shift.py (days of the week).
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, WEEK, at, layer, roster, said, schedule

from llm_research_lab.oncall.rotation import windows_of, within
from llm_research_lab.oncall.shifts import shifts

CHICAGO, LORD_HOWE = "America/Chicago", "Australia/Lord_Howe"

HANDOVERS = [
    # turn, zone, start, span, the hand-overs in it
    (24 * HOUR, CHICAGO, "2020-10-30 01:30", ("2020-10-30 01:30", "2020-11-03 01:31"),
     "10-30 01:30 -05 · 10-31 01:30 -05 · 11-01 01:30 -05 · 11-02 01:30 -06 · 11-03 01:30 -06"),
    (DAY, CHICAGO, "2020-03-06 02:30", ("2020-03-06 02:30", "2020-03-10 02:31"),
     "03-06 02:30 -06 · 03-07 02:30 -06 · 03-08 03:00 -05 · 03-09 02:30 -05 · 03-10 02:30 -05"),
    (HOUR, CHICAGO, "2020-03-06 02:30", ("2020-03-08 00:30", "2020-03-08 04:31"),
     "03-08 00:30 -06 · 03-08 01:30 -06 · 03-08 03:00 -05 · 03-08 03:30 -05 · 03-08 04:30 -05"),
    (HOUR, CHICAGO, "2020-03-06 02:00", ("2020-03-08 01:00", "2020-03-08 05:01"),
     "03-08 01:00 -06 · 03-08 03:00 -05 · 03-08 04:00 -05 · 03-08 05:00 -05"),
    (HOUR, CHICAGO, "2020-07-06 02:30", ("2020-10-31 23:30", "2020-11-01 04:31"),
     ("10-31 23:30 -05 · 11-01 00:30 -05 · 11-01 01:30 -05 · 11-01 02:30 -06 · 11-01 03:30 -06"
     " · 11-01 04:30 -06")),
    (HOUR, CHICAGO, "2020-07-06 02:00", ("2020-11-01 00:00", "2020-11-01 05:01"),
     ("11-01 00:00 -05 · 11-01 01:00 -05 · 11-01 02:00 -06 · 11-01 03:00 -06 · 11-01 04:00 -06"
     " · 11-01 05:00 -06")),
    (HOUR, LORD_HOWE, "2021-04-03 02:30", ("2021-04-04 00:30", "2021-04-04 04:31"),
     "04-04 00:30 +11 · 04-04 01:30 +11 · 04-04 02:30 +1030 · 04-04 03:30 +1030 · 04-04 04:30 +1030"),
    (DAY, LORD_HOWE, "2021-04-01 02:30", ("2021-04-01 02:30", "2021-04-06 02:31"),
     ("04-01 02:30 +11 · 04-02 02:30 +11 · 04-03 02:30 +11 · 04-04 02:30 +1030 · 04-05 02:30 +1030"
     " · 04-06 02:30 +1030")),
    (DAY, LORD_HOWE, "2021-04-01 02:00", ("2021-04-02 02:00", "2021-04-06 02:01"),
     "04-02 02:00 +11 · 04-03 02:00 +11 · 04-04 02:00 +1030 · 04-05 02:00 +1030 · 04-06 02:00 +1030"),
    (DAY, LORD_HOWE, "2020-10-02 02:15", ("2020-10-02 02:15", "2020-10-06 02:16"),
     "10-02 02:15 +1030 · 10-03 02:15 +1030 · 10-04 02:30 +11 · 10-05 02:15 +11 · 10-06 02:15 +11"),
    (3 * HOUR, CHICAGO, "2017-03-12 00:00", ("2017-03-12 00:00", "2017-03-12 06:01"),
     "03-12 00:00 -06 · 03-12 03:00 -05 · 03-12 06:00 -05"),
    (3 * HOUR, CHICAGO, "2017-11-05 00:00", ("2017-11-05 00:00", "2017-11-05 06:01"),
     "11-05 00:00 -05 · 11-05 03:00 -06 · 11-05 06:00 -06"),
    (WEEK, CHICAGO, "2017-03-10 08:00", ("2017-03-10 08:00", "2017-03-24 08:01"),
     "03-10 08:00 -06 · 03-17 08:00 -05 · 03-24 08:00 -05"),
    (2 * WEEK, CHICAGO, "2017-06-10 08:00", ("2017-06-10 08:00", "2017-07-08 08:01"),
     "06-10 08:00 -05 · 06-24 08:00 -05 · 07-08 08:00 -05"),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "zone", "start", "span", "expected"), HANDOVERS)
def test_handovers_keep_their_time_on_the_wall(turn, zone, start, span, expected):
    known = roster(schedule("p", layer("abcde", start, turn, zone=zone)))
    found = shifts(known, "p", at(span[0], zone), at(span[1], zone))
    told = [said(one.start_ms, zone) for one in found]
    short = [f"{one[5:16]} {one[20:].removesuffix('00')}" for one in told]
    assert " · ".join(short) == expected
    assert all(before.end_ms == after.start_ms for before, after in pairwise(found))


def test_everybody_keeps_their_hour_of_the_day_over_a_change():
    users = [f"h{hour:02}" for hour in range(24)]
    one = layer(users, "2020-01-01 00:00", HOUR, zone=CHICAGO)
    for day in ("2020-03-07", "2020-03-08", "2020-03-09", "2020-11-01", "2020-11-02"):
        for hour in (0, 1, 3, 4, 23):
            turn = one.turn(at(f"{day} {hour:02}:30", CHICAGO))
            assert one.user(turn) == f"h{hour:02}", (day, hour)
    assert one.user(one.turn(at("2020-11-01 01:30", CHICAGO, fold=1))) == "h01"
    skipped = at("2020-03-08 03:00", CHICAGO)
    assert (one.turn(skipped - 1), one.turn(skipped)) == (24 * 67 + 1, 24 * 67 + 3)


def on(one, *times, zone="Etc/UTC"):
    """Who is on at each time, as letters; a dot is nobody."""
    turns = [one.turn(at(time, zone)) for time in times]
    return "".join("." if turn is None else one.user(turn) for turn in turns)


def days(first, count, time="00:05"):
    start = at(f"{first} {time}")
    return [said(start + day * DAY)[:16] for day in range(count)]


def midnight(*weekdays):
    """Restrictions of these whole days."""
    return [(day * DAY, DAY) for day in weekdays]


@pytest.mark.parametrize(
    ("turn", "restrictions", "expected"),
    [
        (DAY, midnight(0, 2, 4), "a.b.a.. b.a.b.. a.b.a.."),
        (2 * DAY, midnight(0, 2, 4), "a.a.b.. b.a.a.. b.b.a.."),
        (DAY, midnight(0, 1, 2, 3, 4), "ababa.. babab.. ababa.."),
        (3 * DAY, midnight(0, 1, 2, 3, 4), "aaabb.. baaab.. bbaaa.."),
        (WEEK, midnight(0, 2, 4), "a.a.a.. b.b.b.. a.a.a.."),
        (2 * WEEK, midnight(5, 6), ".....aa .....aa .....bb"),
        (DAY, [], "abababa bababab abababa"),
        (WEEK, [], "aaaaaaa bbbbbbb aaaaaaa"),
        (10 * DAY, midnight(0, 1, 2, 3, 4), "aaaaa.. aaaaa.. bbbbb.."),
        (36 * HOUR, [], "aabaaba abaabaa baabaab"),
    ],
)
def test_a_rotation_does_not_advance_outside_its_restrictions(turn, restrictions, expected):
    one = layer("ab", "2026-01-05 00:00", turn, *restrictions)  # a Monday
    assert on(one, *days("2026-01-05", 21)) == expected.replace(" ", "")


def test_a_rotation_that_starts_on_a_free_day_begins_with_its_first_user():
    one = layer("ab", "2026-01-03 00:00", DAY, *midnight(0, 1))  # a Saturday
    assert on(one, *days("2026-01-03", 11)) == "..ab.....ab"


def test_turns_of_hours_outside_the_restrictions_are_nobodys():
    daily = [(day * DAY + 9 * HOUR, 8 * HOUR) for day in range(7)]
    one = layer("abc", "2026-01-05 00:00", 8 * HOUR, *daily)  # 0 to 8, 8 to 16, 16 to 24
    times = [
        f"2026-01-{day:02} {time}"
        for day in (5, 6, 7)
        for time in ("07:59", "08:59", "09:00", "15:59", "16:00", "16:59", "17:00")
    ]
    assert on(one, *times) == "..aabb...ccaa...bbcc."


def test_a_rotation_runs_backwards_before_its_virtual_start():
    one = layer("abc", "2026-01-05 00:00", DAY, origin="2026-01-09 00:00")
    assert [one.turn(at(time)) for time in days("2026-01-05", 7)] == [-4, -3, -2, -1, 0, 1, 2]
    assert on(one, *days("2026-01-05", 7)) == "cabcabc"
    weekdays = layer("abc", "2026-01-05 00:00", DAY, *midnight(0, 2, 4), origin="2026-01-19 00:00")
    assert [weekdays.turn(at(time)) for time in days("2026-01-12", 8)] == [
        -3, None, -2, None, -1, None, None, 0,
    ]  # fmt: skip


def test_a_layer_is_in_force_from_its_start_to_its_end():
    one = layer("a", "2026-01-05 09:00", DAY, end="2026-01-07 09:00")
    start, end = at("2026-01-05 09:00"), at("2026-01-07 09:00")
    assert [one.in_force(time) for time in (start - 1, start, end - 1, end)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert layer("a", "2026-01-05 09:00", DAY).in_force(end + 1000 * DAY)


@pytest.mark.parametrize(
    ("restrictions", "expected"),
    [
        ([], ()),
        ([(0, HOUR)], ((0, HOUR),)),
        ([(2 * HOUR, HOUR), (0, HOUR)], ((0, HOUR), (2 * HOUR, 3 * HOUR))),
        ([(0, 2 * HOUR), (HOUR, 2 * HOUR)], ((0, 3 * HOUR),)),
        ([(0, 4 * HOUR), (HOUR, HOUR)], ((0, 4 * HOUR),)),
        ([(0, HOUR), (HOUR, HOUR)], ((0, 2 * HOUR),)),
        ([(WEEK - HOUR, 3 * HOUR)], ((0, 2 * HOUR), (WEEK - HOUR, WEEK))),
        ([(WEEK - HOUR, HOUR)], ((WEEK - HOUR, WEEK),)),
        ([(DAY, WEEK)], ((0, WEEK),)),
        ([(DAY, 3 * WEEK)], ((0, WEEK),)),
    ],
)
def test_restrictions_become_windows_that_are_apart(restrictions, expected):
    assert windows_of(restrictions) == expected


def test_a_window_holds_its_first_moment_and_not_its_end():
    windows = ((0, HOUR), (2 * HOUR, 3 * HOUR))
    monday = at("2026-01-05 00:00")
    places = [0, HOUR - 1, HOUR, 2 * HOUR - 1, 2 * HOUR, 3 * HOUR - 1, 3 * HOUR, -1]
    found = [within(windows, monday + place) for place in places]
    assert found == [True, True, False, False, True, True, False, False]
    assert within((), monday)


def test_a_window_over_a_change_follows_the_wall():
    night = (6 * DAY + HOUR, 2 * HOUR)  # Sunday, 01:00 to 03:00
    one = layer("a", "2020-01-01 00:00", WEEK, night, zone=CHICAGO)
    known = roster(schedule("p", one))
    found = shifts(known, "p", at("2020-03-08 00:00", CHICAGO), at("2020-03-09 00:00", CHICAGO))
    assert [(one.end_ms - one.start_ms) // MINUTE for one in found] == [60]
    found = shifts(known, "p", at("2020-11-01 00:00", CHICAGO), at("2020-11-02 00:00", CHICAGO))
    assert [(one.end_ms - one.start_ms) // MINUTE for one in found] == [180]
