"""Overrides before layers, later layers before earlier, swaps on top, nobody who is away."""

from __future__ import annotations

import pytest
from tests.unit.oncall.planted import DAY, HOUR, WEEK, at, layer, person, roster, schedule

from llm_research_lab.oncall.reasons import (
    Away,
    NoLayer,
    NoSchedule,
    NoShadow,
    NotRecorded,
    OnOverride,
    OnShadow,
    OnSwap,
    OnTurn,
    OutsideHours,
)
from llm_research_lab.oncall.roster import Absence, Exchange, Override, Shadow, Swap
from llm_research_lab.oncall.who import who

MONDAY = "2026-01-05 00:00"
T = at(MONDAY)
EARLY = T - 10 * DAY


def weekly(users="abc", **given):
    return layer(users, MONDAY, WEEK, **given)


def asked(known, *hours, name="p"):
    """Who is on so many hours after Monday."""
    found = [who(known, name, T + hour * HOUR) for hour in hours]
    return [(one and one.id, reason) for one, reason in found]


def users(known, *hours, name="p"):
    return "".join(user or "." for user, _ in asked(known, *hours, name=name))


def test_a_turn_is_told_with_its_layer_and_number():
    known = roster(schedule("p", weekly()))
    assert asked(known, 0, 168, 336, 504) == [
        ("a", OnTurn("one", 0)),
        ("b", OnTurn("one", 1)),
        ("c", OnTurn("one", 2)),
        ("a", OnTurn("one", 3)),
    ]


def test_a_later_layer_overrides_an_earlier_one_where_it_has_somebody():
    nine_to_five = [(day * DAY + 9 * HOUR, 8 * HOUR) for day in range(5)]
    known = roster(schedule("p", weekly("a"), layer("b", MONDAY, WEEK, *nine_to_five, name="day")))
    assert users(known, 8, 9, 16, 17, 5 * 24 + 12) == "abbaa"
    assert asked(known, 10)[0][1] == OnTurn("day", 0)


def test_a_layer_that_has_ended_lets_the_one_below_through():
    short = layer("b", MONDAY, DAY, end="2026-01-06 00:00", name="two")
    known = roster(schedule("p", weekly("a"), short))
    assert users(known, 23, 24) == "ba"
    assert users(roster(schedule("p", short)), 23, 24) == "b."


def test_an_override_is_on_whatever_the_layers_say_and_the_last_one_holds():
    early = Override("p", "b", T + 2 * HOUR, T + 6 * HOUR, note="dentist")
    late = Override("p", "c", T + 4 * HOUR, T + 8 * HOUR)
    other = Override("q", "d", T, T + 9 * HOUR)
    known = roster(schedule("p", weekly("a")), overrides=(early, late, other))
    assert users(known, 1, 2, 3, 4, 7, 8) == "abbcca"
    assert asked(known, 2)[0][1] == OnOverride(T + 2 * HOUR, T + 6 * HOUR, "dentist")
    alone = roster(schedule("p"), overrides=(early,))
    assert users(alone, 1, 2) == ".b"


def test_an_override_that_was_entered_late_does_not_change_what_was():
    late = Override("p", "b", T, T + 8 * HOUR, created_ms=T + 3 * HOUR)
    ahead = Override("p", "c", T + 10 * HOUR, T + 12 * HOUR, created_ms=T)
    known = roster(schedule("p", weekly("a")), overrides=(late, ahead))
    assert users(known, 0, 2, 3, 7, 8, 9, 10, 11, 12) == "aabbaacca"


def test_who_is_away_is_passed_over_and_a_layer_below_shows_through():
    away = Absence("b", T + HOUR, T + 3 * HOUR, note="ill")
    known = roster(schedule("p", weekly("a"), layer("b", MONDAY, WEEK)), absences=(away,))
    assert users(known, 0, 1, 2, 3) == "baab"
    alone = roster(schedule("p", weekly("b")), absences=(away,))
    assert asked(alone, 1) == [(None, Away("b", T + 3 * HOUR, "ill"))]


def test_the_first_who_is_away_is_named():
    known = roster(
        schedule("p", weekly("a"), layer("b", MONDAY, WEEK)),
        absences=(Absence("a", T, T + DAY), Absence("b", T, T + 2 * DAY), Absence("c", T, T + DAY)),
    )
    assert asked(known, 1) == [(None, Away("b", T + 2 * DAY))]


def test_an_absence_that_was_entered_late_does_not_change_what_was():
    away = Absence("a", T, T + 4 * HOUR, created_ms=T + 2 * HOUR)
    known = roster(schedule("p", weekly("a")), absences=(away,))
    assert users(known, 1, 2, 3, 4) == "a..a"


