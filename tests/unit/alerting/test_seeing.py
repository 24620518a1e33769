"""An annotation's query sees what the rule saw: nothing that it or a later rule wrote at its tick."""

from __future__ import annotations

import numpy as np
import pytest

from llm_research_lab.alerting.rules import Asked, evaluate_past, read_rules
from llm_research_lab.alerting.rules.seeing import seen_by
from llm_research_lab.promql import Columns
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import accepts

UP = labels_of({"__name__": "up", "job": "a"})
TIMES = np.arange(4, dtype=np.int64) * 1000
RULES = """
groups:
  - name: g
    interval: 1s
    rules:
      - {record: before, expr: up}
      - {alert: A, expr: up}
      - {record: after, expr: up}
      - {record: both, expr: up, labels: {n: one}}
  - name: h
    interval: 1s
    query_offset: 500ms
    rules:
      - {record: elsewhere, expr: up offset 500ms}
      - {record: both, expr: up, labels: {n: two}}
"""


def answered(text, *, in_order=False, given=frozenset(), place=(0, 1), at_ms=3000):
    def fetch(need):
        inside = (need.from_ms <= TIMES) & (need.to_ms >= TIMES)
        if not accepts(need.matchers, UP) or not inside.any():
            return []
        return [Columns((UP,), TIMES[inside], TIMES[None, inside] / 1000 + 1)]

    asked = Asked(read_rules(RULES)[0].groups, fetch, in_order=in_order)
    past = evaluate_past(asked, 0, 3000)
    found = seen_by(asked, past, place, at_ms, given)(text)
    return sorted((labels.get("__name__", ""), value) for labels, value in found)


@pytest.mark.parametrize(
    ("text", "value"),
    [("up", 4.0), ("before", 4.0), ("after", 3.0), ("both{n='one'}", 3.0), ("elsewhere", 3.0)],
)
def test_only_rules_before_it_have_written_at_its_tick(text, value):
    assert [one for _, one in answered(text)] == [value]


def test_its_own_alerts_are_those_of_the_tick_before():
    assert answered("count_over_time(ALERTS[1h])") == [("", 3.0)]
    assert answered("ALERTS", at_ms=0) == []


def test_groups_that_come_one_after_the_other_have_not_written_either():
    assert answered("elsewhere", in_order=True) == [("elsewhere", 2.0)]
    assert answered("elsewhere", in_order=True, place=(1, 1)) == [("elsewhere", 3.0)]


def test_what_is_given_was_there():
    given = frozenset({labels_of({"__name__": "after", "job": "a"})})
    assert answered("after", given=given) == [("after", 4.0)]
