"""The graph of rules: what is read comes first, circles are stepped."""

from __future__ import annotations

from llm_research_lab.alerting.rules.graph import circles
from llm_research_lab.alerting.rules.read import read_rules


def _ordered(*groups: str) -> list[tuple[str, bool]]:
    text = "groups:\n" + "\n".join(
        f"- {{name: g{number}, rules: [{group}]}}" for number, group in enumerate(groups)
    )
    read, findings = read_rules(text)
    assert read is not None, findings
    return [
        ("+".join(node.rule.name for node in circle.nodes), circle.stepped)
        for circle in circles(read.groups)
    ]


def test_what_is_read_comes_before_its_reader() -> None:
    first = '{record: a, expr: "sum(b)"}'
    assert _ordered(first, "{record: b, expr: up}") == [("b", False), ("a", False)]
    assert _ordered("{record: b, expr: up}, " + first) == [("b", False), ("a", False)]


def test_a_rule_that_reads_itself_or_a_later_one_of_its_group_is_stepped() -> None:
    assert _ordered('{record: a, expr: "a or up"}') == [("a", True)]
    later = "{record: a, expr: b}, {record: b, expr: up}, {record: c, expr: a}"
    assert _ordered(later) == [("a+b", True), ("c", False)]


def test_a_reader_of_alerts_comes_after_the_alerts_it_can_name() -> None:
    reader = "{record: a, expr: 'ALERTS{alertname=\"X\"}'}"
    alerts = "{alert: Y, expr: a}, {alert: X, expr: up}"
    assert _ordered(reader, alerts) == [("X", False), ("a", False), ("Y", False)]


def test_what_leaves_the_past_is_stepped() -> None:
    for expr in ("b offset -5m", "b @ end()", "b[5m:1m] @ 5"):
        wrapped = (
            f"{{record: a, expr: 'sum_over_time({expr})'}}"
            if "[" in expr
            else f"{{record: a, expr: '{expr}'}}"
        )
        assert _ordered(wrapped, "{record: b, expr: up}") == [("b", False), ("a", True)]


def test_what_leaves_the_past_and_reads_what_is_written_behind_its_tick_is_stepped_with_it() -> (
    None
):
    groups = "\n".join(
        f"- {{name: {name}, query_offset: 1s, rules: [{{record: {name}, expr: '{expr}'}}]}}"
        for name, expr in (("a", "up"), ("b", "a offset -1m"))
    )
    read, findings = read_rules(f"groups:\n{groups}")
    assert read is not None, findings
    (circle,) = circles(read.groups)
    assert [node.rule.name for node in circle.nodes] == ["a", "b"]


def test_info_may_read_any_rule() -> None:
    text = "groups: [{name: g, rules: [{record: a, expr: 'info(up)'}, {record: b, expr: up}]}]"
    read, findings = read_rules(text, experimental=True)
    assert read is not None, findings
    assert [circle.stepped for circle in circles(read.groups)] == [True]


def test_a_length_that_depends_on_the_query_is_stepped_and_one_that_is_computed_is_not() -> None:
    for inner, stepped in (
        ("up[5m * 2]", False),
        ("up[step() + 1m]", True),
        ("up[10m:5m * 2]", False),
        ("up[10m:step()]", True),
        ("up[5m] offset (1m + 1m)", False),
        ("up[5m] offset (1m - 2m)", True),
        ("up[5m] offset step()", True),
    ):
        text = f"groups: [{{name: g, rules: [{{record: a, expr: 'count_over_time({inner})'}}]}}]"
        read, findings = read_rules(text, experimental=True)
        assert read is not None, findings
        assert [circle.stepped for circle in circles(read.groups)] == [stepped], inner


def test_rules_that_may_write_one_series_stand_together_and_labels_keep_them_apart() -> None:
    one = "{record: a, expr: up, labels: {k: x}}"
    assert _ordered(one, "{record: a, expr: up}") == [("a+a", False)]
    assert _ordered(one, "{record: a, expr: up, labels: {k: y}}") == [("a", False), ("a", False)]
    assert _ordered(one, "{record: a, expr: 'a{k=\"x\"}', labels: {k: y}}") == [
        ("a", False),
        ("a", False),
    ]


def test_groups_in_order_are_read_by_the_later_ones_alone() -> None:
    text = (
        "groups: [{name: g, rules: [{record: a, expr: b}]}, "
        "{name: h, rules: [{record: b, expr: up}]}]"
    )
    read, _ = read_rules(text)
    assert read is not None
    assert [circle.stepped for circle in circles(read.groups)] == [False, False]
    assert [circle.stepped for circle in circles(read.groups, in_order=True)] == [True]