def test_an_override_does_not_put_on_who_is_away():
    known = roster(
        schedule("p", weekly("a")),
        overrides=(Override("p", "c", T, T + DAY), Override("p", "b", T, T + DAY)),
        absences=(Absence("b", T, T + 2 * HOUR),),
    )
    assert users(known, 1, 2) == "cb"


def swap(*exchanges, schedule_name="p", confirmed=(("a", EARLY), ("b", EARLY))):
    return Swap(schedule_name, tuple(Exchange(*one) for one in exchanges), confirmed)


def test_a_swap_gives_the_duty_to_the_other_and_back():
    both = swap(("a", "b", T, T + WEEK), ("b", "a", T + WEEK, T + 2 * WEEK))
    known = roster(schedule("p", weekly()), swaps=(both,))
    assert users(known, 0, 167, 168, 335, 336) == "bbaac"
    assert asked(known, 0, 168) == [
        ("b", OnSwap("a", OnTurn("one", 0))),
        ("a", OnSwap("b", OnTurn("one", 1))),
    ]


def test_a_swap_moves_only_its_users_duty_and_only_within_its_times():
    one = swap(("a", "b", T + HOUR, T + 3 * HOUR))
    known = roster(schedule("p", weekly("a")), schedule("q", weekly("a")), swaps=(one,))
    assert users(known, 0, 1, 2, 3) == "abba"
    assert users(known, 0, 1, name="q") == "aa"
    taken = roster(
        schedule("p", weekly("a")), swaps=(one,), overrides=(Override("p", "c", T, T + 2 * HOUR),)
    )
    assert users(taken, 1, 2) == "cb"


def test_a_swap_moves_an_override_too():
    one = swap(("a", "b", T, T + DAY))
    override = Override("p", "a", T, T + HOUR)
    known = roster(schedule("p", weekly("c")), swaps=(one,), overrides=(override,))
    assert asked(known, 0) == [("b", OnSwap("a", OnOverride(T, T + HOUR)))]


def test_swaps_follow_each_other_in_their_order():
    first = swap(("a", "b", T, T + DAY))
    second = swap(("b", "c", T, T + DAY), confirmed=(("b", EARLY), ("c", EARLY)))
    third = swap(("c", "a", T, T + HOUR), confirmed=(("c", EARLY), ("a", EARLY)))
    known = roster(schedule("p", weekly("a")), swaps=(first, second))
    assert asked(known, 0) == [("c", OnSwap("a", OnTurn("one", 0)))]
    assert users(roster(schedule("p", weekly("a")), swaps=(second, first)), 0) == "b"
    round_trip = roster(schedule("p", weekly("a")), swaps=(first, second, third))
    assert asked(round_trip, 0) == [("a", OnTurn("one", 0))]


def test_a_swap_both_ways_at_once_is_not_undone():
    both = swap(("a", "b", T, T + DAY), ("b", "a", T, T + DAY))
    known = roster(schedule("p", weekly("a")), swaps=(both,))
    assert users(known, 0) == "b"


@pytest.mark.parametrize(
    "confirmed", [(), (("a", EARLY),), (("a", EARLY), ("b", T - 48 * HOUR + 1))]
)
def test_a_swap_that_does_not_hold_changes_nothing(confirmed):
    one = swap(("a", "b", T, T + DAY), confirmed=confirmed)
    assert users(roster(schedule("p", weekly("a")), swaps=(one,)), 0) == "a"


def test_the_taker_of_a_swap_who_is_away_is_passed_over():
    one = swap(("a", "b", T, T + DAY))
    known = roster(schedule("p", weekly("a")), swaps=(one,), absences=(Absence("b", T, T + HOUR),))
    assert asked(known, 0) == [(None, Away("b", T + HOUR))]


def test_the_shadow_is_who_comes_next_and_never_the_primary():
    shadow = schedule("s", shadow=Shadow("p"))
    known = roster(schedule("p", weekly()), shadow)
    assert asked(known, 0, 168, 336, name="s") == [
        ("b", OnShadow("p", "one", 0)),
        ("c", OnShadow("p", "one", 1)),
        ("a", OnShadow("p", "one", 2)),
    ]
    taken = roster(schedule("p", weekly()), shadow, overrides=(Override("p", "b", T, T + HOUR),))
    assert users(taken, 0, 1) == "ba"
    assert users(taken, 0, 1, name="s") == "cb"


def test_the_shadow_may_be_further_on_and_passes_over_who_is_away():
    shadow = schedule("s", shadow=Shadow("p", 2))
    known = roster(schedule("p", weekly("abcd")), shadow)
    assert users(known, 0, 168, name="s") == "cd"
    away = roster(schedule("p", weekly("abcd")), shadow, absences=(Absence("c", T, T + DAY),))
    assert users(away, 0, name="s") == "d"


