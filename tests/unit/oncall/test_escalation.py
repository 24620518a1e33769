"""The specification's policy minute by minute, and what stops it, restarts it and ends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, PHONE, at, layer, person, roster, schedule

from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.effects import (
    AckTimeout,
    AllLoopsDone,
    AlreadyTold,
    AtRule,
    AwayUntil,
    Exhausted,
    ManagerOf,
    Named,
    NobodyReached,
    NoManager,
    Notify,
    NoWay,
    OutsideSupportHours,
    Page,
    Skipped,
    UnknownUser,
    Waiting,
)
from llm_research_lab.oncall.escalation import (
    Acknowledged,
    AckTimedOut,
    Resolved,
    TimerDue,
    start,
    step,
)
from llm_research_lab.oncall.policy import Hours, Policy, Rule, Severity, Target
from llm_research_lab.oncall.reaching import Reached, Unreachable, on_call, terms_of
from llm_research_lab.oncall.read_policies import read_policies
from llm_research_lab.oncall.reasons import OnTurn, OutsideHours
from llm_research_lab.oncall.roster import Absence, ContactMethod, Override

SPEC = Path(__file__).parents[2] / "golden/spec/escalation-policy.yaml"
T = at("2026-01-05 00:00")
PAGE = Page("1", "P1", "down")


def user(name):
    return Target("user_reference", name)


def on(name):
    return Target("schedule_reference", name)


def policy(*rules, loops=0, **given):
    """Rules as (minutes, targets…)."""
    made = tuple(Rule(minutes * MINUTE, tuple(targets)) for minutes, *targets in rules)
    return Policy("one", made, loops, **given)


def short(effect):
    """An effect in a word: who was told at which level, skipped, waiting, ended."""
    match effect:
        case Notify():
            return f"{effect.user}@{effect.level}"
        case Skipped():
            return f"-{effect.target}@{effect.level}"
        case Waiting():
            return "wait"
        case Exhausted():
            return "end"


def run(escalation, effects, who, minutes):
    """Let all timers ring in time for so many minutes: minute and effects."""
    told = [(0, *map(short, effects))] if effects else []
    while escalation.next_at_ms is not None and escalation.next_at_ms <= T + minutes * MINUTE:
        now = escalation.next_at_ms
        escalation, effects = step(escalation, TimerDue(), now, who)
        if effects:
            told.append(((now - T) // MINUTE, *map(short, effects)))
    return escalation, told


def played(made, known, minutes=10_000, terms=None):
    who = on_call(known)
    return run(*start(made, PAGE, T, who, terms), who, minutes)[1]


def begun(made, known, terms=None, now=T):
    who = on_call(known)
    return (*start(made, PAGE, now, who, terms), who)


def test_the_specifications_policy_as_its_table_means_it():
    """0, 15, 30, 60 minutes after the page; then three loops more, each 90 minutes later."""
    (((made,), _), _) = read_policies(SPEC.read_text(encoding="utf-8"))
    start_of = "2026-01-05 00:00"
    known = roster(
        schedule("primary-on-call-schedule", layer("a", start_of, DAY)),
        schedule("secondary-on-call-schedule", layer("b", start_of, DAY)),
        people=[person("engineering-manager"), person("director-of-engineering")],
    )
    one = [
        (0, "a@1"),
        (15, "b@2"),
        (30, "engineering-manager@3"),
        (60, "director-of-engineering@4"),
    ]
    expected = [(90 * loop + minute, told) for loop in range(4) for minute, told in one]
    assert played(made, known) == [*expected, (360, "end")]


def test_pagerdutys_delays_add_up():
    made = policy((5, user("a")), (10, user("b")), (20, user("c")), loops=1)
    expected = [
        (0, "a@1"),
        (5, "b@2"),
        (15, "c@3"),
        (35, "a@1"),
        (40, "b@2"),
        (50, "c@3"),
        (70, "end"),
    ]
    assert played(made, roster()) == expected


def test_a_notification_says_why():
    made = policy((5, on("p"), user("b")), loops=1)
    known = roster(schedule("p", layer("a", "2026-01-05 00:00", DAY)))
    escalation, effects, who = begun(made, known)
    assert effects == (
        Notify("a", PHONE, PAGE, 1, AtRule(1, 1, "p", OnTurn("one", 0)), T),
        Notify("b", PHONE, PAGE, 1, AtRule(1, 1, "b", Named()), T),
    )
    assert escalation.next_at_ms == T + 5 * MINUTE
    assert (escalation.state, escalation.started_ms) == ("triggered", T)
    escalation, effects = step(escalation, TimerDue(), T + 5 * MINUTE, who)
    assert effects[1].reason == AtRule(1, 2, "b", Named())
    escalation, effects = step(escalation, TimerDue(), T + 10 * MINUTE, who)
    assert effects == (Exhausted(AllLoopsDone(2)),)
    assert (escalation.state, escalation.next_at_ms) == ("exhausted", None)


def test_who_is_on_is_asked_when_the_rule_is_run():
    made = policy((45, on("p")), loops=2)
    known = roster(schedule("p", layer("abc", "2026-01-05 00:00", HOUR)))
    assert played(made, known) == [(0, "a@1"), (45, "a@1"), (90, "b@1"), (135, "end")]


def test_a_timer_before_its_time_does_nothing():
    escalation, _, who = begun(policy((5, user("a"))), roster())
    assert step(escalation, TimerDue(), T + 5 * MINUTE - 1, who) == (escalation, ())


def test_a_timer_that_comes_late_counts_from_when_it_came():
    escalation, _, who = begun(policy((5, user("a")), (10, user("b")), (10, user("c"))), roster())
    escalation, effects = step(escalation, TimerDue(), T + HOUR, who)
    assert [short(one) for one in effects] == ["b@2"]
    assert escalation.next_at_ms == T + HOUR + 10 * MINUTE


def test_targets_that_lead_to_one_person_tell_them_once():
    made = policy((5, on("p"), user("a"), user("b")))
    known = roster(schedule("p", layer("a", "2026-01-05 00:00", DAY)))
    _, effects, _ = begun(made, known)
    assert [short(one) for one in effects] == ["a@1", "-a@1", "b@1"]
    assert effects[1].reason == AlreadyTold("a")


def test_who_cannot_be_reached_is_skipped_with_the_reason():
    nine_to_five = layer("a", "2026-01-05 00:00", DAY, (9 * HOUR, HOUR))
    known = roster(
        schedule("p", nine_to_five),
        schedule("q", layer("x", "2026-01-05 00:00", DAY)),
        schedule("r", layer("d", "2026-01-05 00:00", DAY)),
        people=[person("d", contact_methods=())],
        absences=(Absence("b", T, T + HOUR),),
    )
    targets = [on("p"), on("q"), on("r"), user("b"), user("x"), user("d"), user("a")]
    _, effects, _ = begun(policy((5, *targets)), known)
    assert effects[:-1] == (
        Skipped("p", 1, OutsideHours(("one",))),
        Skipped("q", 1, UnknownUser("x")),
        Skipped("r", 1, NoWay("d")),
        Skipped("b", 1, AwayUntil("b", T + HOUR)),
        Skipped("x", 1, UnknownUser("x")),
        Skipped("d", 1, NoWay("d")),
    )
    assert short(effects[-1]) == "a@1"


def test_a_rule_that_reaches_nobody_is_passed_over_at_once():
    made = policy((5, user("x")), (10, user("y")), (20, user("a")), (1, user("b")))
    assert played(made, roster()) == [(0, "-x@1", "-y@2", "a@3"), (20, "b@4"), (21, "end")]


def test_when_the_last_rules_reach_nobody_the_next_loop_begins():
    made = policy((5, user("a")), (10, user("x")), loops=1)
    assert played(made, roster()) == [(0, "a@1"), (5, "-x@2", "a@1"), (10, "-x@2", "end")]
    found = begun(made, roster())
    _, effects = step(replace(found[0], loop=1), TimerDue(), T + 5 * MINUTE, found[2])
    assert effects[1] == Exhausted(AllLoopsDone(2))


def test_a_short_gap_loses_no_page():
    made = policy((5, on("p")), (10, on("p")), loops=2)
    later = layer("a", "2026-01-05 00:00", DAY, (8 * MINUTE, HOUR))
    expected = [
        (0, "-p@1", "-p@2", "wait"),
        (10, "a@1"),
        (15, "a@2"),
        (25, "a@1"),
        (30, "a@2"),
        (40, "end"),
    ]
    assert played(made, roster(schedule("p", later))) == expected
    escalation, effects, _ = begun(made, roster(schedule("p", later)))
    assert effects[2] == Waiting(T + 10 * MINUTE, NobodyReached())
    assert (escalation.loop, escalation.place, escalation.ran) == (1, 0, False)


def test_a_gap_in_the_middle_of_a_policy_begins_the_next_loop():
    gone = (Absence("a", T + 4 * MINUTE, T + DAY), Absence("b", T, T + DAY))
    made = policy((5, user("a")), (7, user("b")), loops=3)
    expected = [
        (0, "a@1"),
        (5, "-b@2", "-a@1", "wait"),
        (12, "-a@1", "-b@2", "wait"),
        (19, "-a@1", "-b@2", "wait"),
        (26, "-a@1", "-b@2", "end"),
    ]
    assert played(made, roster(absences=gone)) == expected


def test_a_policy_that_never_reaches_anybody_ends_so():
    _, effects, _ = begun(policy((5, user("x"))), roster())
    assert effects == (Skipped("x", 1, UnknownUser("x")), Exhausted(NobodyReached()))
    made = policy((5, user("x")), loops=2)
    expected = [(0, "-x@1", "wait"), (5, "-x@1", "wait"), (10, "-x@1", "end")]
    assert played(made, roster()) == expected


ACK_30 = Severity("P1", "one", 30 * MINUTE)


def test_an_acknowledgement_stops_and_its_timeout_starts_the_rule_again():
    made = policy((5, user("a")), (5, user("b")), (5, user("c")))
    escalation, _, who = begun(made, roster(), ACK_30)
    escalation, _ = step(escalation, TimerDue(), T + 5 * MINUTE, who)
    escalation, effects = step(escalation, Acknowledged("b"), T + 7 * MINUTE, who)
    assert effects == ()
    assert (escalation.state, escalation.acknowledged_by) == ("acknowledged", "b")
    assert escalation.next_at_ms == T + 37 * MINUTE
    assert step(escalation, TimerDue(), T + 36 * MINUTE, who) == (escalation, ())
    escalation, effects = step(escalation, TimerDue(), T + 37 * MINUTE, who)
    assert effects == (
        Notify("b", PHONE, PAGE, 2, AckTimeout("b"), T + 37 * MINUTE),
        Skipped("b", 2, AlreadyTold("b")),
    )
    assert (escalation.state, escalation.acknowledged_by) == ("triggered", None)
    assert run(escalation, (), who, 10_000)[1] == [(42, "c@3"), (47, "end")]


def test_after_the_timeout_who_is_on_now_is_told_too():
    made = policy((5, on("p")), (5, user("e")))
    known = roster(schedule("p", layer("abc", "2026-01-05 00:00", 20 * MINUTE)))
    escalation, _, who = begun(made, known, ACK_30)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    escalation, effects = step(escalation, TimerDue(), T + 31 * MINUTE, who)
    assert [short(one) for one in effects] == ["a@1", "b@1"]
    assert effects[0].reason == AckTimeout("a")
    assert effects[1].reason == AtRule(1, 1, "p", OnTurn("one", 1))
    assert [one.id for one in escalation.holders] == ["a", "b"]


def test_who_acknowledged_and_cannot_be_reached_is_skipped():
    made = policy((5, user("a")), (5, user("b")))
    known = roster(absences=(Absence("a", T + 20 * MINUTE, T + DAY),))
    escalation, _, who = begun(made, known, ACK_30)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    escalation, effects = step(escalation, TimerDue(), T + 31 * MINUTE, who)
    away = AwayUntil("a", T + DAY)
    assert effects[:2] == (Skipped("a", 1, away), Skipped("a", 1, away))
    assert short(effects[2]) == "b@2"
    assert escalation.place == 1


def test_a_second_acknowledgement_begins_its_own_time():
    escalation, _, who = begun(policy((5, user("a"))), roster(), ACK_30)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    escalation, _ = step(escalation, Acknowledged("b"), T + 11 * MINUTE, who)
    assert escalation.next_at_ms == T + 41 * MINUTE
    assert escalation.acknowledged_by == "b"
    assert [one.id for one in escalation.holders] == ["b"]


def test_an_acknowledgement_may_hold_for_good():
    terms = replace(ACK_30, acknowledged_ms=None)
    escalation, _, who = begun(policy((5, user("a"))), roster(), terms)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    assert escalation.next_at_ms is None


def test_a_page_may_be_given_back():
    escalation, _, who = begun(policy((5, user("a"))), roster(), ACK_30)
    assert step(escalation, AckTimedOut(), T + MINUTE, who) == (escalation, ())
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    escalation, effects = step(escalation, AckTimedOut(), T + 2 * MINUTE, who)
    assert [short(one) for one in effects] == ["a@1", "-a@1"]
    assert escalation.next_at_ms == T + 7 * MINUTE


def test_an_exhausted_page_may_still_be_acknowledged():
    escalation, _, who = begun(policy((5, user("a"))), roster(), ACK_30)
    escalation, _ = step(escalation, TimerDue(), T + 5 * MINUTE, who)
    assert escalation.state == "exhausted"
    escalation, _ = step(escalation, Acknowledged("a"), T + 9 * MINUTE, who)
    escalation, effects = step(escalation, TimerDue(), T + 39 * MINUTE, who)
    assert [short(one) for one in effects] == ["a@1", "-a@1"]
    assert run(escalation, (), who, 10_000)[1] == [(44, "end")]


def test_a_resolution_ends_everything():
    ways = (PHONE, ContactMethod("sms", "2", 3 * MINUTE))
    known = roster(people=[person("a", contact_methods=ways)])
    terms = replace(ACK_30, manager_ms=HOUR)
    escalation, _, who = begun(policy((5, user("a"))), known, terms)
    for before in (escalation, step(escalation, Acknowledged("a"), T, who)[0]):
        after, effects = step(before, Resolved(), T + MINUTE, who)
        assert (after.state, after.next_at_ms, effects) == ("resolved", None, ())
        for event in (TimerDue(), Acknowledged("a"), AckTimedOut(), Resolved()):
            assert step(after, event, T + DAY, who) == (after, ())


def test_ways_have_their_own_delays_and_end_with_the_rule():
    ways = (PHONE, ContactMethod("sms", "2", 2 * MINUTE), ContactMethod("email", "3", 9 * MINUTE))
    known = roster(people=[person("a", contact_methods=ways)])
    made = policy((5, user("a")), (5, user("b")))
    who = on_call(known)
    escalation, effects = start(made, PAGE, T, who)
    assert [one.way.type for one in effects] == ["phone"]
    assert escalation.next_at_ms == T + 2 * MINUTE
    escalation, effects = step(escalation, TimerDue(), T + 2 * MINUTE, who)
    assert effects == (Notify("a", ways[1], PAGE, 1, AtRule(1, 1, "a", Named()), T + 2 * MINUTE),)
    assert run(escalation, (), who, 10_000)[1] == [(5, "b@2"), (10, "end")]
    escalation, _ = start(made, PAGE, T, who)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    assert escalation.next_at_ms == T + 31 * MINUTE


def test_two_ways_at_one_time_are_used_together():
    ways = (ContactMethod("sms", "2", MINUTE), ContactMethod("email", "3", MINUTE))
    known = roster(people=[person("a", contact_methods=ways)])
    assert played(policy((5, user("a"))), known) == [(1, "a@1", "a@1"), (5, "end")]


MANAGED = [person("a", manager="e"), person("b", manager="d")]


def test_the_manager_is_told_of_a_p1_that_is_open_for_two_hours():
    terms = Severity("P1", "one", None, 2 * HOUR)
    escalation, _, who = begun(policy((5, user("a"))), roster(people=MANAGED), terms)
    escalation, _ = step(escalation, Acknowledged("a"), T + MINUTE, who)
    assert escalation.next_at_ms == T + 2 * HOUR
    escalation, effects = step(escalation, TimerDue(), T + 2 * HOUR, who)
    assert effects == (Notify("e", PHONE, PAGE, 1, ManagerOf("a", 2 * HOUR), T + 2 * HOUR),)
    assert escalation.next_at_ms is None


def test_the_manager_is_of_who_acknowledged_else_of_who_was_told():
    made = policy((60, user("a")), (90, user("b"), user("a")))
    terms = Severity("P1", "one", None, 2 * HOUR)
    known = roster(people=MANAGED)
    assert played(made, known, terms=terms) == [
        (0, "a@1"),
        (60, "b@2", "a@2"),
        (120, "d@2"),
        (150, "end"),
    ]
    escalation, _, who = begun(made, known, terms)
    escalation, _ = step(escalation, TimerDue(), T + HOUR, who)
    escalation, _ = step(escalation, Acknowledged("a"), T + HOUR, who)
    assert run(escalation, (), who, 10_000)[1] == [(120, "e@2")]
    escalation, _ = step(escalation, Acknowledged("stranger"), T + HOUR, who)
    assert [one.id for one in escalation.holders] == ["a"]


def test_a_holder_who_is_away_keeps_their_manager():
    known = roster(people=MANAGED, absences=(Absence("a", T + MINUTE, T + DAY),))
    terms = Severity("P1", "one", None, 2 * HOUR)
    escalation, _, who = begun(policy((5, user("a"))), known, terms)
    escalation, _ = step(escalation, Acknowledged("a"), T + 2 * MINUTE, who)
    assert run(escalation, (), who, 10_000)[1] == [(120, "e@1")]


def test_the_managers_ways_are_all_used_at_once():
    ways = (PHONE, ContactMethod("sms", "2", 9 * MINUTE))
    known = roster(people=[person("a", manager="e"), person("e", contact_methods=ways)])
    terms = Severity("P1", "one", None, HOUR)
    escalation, _, who = begun(policy((90, user("a"))), known, terms)
    _, effects = step(escalation, TimerDue(), T + HOUR, who)
    assert [(one.user, one.way.type, one.at_ms) for one in effects] == [
        ("e", "phone", T + HOUR),
        ("e", "sms", T + HOUR),
    ]


@pytest.mark.parametrize(
    ("known", "target", "expected"),
    [
        (roster(), "a", Skipped("manager", 1, NoManager("a"))),
        (roster(), "x", Skipped("manager", 1, NoManager(None))),
        (roster(people=MANAGED, absences=(Absence("e", T, T + DAY),)), "a",
         Skipped("e", 1, AwayUntil("e", T + DAY))),
    ],
)  # fmt: skip
def test_a_manager_who_cannot_be_told_is_skipped(known, target, expected):
    terms = Severity("P1", "one", None, HOUR)
    escalation, _, who = begun(policy((90, user(target)), loops=0), known, terms)
    escalation, effects = step(escalation, TimerDue(), T + HOUR, who)
    assert effects == (expected,)
    assert escalation.manager_at_ms is None


OFFICE = Hours(
    clock_of("Etc/UTC"), tuple((day * DAY + 9 * HOUR, day * DAY + 17 * HOUR) for day in range(5))
)


def test_outside_the_support_hours_a_page_waits():
    made = policy((60, user("a")), (60, user("b")), hours=OFFICE)
    escalation, effects, who = begun(made, roster())
    assert effects == (Waiting(T + 9 * HOUR, OutsideSupportHours(T + 9 * HOUR)),)
    assert run(escalation, (), who, 10_000)[1] == [(540, "a@1"), (600, "b@2"), (660, "end")]


def test_a_rule_that_is_due_after_hours_waits_for_the_morning_and_an_end_does_not():
    made = policy((480, user("a")), (480, user("b")), hours=OFFICE)
    afternoon = T + 16 * HOUR
    escalation, effects, who = begun(made, roster(), now=afternoon)
    assert [short(one) for one in effects] == ["a@1"]
    expected = [(24 * 60, "wait"), (33 * 60, "b@2"), (41 * 60, "end")]
    assert run(escalation, (), who, 10_000)[1] == expected


def test_an_acknowledgement_and_a_manager_wait_for_the_morning_too():
    made = policy((480, user("a")), hours=OFFICE)
    terms = Severity("P4", "one", 30 * MINUTE, 45 * MINUTE)
    known = roster(people=MANAGED)
    escalation, _, who = begun(made, known, terms, now=T + 16 * HOUR + 40 * MINUTE)
    escalation, _ = step(escalation, Acknowledged("a"), T + 16 * HOUR + 45 * MINUTE, who)
    escalation, told = run(escalation, (), who, 33 * 60)
    assert told == [
        (17 * 60 + 15, "wait"),
        (17 * 60 + 25, "wait"),
        (33 * 60, "a@1", "-a@1", "e@1"),
    ]


def test_the_matrix_gives_a_severity_its_policy():
    made = policy((5, user("a")))
    row = Severity("P1", "one")
    known = roster(
        policies=(replace(made, name="zero"), made), matrix=(Severity("P2", "zero"), row)
    )
    assert terms_of(known, "P1") == (made, row)
    assert terms_of(known, "P3") is None
    assert terms_of(roster(matrix=(row,)), "P1") is None


def test_without_a_row_a_page_has_the_common_terms():
    escalation, _, _ = begun(policy((5, user("a"))), roster())
    assert escalation.terms == Severity("P1", "one", 30 * MINUTE, None)


def test_whom_a_target_leads_to():
    known = roster(
        schedule("p", layer("a", "2026-01-05 00:00", DAY)),
        overrides=(Override("p", "b", T + HOUR, T + 2 * HOUR),),
    )
    who = on_call(known)
    assert who(on("p"), T) == Reached(known.people["a"][0], OnTurn("one", 0))
    assert who(on("p"), T + HOUR).person.id == "b"
    assert who(user("c"), T) == Reached(known.people["c"][0], Named())
    assert who(user("x"), T) == Unreachable(UnknownUser("x"))


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Named(), "named by the policy"),
        (AtRule(2, 1, "p", OnTurn("one", 0)), "level 2, loop 1: p, turn 0 of layer one"),
        (AckTimeout("a"), "a acknowledged, and it is not resolved"),
        (ManagerOf("a", 2 * HOUR), "manager of a, open for 2h"),
        (UnknownUser("x"), "no user x"),
        (AwayUntil("a", T), "a is away until 2026-01-05T00:00:00.000Z"),
        (NoWay("a"), "a has no contact method"),
        (AlreadyTold("a"), "a is told by another target of the rule"),
        (NoManager("a"), "a has no manager"),
        (NoManager(None), "nobody has had the page"),
        (OutsideSupportHours(T), "outside the support hours, until 2026-01-05T00:00:00.000Z"),
        (NobodyReached(), "no rule reaches anybody"),
        (AllLoopsDone(1), "nobody acknowledged in 1 loop"),
        (AllLoopsDone(2), "nobody acknowledged in 2 loops"),
    ],
)
def test_every_reason_is_a_sentence(reason, words):
    assert str(reason) == words
