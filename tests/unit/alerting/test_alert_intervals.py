"""An interval says at which ticks its rule failed, and when its rule forgot the alert."""

import pytest

from llm_research_lab.alerting.rules import Failure, Past, intervals, read_rules
from llm_research_lab.alerting.rules.spans import Span

MINUTE = 60_000
RULES = "groups: [{name: g, rules: [{alert: A, expr: up}, {alert: A, expr: up}]}]"
GROUPS = read_rules(RULES)[0].groups
LABELS = (("alertname", "A"),)


def told(spans, *failures):
    """What is missed and forgotten, in minutes, by span."""
    past = Past()
    past.spans.found[(0, 0), LABELS] = [
        Span("firing", start * MINUTE, None if end is None else end * MINUTE)
        for start, end in spans
    ]
    past.failures = [
        Failure("A", at * MINUTE, "why", (0, place), kind) for at, place, kind in failures
    ]
    return [
        ([at // MINUTE for at in one.missed], one.forgotten_ms and one.forgotten_ms // MINUTE)
        for one in intervals(GROUPS, past)
    ]


def test_a_rule_misses_its_own_failures_and_no_others():
    assert told([(1, 5)], (2, 0, "evaluating"), (3, 1, "evaluating")) == [([2], None)]


def test_what_could_not_be_written_was_evaluated():
    assert told([(1, 5)], (2, 0, "writing")) == [([], None)]


@pytest.mark.parametrize(("at", "missed"), [(0, []), (1, [1]), (5, [5]), (20, [20]), (21, [])])
def test_a_failure_counts_while_the_alert_lasts_or_is_remembered(at, missed):
    assert told([(1, 5)], (at, 0, "evaluating")) == [(missed, None)]


def test_an_alert_that_lasts_misses_all_that_follows():
    assert told([(1, None)], (0, 0, "evaluating"), (99, 0, "evaluating")) == [([99], None)]


def test_the_first_tick_above_the_limit_forgets():
    failures = (3, 0, "evaluating"), (5, 0, "limit"), (6, 0, "limit")
    assert told([(1, 5)], *failures) == [([3, 5, 6], 5)]
