"""A rule that reads ALERTS has an alert a state; both are told in one series, which ends with both."""

from __future__ import annotations

import numpy as np
import pytest

from llm_research_lab.alerting.rules import Asked, evaluate_past, read_rules
from llm_research_lab.promql import Columns
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import accepts

UP = labels_of({"__name__": "up", "job": "a"})
RULES = """
groups:
  - name: g
    interval: 1s
    rules:
      - {alert: A, expr: up == 0, for: 2s}
      - {alert: B, expr: 'ALERTS{alertname="A"}'}
      - {record: n, expr: 'count(ALERTS{alertname="B"})'}
"""


@pytest.mark.parametrize("stepped", [True, False])
def test_the_series_of_two_alerts_stands_where_either_does(stepped):
    times = np.arange(8, dtype=np.int64) * 1000
    values = np.array([[0.0, 0, 0, 0, 0, 1, 1, 1]])

    def fetch(need):
        return [Columns((UP,), times, values)] if accepts(need.matchers, UP) else []

    asked = Asked(read_rules(RULES)[0].groups, fetch, stepped=stepped)
    written = evaluate_past(asked, 0, 7000).written.series

    def told(name, **labels):
        one = written[labels_of({"__name__": name, "job": "a", **labels})]
        return dict(zip(one.times.tolist(), one.stale.tolist(), strict=True))

    firing = told("ALERTS", alertname="B", alertstate="firing")
    assert firing == {0: False, 1000: False, 2000: False, 3000: False, 4000: False, 5000: True}
    assert told("ALERTS_FOR_STATE", alertname="B", alertstate="pending") == {
        0: False,
        1000: False,
        2000: True,
    }
    counted = written[labels_of({"__name__": "n"})]
    assert counted.times.tolist() == [0, 1000, 2000, 3000, 4000, 5000]