def test_the_shadow_of_a_primary_who_is_away_is_who_comes_next():
    shadow = schedule("s", shadow=Shadow("p"))
    known = roster(schedule("p", weekly("ab")), shadow, absences=(Absence("a", T, T + DAY),))
    assert users(known, 0) == "."
    assert users(known, 0, name="s") == "b"


def test_the_shadow_is_of_the_layer_on_top():
    on_top = layer("cd", MONDAY, DAY, name="two")
    known = roster(schedule("p", weekly("ab"), on_top), schedule("s", shadow=Shadow("p")))
    assert asked(known, 0, 24, name="s") == [
        ("d", OnShadow("p", "two", 0)),
        ("c", OnShadow("p", "two", 1)),
    ]


@pytest.mark.parametrize("primary", [[weekly("a")], [], [layer("ab", "2026-02-01", DAY)]])
def test_nobody_shadows_where_nobody_else_is(primary):
    known = roster(schedule("p", *primary), schedule("s", shadow=Shadow("p")))
    assert asked(known, 0, name="s") == [(None, NoShadow("p"))]


def test_a_shadow_of_what_is_not_recorded_yet_is_nobody():
    known = roster(schedule("p", weekly(), from_ms=T + DAY), schedule("s", shadow=Shadow("p")))
    assert asked(known, 0, name="s") == [(None, NoShadow("p"))]


def test_a_shadow_may_be_overridden():
    known = roster(
        schedule("p", weekly()),
        schedule("s", shadow=Shadow("p")),
        overrides=(Override("s", "e", T, T + HOUR),),
    )
    assert users(known, 0, 1, name="s") == "eb"


def test_why_nobody_is_on():
    nine_to_five = layer("a", MONDAY, WEEK, (9 * HOUR, HOUR), name="day")
    later = layer("a", "2026-01-06 00:00", WEEK, name="later")
    known = roster(schedule("p", nine_to_five, later), schedule("q", later), schedule("r"))
    assert asked(known, 0) == [(None, OutsideHours(("day",)))]
    assert asked(known, 0, name="q") == [(None, NoLayer())]
    assert asked(known, 0, name="r") == [(None, NoLayer())]
    assert asked(known, 0, name="x") == [(None, NoSchedule("x"))]


def test_before_its_first_record_the_roster_says_from_when_it_knows():
    known = roster(schedule("p", weekly(), from_ms=T + HOUR), from_ms=T)
    assert asked(known, 0, 1) == [(None, NotRecorded(T + HOUR)), ("a", OnTurn("one", 0))]
    late = roster(schedule("p", weekly(), from_ms=T), from_ms=T + HOUR)
    assert asked(late, 0, 1) == [(None, NotRecorded(T + HOUR)), ("a", OnTurn("one", 0))]


def test_a_later_record_never_changes_the_past():
    before = schedule("p", weekly("a"), from_ms=T)
    after = schedule("p", weekly("b"), from_ms=T + 2 * HOUR)
    again = schedule("p", weekly("c"), from_ms=T + 4 * HOUR)
    known = roster(before, after, again)
    assert users(known, 0, 1, 2, 3, 4, 5) == "aabbcc"
    assert users(roster(before), 0, 1) == users(known, 0, 1)


def test_a_person_is_as_the_record_of_then_has_them():
    old, new = person("a"), person("a", zone="Asia/Kathmandu")
    old = type(old)(old.id, "Old", old.time_zone, T)
    new = type(new)(new.id, "New", new.time_zone, T + HOUR)
    known = roster(schedule("p", weekly("a")))
    known.people["a"] = (old, new)
    found = [who(known, "p", T + hour * HOUR)[0] for hour in (0, 1)]
    assert [one.name for one in found] == ["Old", "New"]
    assert known.person("a", T - 1) == old
    assert known.person("nobody", T) is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (OnTurn("one", 3), "turn 3 of layer one"),
        (OnOverride(T, T + HOUR), "override until 2026-01-05T01:00:00Z"),
        (OnOverride(T, T + 1, "ill"), "override until 2026-01-05T00:00:00.001Z (ill)"),
        (OnSwap("a", OnTurn("one", 0)), "swapped with a, who had turn 0 of layer one"),
        (OnShadow("p", "one", 2), "shadows turn 2 of layer one of p"),
        (Away("a", T), "a is away until 2026-01-05T00:00:00Z, and nobody fills in"),
        (Away("a", T, "ill"), "a is away until 2026-01-05T00:00:00Z (ill), and nobody fills in"),
        (OutsideHours(("one", "two")), "outside the restrictions of one, two"),
        (NoLayer(), "no layer is in force"),
        (NoShadow("p"), "nobody of p is free to shadow it"),
        (NotRecorded(T), "not recorded before 2026-01-05T00:00:00Z"),
        (NoSchedule("p"), "no schedule p"),
    ],
)
def test_every_reason_is_a_sentence(reason, words):
    assert str(reason) == words
