"""sort orders an instant query's rows, and warns where it cannot."""

from __future__ import annotations

import pytest
from tests.unit.promql.asking import NAN, ask, columns, table

from llm_research_lab.promql.sorting import precedes

STORE = [
    columns(
        60_000,
        {"x i=cpu10 j=1": [3], "x i=cpu2 j=2": [NAN], "x i=cpu2 j=1": [1], "x i=mem j=1": [2]},
    )
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sort(x)", ["cpu2 1", "mem 1", "cpu10 1", "cpu2 2"]),
        ("sort_desc(x)", ["cpu10 1", "mem 1", "cpu2 1", "cpu2 2"]),
        ("sort_by_label(x, 'i')", ["cpu2 1", "cpu2 2", "cpu10 1", "mem 1"]),
        ("sort_by_label(x, 'j', 'i')", ["cpu2 1", "cpu10 1", "mem 1", "cpu2 2"]),
        ("sort_by_label_desc(x, 'i')", ["mem 1", "cpu10 1", "cpu2 2", "cpu2 1"]),
        ("sort_by_label(x)", ["cpu10 1", "cpu2 1", "cpu2 2", "mem 1"]),
    ],
)
def test_rows_are_sorted(expression, expected):
    answer = ask(expression, STORE, at=0)
    assert [f"{dict(one)['i']} {dict(one)['j']}" for one in answer.value.labels] == expected
    assert not answer.warnings


def test_sorting_a_range_changes_nothing_and_says_so():
    answer = ask("sort_desc(x)", STORE, over=(0, 60, 60))
    assert list(table(answer)) == sorted(table(answer))
    assert answer.warnings == (
        "PromQL warning: sort is ineffective for range queries since results are always ordered by labels",
    )
    assert not ask("sort_desc(x)", STORE, over=(0, 60, 60), compat=2).warnings


@pytest.mark.parametrize(
    ("left", "right", "first"),
    [
        ("a2", "a10", True),
        ("a10", "a2", False),
        ("a", "ab", True),
        ("ab", "a", False),
        ("a1", "a1b", True),
        ("1", "a", True),
        ("a99999999999999999999", "a1", False),
        ("a9999999999999999999", "a10", False),
        ("a01", "a1", True),
    ],
)
def test_natural_order_compares_digits_as_numbers(left, right, first):
    assert precedes(left, right) is first
