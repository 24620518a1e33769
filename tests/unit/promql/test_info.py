"""info() adds the labels of the newest info series of the same job and instance."""

from __future__ import annotations

import pytest
from tests.unit.promql.asking import ask, columns, table

from llm_research_lab.promql import ExpressionError

ONES = [1, 1, 1]
STORE = [
    columns(
        60_000,
        {
            "x job=a instance=1 own=o": [1, 2, 3],
            "x job=a instance=2": [4, 5, 6],
            "x": [7, 8, 9],
            "target_info job=a instance=1 version=v1 own=other zone=z": ONES,
            "build_info job=a instance=1 build=b": ONES,
            "wrong_info job=a instance=1 version=v0": ONES,
        },
    )
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("info(x)", ["x", "x instance=1 job=a own=o version=v1 zone=z", "x instance=2 job=a"]),
        ("info(x, {version=~'.+'})", ["x instance=1 job=a own=o version=v1"]),
        (
            "info(x, {version=~'.*'})",
            ["x", "x instance=1 job=a own=o version=v1", "x instance=2 job=a"],
        ),
        (
            "info(x, {__name__='build_info'})",
            ["x", "x build=b instance=1 job=a own=o", "x instance=2 job=a"],
        ),
        (
            "info(x{instance='1'}, {__name__=~'(build|target)_info'})",
            ["x build=b instance=1 job=a own=o version=v1 zone=z"],
        ),
        ("info(build_info, {__name__='build_info'})", ["build_info build=b instance=1 job=a"]),
        ("info(x{instance='1'} offset 1m)", ["x instance=1 job=a own=o version=v1 zone=z"]),
        ("info(vector(1))", ["-"]),
        ("info(nothing)", []),
        ("info(x, {version='v9'})", []),
    ],
)
def test_info_labels_are_added(expression, expected):
    assert sorted(table(ask(expression, STORE, at=120))) == expected


def test_the_newest_of_two_info_series_counts_at_each_instant():
    store = [
        columns(60_000, {"x job=a": range(6)}),
        columns(60_000, {"target_info job=a v=1": ONES}),
        columns(60_000, {"target_info job=a v=2": ONES}, start_ms=150_000),
    ]
    rows = table(ask("info(x)", store, over=(0, 300, 60)))
    assert rows == {
        "x job=a v=1": [0, 1, 2, None, None, None],
        "x job=a v=2": [None, None, None, 3, 4, 5],
    }


def test_info_series_that_disagree_are_refused():
    store = [
        columns(
            60_000, {"x job=a": [1], "target_info job=a v=1": [1], "target_info job=a v=2": [1]}
        )
    ]
    with pytest.raises(ExpressionError, match="found duplicate series for info metric"):
        ask("info(x)", store, at=0)
    with pytest.raises(ExpressionError, match="conflicting label: version"):
        ask("info(x, {__name__=~'(target|wrong)_info'})", STORE, at=0)


def test_names_marked_to_be_dropped_stay_marked():
    rows = table(ask("info(-x{instance='1'})", STORE, at=0, delayed_names=True))
    assert rows == {"- instance=1 job=a own=o version=v1 zone=z": [-1]}
