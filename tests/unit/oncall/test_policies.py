"""A policy is read in PagerDuty's words, and the specification's numbers as its table means them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.oncall.planted import DAY, HOUR, MINUTE, at, said

from llm_research_lab.oncall.clock import clock_of
from llm_research_lab.oncall.policy import (
    AFTER_TRIGGER,
    UNTIL_NEXT_RULE,
    Hours,
    Policy,
    Rule,
    Severity,
    Target,
    delays_ms,
    due_ms,
    reading_of,
)
from llm_research_lab.oncall.read_policies import read_policies

SPEC = Path(__file__).parents[2] / "golden/spec/escalation-policy.yaml"

WHOLE = """
escalation_policies:
  - name: business
    description: in the day
    num_loops: 9
    on_call_handoff_notifications: always
    delays: until_next_rule
    support_hours:
      type: fixed_time_per_day
      time_zone: America/New_York
      start_time: "09:00"
      end_time: "17:30:00"
      days_of_week: [1, tuesday, 7]
    escalation_rules:
      - escalation_delay_in_minutes: 5
        targets: [{type: schedule_reference, id: one}, {type: user_reference, id: ann}]
      - {escalation_delay_in_minutes: 1, targets: [{type: user_reference, id: ben}]}
escalation_matrix:
  - {severity: P1, escalation_policy: business, manager_after_minutes: 120}
  - {severity: P2, escalation_policy: business, acknowledgement_timeout_in_minutes: 45}
  - {severity: P3, escalation_policy: business, acknowledgement_timeout_in_minutes: null}
  - {severity: P4, escalation_policy: business, manager_after_minutes: null}
