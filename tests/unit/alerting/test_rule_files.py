"""Rule files: read as Prometheus reads them, findings with places."""

from __future__ import annotations

import pytest

from llm_research_lab.alerting.rules.read import read_rules
from llm_research_lab.vocabulary import InvalidError

GOOD = """\
groups:
- name: g
  interval: 30s
  limit: 5
  query_offset: 1m
  labels: {team: a}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {level: 1, gone: null, on: true}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 10m
    annotations: {summary: ""}
"""


def test_every_key_of_a_file_is_read() -> None:
    read, findings = read_rules(GOOD, check_template=str)
    assert not findings
    assert read is not None
    (group,) = read.groups
    assert (group.name, group.interval_ms, group.limit) == ("g", 30_000, 5)
    assert (group.query_offset_ms, group.labels) == (60_000, (("team", "a"),))
    record, alert = group.rules
    assert (record.kind, record.name, record.where) == ("record", "job:up:sum", "8:5")
    assert record.labels == (("gone", ""), ("level", "1"), ("on", "true"))
    assert (alert.kind, alert.text, alert.for_ms) == ("alert", "up == 0", 300_000)
    assert (alert.keep_firing_for_ms, alert.annotations) == (600_000, (("summary", ""),))


def test_an_empty_file_has_no_groups() -> None:
    for text in ("", "groups:", "groups: []"):
        read, findings = read_rules(text)
        assert read is not None
        assert (read.groups, findings) == ((), ())


def _rule(body: str) -> str:
    return f"groups: [{{name: g, rules: [{{{body}}}]}}]"


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("groups: [", "yaml"),
        ("group: []", "unknown-key"),
        ("groups: [{name: g}, {name: g}]", "duplicate-group"),
        ("groups: [{rules: []}]", "missing-key"),
        ("groups: [{name: g, interval: 5}]", "duration"),
        ("groups: [{name: g, labels: [a]}]", "type"),
        (_rule("record: a, alert: b, expr: up"), "kind"),
        (_rule("expr: up"), "kind"),
        (_rule("alert: a"), "missing-key"),
        (_rule("alert: a, expr: ''"), "expression"),
        (_rule("alert: a, expr: 'sum('"), "expression"),
        (_rule("alert: [a], expr: up"), "type"),
        (_rule("alert: a, expr: up, labels: {a-b: c}"), "label-name"),
        (_rule("alert: a, expr: up, labels: {__name__: c}"), "label-name"),
        (_rule("alert: a, expr: up, annotations: {a-b: c}"), "annotation-name"),
        (_rule("alert: a, expr: up, annotations: {a: '{{'}"), "template"),
        (_rule("record: a-b, expr: up"), "record-name"),
        (_rule("record: a, expr: up, for: 1m"), "record-field"),
        (_rule("record: a, expr: up, keep_firing_for: 1m"), "record-field"),
        (_rule("record: a, expr: up, annotations: {a: b}"), "record-field"),
    ],
)
def test_what_prometheus_refuses_is_a_finding(text: str, law: str) -> None:
    read, findings = read_rules(text, check_template=_no_braces)
    assert read is None
    assert law in {finding.law for finding in findings}


def _no_braces(template: str) -> None:
    if "{{" in template:
        raise InvalidError("1:1", "a template", "an unclosed action", "close it")


NULLS = """\
groups:
- name: g
  interval: null
  limit: null
  query_offset: null
  labels: null
  rules: [{alert: A, record: null, expr: up, for: null, keep_firing_for: null, labels: null, annotations: null}]
- {name: h, rules: null}
"""


def test_a_null_is_as_if_its_key_were_not_there() -> None:
    read, findings = read_rules(NULLS)
    assert findings == ()
    assert read is not None
    first, second = read.groups
    assert (first.interval_ms, first.limit, first.query_offset_ms, first.labels) == (
        None,
        0,
        None,
        (),
    )
    (rule,) = first.rules
    assert (rule.kind, rule.for_ms, rule.keep_firing_for_ms) == ("alert", 0, 0)
    assert (rule.labels, rule.annotations, second.rules) == ((), (), ())


@pytest.mark.parametrize("limit", [1 - 2**63, 2**63 - 1])
def test_a_limit_is_any_whole_number_of_64_bits(limit: int) -> None:
    read, _ = read_rules(f"groups: [{{name: g, limit: {limit}}}]")
    assert read is not None
    assert read.groups[0].limit == limit
    read, _ = read_rules(f"groups: [{{name: g, limit: {2 * limit}}}]")
    assert read is None
