"""What the rules once recorded is read before the range alone; other series are read throughout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llm_research_lab.alerting.rules import Asked, evaluate_past, read_rules
from llm_research_lab.alerting.rules.beginning import beginning
from llm_research_lab.promql import Columns, Need
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher, accepts

MINUTE = 60_000
RULES = """
groups:
  - name: g
    query_offset: OFFSETs
    rules:
      - {record: a, expr: up, labels: {of: rule}}
      - {record: far, expr: 'sum_over_time(a[10m])'}
      - {record: n, expr: count(a)}
      - {alert: A, expr: a == 0}
      - {record: alerts, expr: count(ALERTS)}
"""
TIMES = np.arange(0, 30, dtype=np.int64) * MINUTE
FROM, TO = 15 * MINUTE, 29 * MINUTE


def series(name, value, **labels):
    pairs = labels_of({"__name__": name, **labels})
    return Columns((pairs,), TIMES, np.full((1, len(TIMES)), float(value)))


def asked_of(*columns, offset=0):
    def fetch(need):
        inside = (need.from_ms <= TIMES) & (need.to_ms >= TIMES)
        return [
            Columns(
                tuple(one.labels[row] for row in rows),
                one.times[inside],
                one.values[rows][:, inside],
                None if one.stale is None else one.stale[rows][:, inside],
                starts=None if one.starts is None else one.starts[rows][:, inside],
            )
            for one in columns
            if (rows := [n for n, pairs in enumerate(one.labels) if accepts(need.matchers, pairs)])
            and inside.any()
        ]

    groups = read_rules(RULES.replace("OFFSET", str(offset)))[0].groups
    return Asked(groups, fetch)


def values(past, name, **labels):
    one = past.written.series[labels_of({"__name__": name, **labels})]
    inside = one.times >= FROM
    return one.values[inside & ~one.stale].tolist()


RECORDED = series("a", 100, of="rule"), series("ALERTS", 1, alertname="A", alertstate="firing")


@pytest.mark.parametrize("stepped", [True, False])
def test_from_the_beginning_on_the_rules_alone_write_their_series(stepped):
    asked = replace(asked_of(series("up", 1), *RECORDED), stepped=stepped)
    past = evaluate_past(*beginning_at(asked))
    assert values(past, "n") == [1.0] * 15
    assert values(past, "a", of="rule") == [1.0] * 15
    assert values(past, "alerts") == [1.0] * 4, "told before the range, and looked back on"
    # Of ten minutes, left open, nine lie before the range at its first tick.
    assert values(past, "far", of="rule") == [
        100.0 * max(9 - n, 0) + min(n + 1, 10) for n in range(15)
    ]


def beginning_at(asked):
    asked, past = beginning(asked, FROM)
    return asked, FROM, TO, past


def test_with_an_offset_the_rules_begin_to_write_so_much_earlier():
    past = evaluate_past(*beginning_at(asked_of(series("up", 1), *RECORDED, offset=60)))
    one = past.written.series[labels_of({"__name__": "a", "of": "rule"})]
    assert one.times.tolist() == TIMES[5:29].tolist()
    assert one.values.tolist() == [100.0] * 9 + [1.0] * 15


def test_what_no_rule_writes_stays_in_its_columns_with_all_that_belongs_to_it():
    both = Columns(
        (labels_of({"__name__": "a", "of": "rule"}), labels_of({"__name__": "a", "of": "others"})),
        TIMES,
        np.stack([np.full(30, 100.0), np.full(30, 5.0)]),
        np.stack([np.zeros(30, np.bool_), TIMES == 20 * MINUTE]),
        starts=np.stack([TIMES, TIMES + 1]),
    )
    asked, past = beginning(asked_of(series("up", 1), both), FROM)
    (columns,) = asked.fetch(need_of("a"))
    assert columns.labels == both.labels[1:]
    assert columns.values.tolist() == both.values[1:].tolist()
    assert columns.stale.tolist() == both.stale[1:].tolist()
    assert columns.starts.tolist() == both.starts[1:].tolist()
    assert set(past.written.series) == {both.labels[0]}
    assert len(asked.fetch(need_of("up"))) == 1


def need_of(name):
    return Need((Matcher("__name__", "=", name),), 0, TO)


def test_a_store_without_anything_recorded_is_read_as_it_is():
    asked = asked_of(series("up", 0))
    begun = evaluate_past(*beginning_at(asked))
    plain = evaluate_past(asked, FROM, TO)
    assert begun.written.series.keys() == plain.written.series.keys()
    assert values(begun, "alerts") == values(plain, "alerts") == [1.0] * 15