"""


def minutes(times):
    return [time // MINUTE for time in times]


def test_the_specifications_policy_is_read_as_its_table_means_it():
    (policies, matrix), findings = read_policies(SPEC.read_text(encoding="utf-8"))
    assert findings == ()
    assert matrix == ()
    (policy,) = policies
    assert (policy.name, policy.num_loops, policy.handoffs) == (
        "llm-research-lab-primary",
        3,
        "restrict",
    )
    assert policy.delays == AFTER_TRIGGER
    assert (policy.declared, policy.written) == (False, (0, 15, 30, 60))
    assert minutes(due_ms(policy)) == [0, 15, 30, 60]
    assert minutes(rule.delay_ms for rule in policy.rules) == [15, 15, 30, 30]
    assert [rule.targets[0].id for rule in policy.rules] == [
        "primary-on-call-schedule", "secondary-on-call-schedule", "engineering-manager",
        "director-of-engineering",
    ]  # fmt: skip
    assert policy.rules[0].targets[0].type == "schedule_reference"
    assert (policy.where, policy.rules[1].where) == ("3:5", "12:9")


def test_a_policy_with_every_key():
    (policies, matrix), findings = read_policies(WHOLE)
    assert findings == ()
    first = Rule(
        5 * MINUTE,
        (Target("schedule_reference", "one", "16:19"), Target("user_reference", "ann", "16:56")),
        "15:9",
    )
    last = Rule(MINUTE, (Target("user_reference", "ben", "17:52"),), "17:9")
    opens, length = 9 * HOUR, 8 * HOUR + 30 * MINUTE
    windows = tuple((day * DAY + opens, day * DAY + opens + length) for day in (0, 1, 6))
    hours = Hours(clock_of("America/New_York"), windows)
    assert policies == (
        Policy("business", (first, last), 9, "always", UNTIL_NEXT_RULE, True, (5, 1), hours, "3:5"),
    )
    assert matrix == (
        Severity("P1", "business", 30 * MINUTE, 120 * MINUTE, "19:5"),
        Severity("P2", "business", 45 * MINUTE, None, "20:5"),
        Severity("P3", "business", None, None, "21:5"),
        Severity("P4", "business", 30 * MINUTE, None, "22:5"),
    )


def one(delays="[5]", keys=""):
    rules = "".join(
        f"{{escalation_delay_in_minutes: {delay}, targets: [{{type: user_reference, id: a}}]}},"
        for delay in delays.strip("[]").split()
    )
    return f"escalation_policies:\n  - {{name: one, {keys} escalation_rules: [{rules}]}}\n"


def test_what_is_not_written_has_pagerdutys_default():
    (((policy,), matrix), findings) = read_policies(one())
    assert findings == ()
    assert (policy.num_loops, policy.handoffs, policy.delays) == (
        0,
        "if_has_services",
        UNTIL_NEXT_RULE,
    )
    assert (policy.hours, policy.written, matrix) == (None, (5,), ())


@pytest.mark.parametrize(
    ("written", "delays", "waits"),
    [
        ((5,), UNTIL_NEXT_RULE, [5]),
        ((5, 10, 15), UNTIL_NEXT_RULE, [5, 10, 15]),
        ((0,), AFTER_TRIGGER, [30]),
        ((0, 15, 30, 60), AFTER_TRIGGER, [15, 15, 30, 30]),
        ((0, 20), AFTER_TRIGGER, [20, 20]),
        ((0, 0, 5), AFTER_TRIGGER, [0, 5, 5]),
    ],
)
def test_how_long_each_rule_waits(written, delays, waits):
    assert minutes(delays_ms(written, delays)) == waits


def test_a_first_delay_of_nothing_is_not_pagerdutys():
    assert reading_of((0, 15)) == AFTER_TRIGGER
    assert reading_of((1, 0)) == UNTIL_NEXT_RULE
    assert reading_of(()) == UNTIL_NEXT_RULE


def test_the_reading_may_be_written_down():
    (((policy,), _), _) = read_policies(one("[5 15]", "delays: after_trigger,"))
    assert minutes(rule.delay_ms for rule in policy.rules) == [10, 10]
    assert policy.delays == AFTER_TRIGGER


@pytest.mark.parametrize(
    ("content", "law", "where"),
    [
        ("[", "yaml", "1:2"),
        ("{}", "missing-key", "1:1"),
        ("escalation_policies: 3", "type", "1:22"),
        (one("[5 0]"), "delay", "2:142"),
        (one("[0 5]", "delays: until_next_rule,"), "delay", "2:91"),
        (one("[0 15 10]"), "delay", "2:218"),
        (one("[-1]"), "range", "2:67"),
        (one("[20161]"), "range", "2:67"),
        (one(keys="num_loops: 10,"), "range", "2:28"),
        (one(keys="num_loops: -1,"), "range", "2:28"),
        (one(keys="on_call_handoff_notifications: never,"), "unknown-on_call_handoff_notifications", "2:48"),
        (one(keys="delays: soon,"), "unknown-delays", "2:25"),
        (one(keys="teams: [a],"), "unknown-key", "2:17"),
        ("escalation_policies: [{name: one, escalation_rules: []}]", "length", "1:53"),
        ("escalation_policies: [{escalation_rules: [{escalation_delay_in_minutes: 1, targets: []}]}]", "length", "1:85"),
        (one() + "escalation_matrix: [{severity: P5, escalation_policy: one}]", "unknown-severity", "3:32"),
        (one() + "escalation_matrix: [{severity: P1, escalation_policy: one}, {severity: P1, escalation_policy: one}]", "duplicate-severity", "3:61"),
        (one() + "  - {name: one, escalation_rules: [{escalation_delay_in_minutes: 1, targets: [{type: user_reference, id: a}]}]}", "duplicate-policy", "3:5"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(content, law, where):
    found, findings = read_policies(content)
    assert found is None
    assert (law, where) in [(one.law, one.where) for one in findings]


def test_a_delay_says_what_to_write():
    _, (found,) = read_policies(one("[5 0]"))
    assert found.message == "a rule waits at least 1 minute for the next"
    assert found.fix == "write 1 or more, or delays: after_trigger"
    _, (found,) = read_policies(one("[0 15 10]"))
    assert found.message == "10 minutes after the page, but the rule before is due later"
    assert found.fix == "order the rules by their minutes"
    _, (found,) = read_policies(one() + one().split("\n")[1])
    assert (found.message, found.fix) == ("one stands twice", "keep one of them")


@pytest.mark.parametrize(
    "hours",
    ["3", "{time_zone: Europe/Bern, start_time: '9', end_time: '10:00', days_of_week: [8]}"],
)
def test_support_hours_that_cannot_be_read_are_findings(hours):
    found, findings = read_policies(one(keys=f"support_hours: {hours},"))
    assert found is None
    assert findings


def test_support_hours_may_go_on_past_midnight():
    text = "{time_zone: Etc/UTC, start_time: '22:00', end_time: '06:00', days_of_week: [7]}"
    (((policy,), _), _) = read_policies(one(keys=f"support_hours: {text},"))
    assert policy.hours.windows == ((0, 6 * HOUR), (6 * DAY + 22 * HOUR, 7 * DAY))
    text = "{time_zone: Etc/UTC, start_time: '08:00', end_time: '08:00', days_of_week: [1]}"
    (((policy,), _), _) = read_policies(one(keys=f"support_hours: {text},"))
    assert policy.hours.windows == ((8 * HOUR, 32 * HOUR),)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-01-05 08:59", "2026-01-05 09:00"),
        ("2026-01-05 09:00", "2026-01-05 09:00"),
        ("2026-01-05 16:59", "2026-01-05 16:59"),
        ("2026-01-05 17:00", "2026-01-06 09:00"),
        ("2026-01-09 17:00", "2026-01-12 09:00"),
        ("2026-03-07 12:00", "2026-03-09 09:00"),
        ("2026-03-06 18:00", "2026-03-09 09:00"),
    ],
)
def test_what_is_due_outside_the_hours_waits_for_their_beginning(now, opens):
    zone = "America/New_York"
    windows = tuple((day * DAY + 9 * HOUR, day * DAY + 17 * HOUR) for day in range(5))
    hours = Hours(clock_of(zone), windows)
    assert said(hours.open_at(at(now, zone)), zone)[:16] == opens


def test_a_row_that_says_nothing_holds_an_acknowledgement_for_half_an_hour():
    assert Severity("P1", "one") == Severity("P1", "one", 1_800_000, None)
