"""Groups over the past: one pass, tick by tick and any cut write the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_research_lab.alerting.rules.intervals import Interval, intervals
from llm_research_lab.alerting.rules.labelling import Templates
from llm_research_lab.alerting.rules.past import evaluate_past
from llm_research_lab.alerting.rules.read import read_rules
from llm_research_lab.alerting.rules.running import Asked, Past, answer
from llm_research_lab.promql import Columns, Need
from llm_research_lab.vocabulary.matchers import accepts

SERIES = tuple((("__name__", "up"), ("job", job)) for job in "ab")
END = 40 * 15_000

RULES = (
    "{record: r1, expr: up}",
    "{record: r2, expr: 'sum(r1)', labels: {x: y}}",
    "{record: r3, expr: 'r1 + on (job) r1 offset 1m'}",
    "{record: r4, expr: 'r4 + 1 or up'}",
    "{record: r5, expr: 'r6 or up'}",
    "{record: r6, expr: 'sum by (job) (r5) + 1'}",
    "{record: r7, expr: '1'}",
    '{record: r8, expr: \'max without (job, n) (label_replace(up, "n", "", "", ""))\'}',
    "{record: r9, expr: 'up', labels: {job: same}}",
    "{alert: A, expr: 'up == 0', for: 30s, keep_firing_for: 45s}",
    "{alert: B, expr: 'count(ALERTS{alertname=\"A\"}) > 0'}",
    "{record: r10, expr: 'max(r3 offset -1m)'}",
    "{record: r11, expr: 'up offset -1m'}",
    "{record: r11, expr: 'up > 0'}",
    "{record: r11, expr: 'r1 @ end()', labels: {k: v}}",
    "{record: r11, expr: 'r2', labels: {g: g}}",
    '{alert: C, expr: up, labels: {v: "{{ $value }}", j: "x{{ $labels.job }}"}}',
    '{alert: D, expr: r1, labels: {n: "{{ query }}"}}',
    "{alert: E, expr: 'count by (job) (ALERTS) > 1', for: 15s}",
    "{alert: F, expr: 'ALERTS{alertstate=\"firing\"} == 1', keep_firing_for: 15s}",
    "{record: r12, expr: 'sum by (job) (r12 or up) < 3 or up'}",
    "{record: r13, expr: 'max by (job) ({__name__=~\"r1[2-4]\"}) or up'}",
    "{record: r14, expr: 'up unless on (job) r13 == 1'}",
    "{record: r15, expr: 'timestamp(r15) or up'}",
)


def _asked(groups: Sequence[Sequence[str]], bits: Sequence[int], stepped: bool) -> Asked:
    text = "groups:\n" + "\n".join(
        f"- {{name: g{n}, interval: {15 * (n + 1)}s, query_offset: {n}s, limit: {n and 2}, "
        f"labels: {{g: n{n}}}, rules: [{', '.join(rules)}]}}"
        for n, rules in enumerate(groups)
    )
    read, findings = read_rules(text)
    assert read is not None, findings
    times = np.arange(len(bits) // 2, dtype=np.int64) * 15_000
    values = np.array(bits[: len(times) * 2], np.float64).reshape(2, -1)
    stale = values == 2

    def fetch(need: Need) -> list[Columns]:
        inside = (times >= need.from_ms) & (times <= need.to_ms)
        rows = [row for row, labels in enumerate(SERIES) if accepts(need.matchers, labels)]
        if not rows:
            return []
        cut = np.ascontiguousarray(values[rows][:, inside])
        return [Columns(tuple(SERIES[r] for r in rows), times[inside], cut, stale[rows][:, inside])]

    return Asked(read.groups, fetch, stepped=stepped, templates=Templates(_expand))


def _expand(text: str, **given: Any) -> str:
    if "query" in text:
        return str(sorted(given["query"]("sum(r3)")))
    return text.replace("{{ $value }}", str(given["value"])).replace(
        "{{ $labels.job }}", given["labels"].get("job", "")
    )


def _samples(past: Past) -> dict[object, list[tuple[int, str, bool]]]:
    return {
        labels: [
            (time, "stale" if stale else repr(value), stale)
            for time, value, stale in zip(
                one.times.tolist(), one.values.tolist(), one.stale.tolist(), strict=True
            )
        ]
        for labels, one in past.written.series.items()
    }


def _all(past: Past) -> tuple[object, ...]:
    return (
        _samples(past),
        past.failures,
        {place: alerts for place, alerts in past.alerts.items() if alerts},
        {place: told for place, told in past.told.items() if told},
        past.spans.found,
        {place: seen for place, seen in past.seen.items() if seen},
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(RULES), max_size=6, unique=True), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=20, max_size=60),
    st.integers(0, END),
    st.booleans(),
)
def test_one_pass_steps_and_cuts_write_the_same(
    groups: list[list[str]], bits: list[int], cut: int, in_order: bool
) -> None:
    asked = replace(_asked(groups, bits, stepped=False), in_order=in_order)
    whole = evaluate_past(asked, 0, END)
    assert _all(whole) == _all(evaluate_past(replace(asked, stepped=True), 0, END))
    pieces = evaluate_past(asked, 0, cut)
    evaluate_past(asked, cut + 1, END, pieces)
    assert _all(pieces) == _all(whole)


def test_a_series_that_vanishes_is_marked_stale_once() -> None:
    past = evaluate_past(_asked([[RULES[0]]], [1, 2, 2, 1, 1, 1], stepped=False), 0, 45_000)
    one = past.written.series[("__name__", "r1"), ("g", "n0"), ("job", "a")]
    assert (one.times.tolist(), one.stale.tolist()) == ([0, 15_000], [False, True])


def test_a_rule_that_fails_writes_nothing_and_says_why() -> None:
    past = evaluate_past(_asked([[RULES[8]]], [1] * 8, stepped=False), 0, 15_000)
    assert not past.written.series
    assert [failure.at_ms for failure in past.failures] == [0, 15_000]
    assert "same labelset" in past.failures[0].why


def test_more_alerts_than_the_groups_limit_fail_the_rule_and_forget_its_alerts() -> None:
    text = "{alert: A, expr: up == 0, for: 15s}, {record: n, expr: up}"
    bits = [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]
    asked = _asked([[], [], [text]], bits, stepped=False)
    group = replace(asked.groups[2], limit=1, interval_ms=15_000, query_offset_ms=None)
    asked = replace(asked, groups=(group,))
    past = evaluate_past(asked, 0, 75_000)
    said = {(failure.rule, failure.at_ms // 15_000, failure.why) for failure in past.failures}
    assert {one for one in said if one[0] == "A"} == {
        ("A", 1, "exceeded limit of 1 with 2 alerts"),
        ("A", 2, "exceeded limit of 1 with 2 alerts"),
        ("A", 5, "exceeded limit of 1 with 2 alerts"),
    }
    assert ("n", 0, "exceeded limit of 1 with 2 series") in said
    told = [
        (dict(one.labels)["job"], one.state, one.from_ms // 15_000, one.to_ms)
        for one in intervals(asked.groups, past)
    ]
    assert told == [
        ("a", "pending", 3, 60_000),
        ("a", "firing", 4, 75_000),
        ("b", "pending", 0, 15_000),
    ]


def test_intervals_tell_each_state_from_its_first_tick_to_the_first_without() -> None:
    asked = _asked([["{alert: A, expr: up == 0, for: 15s}"]], [1, 0, 0, 0, 1, 0] + [1] * 6, False)
    past = evaluate_past(asked, 0, 30_000)
    evaluate_past(asked, 30_001, 75_000, past)
    labels = (("alertname", "A"), ("g", "n0"), ("job", "a"))
    assert intervals(asked.groups, past) == [
        Interval("g0", "A", labels, "pending", 15_000, 30_000),
        Interval("g0", "A", labels, "firing", 30_000, 60_000),
        Interval("g0", "A", labels, "pending", 75_000, None),
    ]


def test_expressions_are_answered_on_what_was_fetched_and_written() -> None:
    asked = _asked([[RULES[0]]], [1, 0, 1, 0], stepped=False)
    ask = answer(asked, evaluate_past(asked, 0, 15_000), 15_000)
    assert ask("1 + 1") == [({}, 2.0)]
    assert ask("sum(r1)") == [({}, 0.0)]
    assert ask('count({__name__=~"r.|up"})') == [({}, 4.0)]


def test_a_rule_that_answers_no_vector_fails() -> None:
    for expr in ("'\"text\"'", "'up[5m]'"):
        asked = _asked([[f"{{record: n, expr: {expr}}}"]], [1] * 4, stepped=False)
        why = evaluate_past(asked, 0, 0).failures[0].why
        assert why == "rule result is not a vector or scalar"


def test_templates_stand_as_they_are_written_unless_something_expands_them() -> None:
    asked = replace(
        _asked([["{alert: C, expr: up, labels: {v: '{{ $value }}'}}"]], [1] * 4, stepped=False),
        templates=Templates(),
    )
    past = evaluate_past(asked, 0, 0)
    assert {dict(labels)["v"] for labels in past.alerts[0, 0]} == {"{{ $value }}"}


def test_series_that_take_turns_are_one_alert_which_tells_of_the_later() -> None:
    rule = "{alert: A, expr: up == 0, labels: {job: both}}"
    for bits, job in (([0, 1, 1, 0], "b"), ([1, 0, 0, 1], "a")):
        past = evaluate_past(_asked([[rule]], bits, stepped=False), 0, 15_000)
        (told,) = past.told[0, 0].values()
        assert (dict(told.labels)["job"], told.value, told.at_ms) == (job, 0.0, 15_000)


def test_a_text_without_an_action_is_not_expanded() -> None:
    assert Templates(_expand).expanded("query", {}, 0.0, lambda _: []) == "query"
