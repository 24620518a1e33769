"""label_replace and label_join change labels as Go's regexp.Expand and strings.Join do."""

from __future__ import annotations

import pytest
from tests.unit.promql.asking import ask, columns, table

from llm_research_lab.promql import ExpressionError

STORE = [columns(60_000, {"x src=source-value-10": [1], "x src=source-value-20": [2]})]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("value-$1", "value-10"),
        ("$1$3", "10"),
        ("$1x", ""),
        ("${1}x", "10x"),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$-", "a$-"),
        ("${1", "${1"),
        ("${}", "${}"),
        ("$name", "source"),
        ("${name}!", "source!"),
        ("$01", ""),
        ("$123456789", ""),
        ("$0", "source-value-10"),
        ("", ""),
        ("[$4]", "[]"),
    ],
)
def test_a_template_expands_as_gos(template, expected):
    pattern = (
        "(?:(?:source)-value-(.*))(?P<name>)" if "name" not in template else "(?P<name>source)-.*"
    )
    expression = f"label_replace(x, 'dst', '{template}', 'src', '{pattern}')"
    row = next(iter(table(ask(expression, STORE, at=0))))
    assert row == (f"x dst={expected} src=source-value-10" if expected else "x src=source-value-10")


def test_only_a_value_that_matches_whole_is_replaced():
    rows = table(ask("label_replace(x, 'dst', 'v', 'src', 'value-10')", STORE, at=0))
    assert list(rows) == ["x src=source-value-10", "x src=source-value-20"]
    rows = table(ask("label_replace(x, 'src', 'v', 'src', '.*10')", STORE, at=0))
    assert list(rows) == ["x src=v", "x src=source-value-20"]
    rows = table(ask("label_replace(x, '__name__', 'y', 'none', '')", STORE, at=0))
    assert next(iter(rows)) == "y src=source-value-10"


def test_labels_are_joined_absent_ones_as_nothing():
    rows = table(ask("label_join(x, 'dst', '-', 'src', 'none', 'src')", STORE, at=0))
    assert next(iter(rows)) == "x dst=source-value-10--source-value-10 src=source-value-10"
    assert next(iter(table(ask("label_join(x{src=~'.*10'}, 'src', '-')", STORE, at=0)))) == "x"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "label_replace(x, '', 'a', 'src', '.*')",
            "invalid destination label name in label_replace",
        ),
        (
            "label_replace(x, 'dst', 'a', 'src', '(.*')",
            "invalid regular expression in label_replace",
        ),
        ("label_join(x, '', ',', 'src')", "invalid destination label name in label_join"),
        ("label_join(x, 'dst', ',', '')", "invalid source label name in label_join"),
        ("label_replace(x, 'src', 'a', 'src', '.*')", "same labelset"),
        ("label_join(x, 'src', ',', 'none')", "same labelset"),
    ],
)
def test_what_cannot_be_done_is_told(expression, message):
    with pytest.raises(ExpressionError, match=message) as told:
        ask(expression, STORE, at=0)
    assert told.value.where == "1:1"


def test_version_2_takes_old_label_names_alone():
    with pytest.raises(ExpressionError, match="invalid destination label name"):
        ask("label_replace(x, 'a.b', 'v', 'src', '.*')", STORE, at=0, compat=2)
    rows = table(ask("label_replace(x, 'a.b', 'v', 'src', '.*')", STORE, at=0))
    assert next(iter(rows)) == "x a.b=v src=source-value-10"
