"""Hand-offs are told for the schedules of a policy, as its word for it says."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.oncall.planted import DAY, HOUR, WEEK, at, layer, roster, schedule

from llm_research_lab.oncall.handing_over import HandOff, handoffs
from llm_research_lab.oncall.policy import Policy, Rule, Severity, Target
from llm_research_lab.oncall.roster import Override

MONDAY = "2026-01-05 00:00"
T = at(MONDAY)


def policy(*schedules, **given):
    targets = tuple(Target("schedule_reference", name) for name in schedules)
    rule = Rule(HOUR, (*targets, Target("user_reference", "a")))
    return Policy("one", (rule, rule), **given)


ALWAYS = policy("p", handoffs="always")


def test_a_handoff_says_who_goes_off_and_who_comes_on():
    nine_to_five = layer(
        "ab", MONDAY, DAY, (9 * HOUR, 8 * HOUR), (DAY + 9 * HOUR, 15 * HOUR), (2 * DAY, HOUR)
    )
    known = roster(schedule("p", nine_to_five))
    assert handoffs(known, ALWAYS, T, T + 3 * DAY) == (
        HandOff("p", T + 9 * HOUR, None, "a"),
        HandOff("p", T + 17 * HOUR, "a", None),
        HandOff("p", T + DAY + 9 * HOUR, None, "b"),
        HandOff("p", T + 2 * DAY, "b", "a"),
        HandOff("p", T + 2 * DAY + HOUR, "a", None),
    )


def test_who_stays_on_is_not_told():
    known = roster(
        schedule("p", layer("a", MONDAY, DAY)), overrides=(Override("p", "a", T + HOUR, T + DAY),)
    )
    assert handoffs(known, ALWAYS, T + HOUR, T + WEEK) == ()


def test_the_ends_of_the_span_are_no_handoffs_unless_they_are():
    known = roster(schedule("p", layer("ab", MONDAY, DAY)))
    assert handoffs(known, ALWAYS, T + 1, T + DAY) == ()
    assert handoffs(known, ALWAYS, T + DAY, T + DAY + 1) == (HandOff("p", T + DAY, "a", "b"),)
    assert handoffs(known, ALWAYS, T, T + 1) == (HandOff("p", T, None, "a"),)


def test_all_schedules_of_the_policy_are_told_by_time():
    known = roster(
        schedule("p", layer("ab", MONDAY, DAY)), schedule("q", layer("ab", MONDAY, 18 * HOUR))
    )
    found = handoffs(known, policy("p", "q", handoffs="always"), T + 1, T + 2 * DAY)
    assert [(one.schedule, (one.at_ms - T) // HOUR) for one in found] == [
        ("q", 18), ("p", 24), ("q", 36),
    ]  # fmt: skip


def test_without_a_service_only_always_tells():
    known = roster(schedule("p", layer("ab", MONDAY, DAY)))
    used = replace(known, matrix=(Severity("P1", "one"),))
    other = replace(known, matrix=(Severity("P1", "other"),))
    for word in ("if_has_services", "restrict"):
        asked = policy("p", handoffs=word)
        assert handoffs(known, asked, T, T + WEEK) == ()
        assert handoffs(other, asked, T, T + WEEK) == ()
        assert handoffs(used, asked, T, T + WEEK) == handoffs(known, ALWAYS, T, T + WEEK) != ()
