"""Every law finds what breaks it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, WEEK, at, layer, roster, schedule

from llm_research_lab.oncall.laws import edited, policy_findings, roster_findings
from llm_research_lab.oncall.policy import Policy, Rule, Severity, Target
from llm_research_lab.oncall.read_policies import read_policies
from llm_research_lab.oncall.roster import Absence, Exchange, Override, Shadow, Swap

SPEC = Path(__file__).parents[2] / "golden/spec/escalation-policy.yaml"
MONDAY = "2026-01-05 00:00"
T = at(MONDAY)
ALWAYS = layer("ab", MONDAY, WEEK)


def found(known, from_ms=T):
    return [(one.law, one.message) for one in roster_findings(known, from_ms)]


def test_a_whole_roster_breaks_no_law():
    known = roster(
        schedule("p", ALWAYS), schedule("s", shadow=Shadow("p"), level="secondary"), from_ms=T
    )
    assert found(known) == []


def test_a_gap_in_the_year_ahead_is_found_with_its_reason():
    short = layer("a", MONDAY, WEEK, end="2027-01-04 23:59")
    known = roster(schedule("p", short, where="3:5"), from_ms=T)
    (one,) = roster_findings(known, T)
    assert one.message == (
        "p: nobody is on call 2027-01-04T23:59:00.000Z to 2027-01-05T00:00:00.000Z:"
        " no layer is in force"
    )
    assert (one.where, one.law, one.fix) == ("3:5", "gap", "add a layer below, or an override")
    assert (
        found(roster(schedule("p", layer("a", MONDAY, WEEK, end="2027-01-05 00:00")), from_ms=T))
        == []
    )


def test_of_many_gaps_three_are_told():
    daily = [(day * DAY, 23 * HOUR) for day in range(7)]
    ((_, message),) = found(roster(schedule("p", layer("a", MONDAY, WEEK, *daily)), from_ms=T))
    assert message.count(" to ") == 3
    assert message.endswith("; and 362 more")
    three = layer("a", MONDAY, 365 * DAY, end="2027-01-05 00:00")
    away = tuple(Absence("a", T + day * DAY, T + day * DAY + HOUR) for day in (1, 2, 3))
    ((_, message),) = found(roster(schedule("p", three), absences=away, from_ms=T))
    assert "more" not in message


def test_before_the_roster_there_is_no_gap():
    assert found(roster(schedule("p", ALWAYS), from_ms=T), from_ms=T - DAY) == []
    assert found(roster(schedule("p", ALWAYS), from_ms=T - DAY), from_ms=T - DAY)[0][0] == "gap"


def test_a_secondary_may_have_gaps():
    assert found(roster(schedule("p", level="secondary"), from_ms=T)) == []


def test_one_person_on_two_primaries_is_found():
    other = layer("ba", MONDAY, WEEK, origin="2026-01-12 00:00")
    same = layer("ab", MONDAY, 2 * WEEK)
    assert (
        found(roster(schedule("p", ALWAYS), schedule("q", layer("cd", MONDAY, WEEK)), from_ms=T))
        == []
    )
    ((law, message),) = found(roster(schedule("p", ALWAYS), schedule("q", same), from_ms=T))
    assert law == "two-primaries"
    assert message == (
        "a is on p and q at once, first from 2026-01-05T00:00:00.000Z to"
        " 2026-01-12T00:00:00.000Z; 27 times"
    )
    assert len(found(roster(schedule("p", ALWAYS), schedule("q", other), from_ms=T))) == 1
    second = schedule("q", same, level="secondary")
    assert found(roster(schedule("p", ALWAYS), second, from_ms=T)) == []


def test_a_change_has_two_weeks_notice():
    changed = schedule("p", ALWAYS, from_ms=T + 4 * WEEK)
    first = schedule("p", ALWAYS)
    enough = replace(changed, announced_ms=T + 2 * WEEK)
    late = replace(changed, announced_ms=T + 2 * WEEK + MINUTE)
    assert found(roster(first, enough, from_ms=T)) == []
    assert found(roster(first, late, from_ms=T)) == [("notice", "p: announced 13 days ahead")]
    told = "p: the change of 2026-02-02T00:00:00.000Z has no announced_at"
    assert found(roster(first, changed, from_ms=T)) == [("notice", told)]


def test_a_swap_that_does_not_hold_or_moves_nothing_is_found():
    given = (("a", 0), ("b", 0))
    good = Swap("p", (Exchange("a", "b", T, T + WEEK),), given)
    unconfirmed = replace(good, confirmed=(("a", 0),))
    nothing = Swap(
        "p",
        (Exchange("b", "a", T + HOUR, T + 2 * HOUR), Exchange("c", "d", T, T + DAY)),
        (*given, ("c", 0), ("d", 0)),
    )
    assert found(roster(schedule("p", ALWAYS), swaps=(good,), from_ms=T)) == []
    assert found(roster(schedule("p", ALWAYS), swaps=(unconfirmed,), from_ms=T)) == [
        ("swap", "the swap does not hold: not confirmed by b")
    ]
    assert found(roster(schedule("p", ALWAYS), swaps=(nothing,), from_ms=T)) == [
        ("swap", "d takes over nothing of c")
    ]


def test_an_override_of_who_is_away_is_found():
    override = Override("p", "a", T + DAY, T + 2 * DAY)

    def laws(start, end, user="a"):
        absences = (Absence(user, start, end),)
        known = roster(
            schedule("p", layer("c", MONDAY, WEEK)),
            overrides=(override,),
            absences=absences,
            from_ms=T,
        )
        return found(known)

    assert laws(T, T + DAY) == laws(T + 2 * DAY, T + 3 * DAY) == laws(T, T + 9 * DAY, "b") == []
    assert laws(T, T + DAY + 1) == [("override-away", "a is away from 2026-01-05T00:00:00.000Z")]
    assert laws(T + 2 * DAY - 1, T + 3 * DAY)[0][0] == "override-away"


def policy(*targets, **given):
    rules = tuple(Rule(5 * MINUTE, (Target(kind, "a", "9:9"),), "8:8") for kind in targets)
    return Policy("one", rules, where="7:7", **given)


def calling(*names, **given):
    rules = tuple(Rule(HOUR, (Target("schedule_reference", name, "9:9"),)) for name in names)
    return Policy("one", rules, where="7:7", **given)


ROWS = tuple(Severity(f"P{number}", "one") for number in (1, 2, 3, 4))


def test_a_policy_that_may_reach_nobody_ends_nowhere():
    days = layer("a", MONDAY, WEEK, *[(day * DAY, 18 * HOUR) for day in range(7)])
    nights = layer("b", MONDAY, WEEK, *[(day * DAY + 17 * HOUR, 7 * HOUR) for day in range(7)])
    late = layer("b", MONDAY, WEEK, *[(day * DAY + 19 * HOUR, 5 * HOUR) for day in range(7)])

    def laws(policy, second):
        schedules = (
            schedule("p", days, level="secondary"),
            schedule("q", second, level="secondary"),
        )
        return roster_findings(
            roster(*schedules, policies=(policy,), matrix=ROWS, from_ms=T), T - DAY
        )

    assert laws(calling("p", "q"), nights) == ()
    (one,) = laws(calling("p", "q", "p"), late)
    assert (one.where, one.law) == ("7:7", "ends-nowhere")
    assert one.message == (
        "one: nobody is on any of its schedules from"
        " 2026-01-05T18:00:00.000Z to 2026-01-05T19:00:00.000Z"
    )
    assert one.fix == "end with a user_reference"
    named = calling("p", "q")
    with_user = replace(named, rules=(*named.rules, Rule(HOUR, (Target("user_reference", "a"),))))
    assert laws(with_user, late) == ()


def test_the_specifications_policy_is_found_out():
    (((spec,), _), _) = read_policies(SPEC.read_text(encoding="utf-8"))
    sums, word = policy_findings(spec)
    assert (sums.law, sums.where) == ("delays-sum", "3:5")
    assert sums.message == (
        "llm-research-lab-primary: rules are due 0, 15, 30, 60 minutes after the page;"
        " PagerDuty adds: 0, 0, 15, 45"
    )
    assert (
        sums.fix == "write delays: after_trigger, or PagerDuty's delays, each until the next rule"
    )
    assert (word.law, word.where) == ("handoff-word", "3:5")
    assert (
        word.message
        == "llm-research-lab-primary: PagerDuty has no on_call_handoff_notifications: restrict"
    )
    assert word.fix == "write if_has_services, as which it is read, or always"
    assert policy_findings(policy("user_reference", handoffs="always")) == ()
    assert policy_findings(replace(spec, declared=True)) == (word,)


def test_each_severity_has_a_policy():
    rows = tuple(Severity(f"P{number}", "one") for number in (1, 2, 3, 4))
    made = policy("user_reference")
    assert found(roster(policies=(made,), matrix=rows)) == []
    assert found(roster(policies=(made,), matrix=rows[1:3])) == [
        ("severity", "no policy for P1, P4")
    ]
    assert roster_findings(roster(policies=(made,)), T)[0].where == "7:7"


def test_a_name_that_stands_for_nothing_is_found():
    known = roster(schedule("p", layer("az", MONDAY, WEEK)), from_ms=T)
    assert ("unknown-user", "unknown user 'z'") in found(known)


BEFORE = roster(schedule("p", ALWAYS), from_ms=T)
NOW = T + 3 * WEEK


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (BEFORE, False),
        (roster(schedule("p", ALWAYS), schedule("p", layer("cd", MONDAY, WEEK), from_ms=NOW), from_ms=T), False),
        (roster(schedule("p", ALWAYS), schedule("p", layer("cd", MONDAY, WEEK), from_ms=NOW - 1), from_ms=T), True),
        (roster(schedule("p", layer("ba", MONDAY, WEEK)), from_ms=T), True),
        (roster(schedule("p", layer("ab", MONDAY, WEEK, name="renamed")), from_ms=T), False),
        (roster(schedule("p", ALWAYS), from_ms=T - WEEK), False),
        (roster(schedule("p", ALWAYS), from_ms=T + 1), True),
        (roster(from_ms=T), True),
        (roster(schedule("p", ALWAYS), schedule("q", ALWAYS), from_ms=T), False),
        (replace(BEFORE, overrides=(Override("p", "c", T, T + DAY, created_ms=NOW),)), False),
        (replace(BEFORE, overrides=(Override("p", "c", T, T + DAY),)), True),
        (replace(BEFORE, overrides=(Override("p", "a", T, T + DAY),)), False),
    ],
)  # fmt: skip
def test_an_edit_never_changes_the_past(after, changed):
    laws = edited(BEFORE, after, NOW)
    assert len(laws) == changed
    for one in laws:
        assert one.law == "edited-past"
        assert one.message == "p: who was on call before 2026-01-26T00:00:00.000Z has changed"
        assert one.fix == "leave the old record as it is, and add one with a from that is to come"


def test_two_turns_of_one_person_that_become_one_override_are_no_change_of_the_past():
    turns = schedule("p", layer("abb", MONDAY, DAY))
    override = Override("p", "b", T + DAY, T + 3 * DAY)
    before, after = roster(turns, from_ms=T), roster(turns, overrides=(override,), from_ms=T)
    assert edited(before, after, T + 3 * DAY) == ()
    shorter = roster(turns, overrides=(replace(override, user="a"),), from_ms=T)
    assert [one.law for one in edited(before, shorter, T + 3 * DAY)] == ["edited-past"]
