"""Alerts over a restart: what waits goes on waiting, what fires fires on."""

from __future__ import annotations

from dataclasses import replace

from llm_research_lab.alerting.rules import Alert, Group, Outage, Rule, Timing, identity, restored
from llm_research_lab.promql import parse

MINUTE = 60_000
KEY = (("alertname", "A"),)
HOUR = Timing(60 * MINUTE)


def _after(alert: Alert, timing: Timing, outage: Outage) -> Alert | None:
    return restored({KEY: alert}, timing, outage).get(KEY)


def test_the_time_that_was_down_does_not_count_for_what_waits() -> None:
    outage = Outage(down_at_ms=20 * MINUTE, now_ms=50 * MINUTE)
    assert _after(Alert("pending", 0), HOUR, outage) == Alert("pending", 30 * MINUTE)


def test_what_is_nearly_due_waits_for_the_grace_period() -> None:
    outage = Outage(down_at_ms=55 * MINUTE, now_ms=70 * MINUTE)
    assert _after(Alert("pending", 0), HOUR, outage) == Alert("pending", 20 * MINUTE)


def test_what_was_due_stays_as_it_was_and_what_fires_fires_on() -> None:
    outage = Outage(down_at_ms=60 * MINUTE, now_ms=70 * MINUTE)
    for alert in (Alert("pending", 0), Alert("firing", 0, 1), Alert("inactive", 0, 1, 2)):
        assert _after(alert, HOUR, outage) == alert


def test_a_for_shorter_than_the_grace_period_begins_anew() -> None:
    outage = Outage(down_at_ms=MINUTE, now_ms=2 * MINUTE)
    assert _after(Alert("pending", 0), Timing(9 * MINUTE), outage) is None


def test_a_long_outage_forgets_everything() -> None:
    assert _after(Alert("firing", 0, 1), HOUR, Outage(0, 60 * MINUTE)) is not None
    assert _after(Alert("firing", 0, 1), HOUR, Outage(0, 60 * MINUTE + 1)) is None


def test_a_rule_is_known_by_group_kind_name_and_labels_alone() -> None:
    rule = Rule("alert", "A", parse("up"), "up", (("a", "b"),))
    group = Group("g", (rule,))
    same = replace(rule, expr=parse("down"), text="down", for_ms=5, where="3:4")
    assert identity(group, rule) == identity(replace(group, interval_ms=5), same)
    assert identity(replace(group, labels=(("a", "b"),)), replace(rule, labels=())) == identity(
        group, rule
    )
    others = [
        (replace(group, name="h"), rule),
        (group, replace(rule, kind="record")),
        (group, replace(rule, name="B")),
        (group, replace(rule, labels=(("a", "c"),))),
    ]
    digests = {identity(*one) for one in others}
    assert len(digests) == len(others)
    assert identity(group, rule) not in digests
