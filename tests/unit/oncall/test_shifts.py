"""Shifts, gaps and overlaps are the stretches between the changes, each with its reason."""

from __future__ import annotations

from tests.unit.oncall.planted import DAY, HOUR, WEEK, at, layer, roster, schedule

from llm_research_lab.oncall.reasons import (
    Away,
    NoLayer,
    NotRecorded,
    OnOverride,
    OnShadow,
    OnSwap,
    OnTurn,
    OutsideHours,
)
from llm_research_lab.oncall.roster import Absence, Exchange, Override, Shadow, Swap
from llm_research_lab.oncall.shifts import Gap, Overlap, gaps, overlaps, shifts

MONDAY = "2026-01-05 00:00"
T = at(MONDAY)


def hours(found):
    """Start and end in hours after Monday, with who."""
    return [((one.start_ms - T) / HOUR, (one.end_ms - T) / HOUR, one.person.id) for one in found]


def test_the_ends_of_the_span_cut_the_shifts():
    known = roster(schedule("p", layer("abc", MONDAY, DAY)))
    found = shifts(known, "p", T + 12 * HOUR, T + 60 * HOUR)
    assert hours(found) == [(12, 24, "a"), (24, 48, "b"), (48, 60, "c")]
    assert [one.reason for one in found] == [OnTurn("one", turn) for turn in range(3)]
    assert {one.schedule for one in found} == {"p"}


def test_a_turn_that_ends_with_the_span_leaves_nothing_behind():
    known = roster(schedule("p", layer("ab", MONDAY, DAY)))
    assert hours(shifts(known, "p", T, T + DAY)) == [(0, 24, "a")]
    assert shifts(known, "p", T, T) == ()
    assert shifts(known, "p", T + DAY, T) == ()


def test_the_next_turn_of_the_same_person_is_a_shift_of_its_own():
    known = roster(schedule("p", layer("a", MONDAY, DAY)))
    assert hours(shifts(known, "p", T, T + 2 * DAY)) == [(0, 24, "a"), (24, 48, "a")]


def test_an_override_cuts_a_shift_in_two():
    override = Override("p", "b", T + 3 * HOUR, T + 5 * HOUR)
    other = Override("q", "b", T + 6 * HOUR, T + 7 * HOUR)
    known = roster(schedule("p", layer("a", MONDAY, WEEK)), overrides=(override, other))
    found = shifts(known, "p", T, T + DAY)
    assert hours(found) == [(0, 3, "a"), (3, 5, "b"), (5, 24, "a")]
    assert found[1].reason == OnOverride(T + 3 * HOUR, T + 5 * HOUR)


def test_an_override_counts_from_its_entry():
    override = Override("p", "b", T + 3 * HOUR, T + 9 * HOUR, created_ms=T + 5 * HOUR)
    known = roster(schedule("p", layer("a", MONDAY, WEEK)), overrides=(override,))
    assert hours(shifts(known, "p", T, T + DAY)) == [(0, 5, "a"), (5, 9, "b"), (9, 24, "a")]


def test_gaps_have_their_reasons_in_order():
    day = layer("a", MONDAY, WEEK, (9 * HOUR, 8 * HOUR), end="2026-01-05 20:00", name="day")
    away = Absence("a", T + 10 * HOUR, T + 11 * HOUR, created_ms=T + 10 * HOUR + HOUR // 2)
    known = roster(schedule("p", day, from_ms=T + HOUR), absences=(away,), from_ms=T + HOUR)
    assert gaps(known, "p", T, T + DAY) == (
        Gap("p", T, T + HOUR, NotRecorded(T + HOUR)),
        Gap("p", T + HOUR, T + 9 * HOUR, OutsideHours(("day",))),
        Gap("p", T + 10 * HOUR + HOUR // 2, T + 11 * HOUR, Away("a", T + 11 * HOUR)),
        Gap("p", T + 17 * HOUR, T + 20 * HOUR, OutsideHours(("day",))),
        Gap("p", T + 20 * HOUR, T + DAY, NoLayer()),
    )
    assert hours(shifts(known, "p", T, T + DAY)) == [(9, 10.5, "a"), (11, 17, "a")]


def test_a_swap_is_seen_from_its_start_to_its_end():
    swap = Swap("p", (Exchange("a", "b", T + HOUR, T + 2 * HOUR),), (("a", 0), ("b", 0)))
    known = roster(schedule("p", layer("a", MONDAY, WEEK)), swaps=(swap,))
    found = shifts(known, "p", T, T + 3 * HOUR)
    assert hours(found) == [(0, 1, "a"), (1, 2, "b"), (2, 3, "a")]
    assert found[1].reason == OnSwap("a", OnTurn("one", 0))


def test_records_follow_each_other():
    known = roster(
        schedule("p", layer("a", MONDAY, WEEK)),
        schedule("p", layer("b", MONDAY, WEEK), from_ms=T + 2 * HOUR),
        schedule("p", layer("ce", "2026-01-05 04:00", HOUR), from_ms=T + 4 * HOUR),
    )
    found = hours(shifts(known, "p", T, T + 6 * HOUR))
    assert found == [(0, 2, "a"), (2, 4, "b"), (4, 5, "c"), (5, 6, "e")]
    known = roster(schedule("p", layer("a", MONDAY, WEEK)), from_ms=T + 2 * HOUR)
    assert hours(shifts(known, "p", T, T + 6 * HOUR)) == [(2, 6, "a")]


def test_a_shadow_changes_with_its_primary():
    known = roster(
        schedule("p", layer("abc", MONDAY, DAY)),
        schedule("s", shadow=Shadow("p")),
        overrides=(Override("p", "b", T + 2 * HOUR, T + 3 * HOUR),),
    )
    found = shifts(known, "s", T, T + 2 * DAY)
    assert hours(found) == [(0, 2, "b"), (2, 3, "c"), (3, 24, "b"), (24, 48, "c")]
    assert found[0].reason == OnShadow("p", "one", 0)


def test_a_schedule_that_does_not_exist_has_no_shifts():
    assert shifts(roster(), "p", T, T + DAY) == ()
    assert len(gaps(roster(), "p", T, T + DAY)) == 1


def test_a_name_without_a_person_has_no_shifts():
    known = roster(schedule("p", layer("x", MONDAY, DAY)))
    assert shifts(known, "p", T, T + DAY) == ()


def test_overlaps_are_joined_and_are_of_one_person():
    known = roster(
        schedule("p", layer("ab", MONDAY, DAY)),
        schedule("q", layer("ba", MONDAY, 12 * HOUR)),
        schedule("r", layer("a", MONDAY, HOUR)),
    )
    both = ("p", "q")
    assert overlaps(known, "p", "q", T, T + 2 * DAY) == (
        Overlap("a", both, T + 12 * HOUR, T + 24 * HOUR),
        Overlap("b", both, T + 24 * HOUR, T + 36 * HOUR),
    )
    assert overlaps(known, "p", "r", T, T + 2 * DAY) == (Overlap("a", ("p", "r"), T, T + DAY),)


def test_overlaps_apart_stay_apart():
    known = roster(
        schedule("p", layer("a", MONDAY, WEEK)),
        schedule("q", layer("ab", MONDAY, DAY)),
    )
    found = overlaps(known, "p", "q", T, T + 3 * DAY)
    assert [(one.start_ms - T, one.end_ms - T) for one in found] == [(0, DAY), (2 * DAY, 3 * DAY)]
