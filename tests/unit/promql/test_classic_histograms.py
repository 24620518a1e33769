"""Quantiles and shares of classic buckets, hand-counted."""

from __future__ import annotations

import math

import pytest
from tests.unit.promql.asking import INF, NAN, ask, columns, table

from llm_research_lab.promql.errors import ExpressionError

GOOD = {
    "h le=1 a=x": [2.0, 2.0],
    "h le=2 a=x": [6.0, 6.0],
    "h le=+Inf a=x": [8.0, 8.0],
}


def asked(text, series, at=0, **options):
    return ask(text, [columns(60_000, series)], at=at, **options)


def value(text, series, **options):
    (row,) = table(asked(text, series, **options)).values()
    return row[0]


@pytest.mark.parametrize("compat", [2, 3])
@pytest.mark.parametrize(
    ("phi", "expected"),
    [("0.5", 1.5), ("0.125", 0.5), ("0.9", 2), ("1", 2), ("-1", -INF), ("2", INF), ("0", 0)],
)
def test_a_quantile_is_interpolated_in_its_bucket(phi, expected, compat):
    assert value(f"histogram_quantile({phi}, h)", GOOD, compat=compat) == expected


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("histogram_quantile(NaN, h)", GOOD),
        ("histogram_quantile(0.5, h)", {"h le=1": [1.0], "h le=2": [2.0]}),
        ("histogram_quantile(0.5, h)", {"h le=+Inf": [2.0]}),
        ("histogram_quantile(0.5, h)", {"h le=1": [0.0], "h le=+Inf": [0.0]}),
        ("histogram_quantile(0, h)", {"h le=1": [0.0], "h le=+Inf": [1.0]}),
        ("histogram_fraction(NaN, 1, h)", GOOD),
        ("histogram_fraction(0, 1, h)", {"h le=1": [0.0], "h le=+Inf": [0.0]}),
    ],
)
def test_what_cannot_be_said_is_nan(text, series):
    assert math.isnan(value(text, series))


def test_the_lowest_bucket_answers_its_bound_where_that_is_not_above_zero():
    series = {"h le=-1": [5.0], "h le=1": [6.0], "h le=+Inf": [7.0]}
    assert value("histogram_quantile(0.1, h)", series) == -1


def test_buckets_of_equal_bounds_are_one():
    series = {"h le=1": [1.0], "h le=1.0": [3.0], "h le=2": [8.0], "h le=+Inf": [8.0]}
    assert value("histogram_quantile(0.5, h)", series) == 1


def test_falling_counts_are_mended_and_told():
    series = {"h le=1": [5.0], "h le=2": [4.0], "h le=3": [6.0], "h le=+Inf": [10.0]}
    answer = asked("histogram_quantile(0.55, h)", series)
    assert table(answer) == {"-": [2.5]}
    (info,) = answer.infos
    assert info.endswith("#histogram_quantile) (1:26)")
    assert asked("histogram_quantile(0.55, h)", series, compat=2).infos == ()
    (named,) = asked("histogram_quantile(0.55, h)", series, delayed_names=True).infos
    assert named.endswith('for metric name "h" (1:26)')


def test_a_fall_of_rounding_is_not_told():
    series = {"h le=1": [5.0], "h le=2": [5.0 - 1e-14], "h le=+Inf": [10.0]}
    assert asked("histogram_quantile(0.5, h)", series).infos == ()


def test_a_bucket_without_a_readable_bound_is_left_out_with_a_warning():
    series = {**GOOD, "h le=x a=x": [1.0, 1.0], "h le=0x1p4 a=x": [1.0, 1.0], "h": [1.0, 1.0]}
    answer = asked("histogram_quantile(0.5, h)", series)
    assert table(answer) == {"- a=x": [1.5]}
    assert (
        'PromQL warning: bucket label "le" is missing or has a malformed value of "x" '
        'for metric name "h" (1:25)'
    ) in answer.warnings
    assert asked("histogram_quantile(0.5, h)", series, compat=2).warnings == ()


def test_a_wrong_quantile_is_warned_of():
    (warning,) = asked("histogram_quantile(2, h)", GOOD).warnings
    assert warning == "PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)"


@pytest.mark.parametrize("compat", [2, 3])
def test_two_metrics_of_equal_labels_are_not_mixed(compat):
    series = {**GOOD, **{key.replace("h ", "g "): row for key, row in GOOD.items()}}
    with pytest.raises(ExpressionError, match="same labelset"):
        asked('histogram_quantile(0.5, {__name__=~"g|h"})', series, compat=compat)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [("0", "1", 0.25), ("0", "1.5", 0.5), ("1", "2", 0.5), ("-Inf", "+Inf", 1), ("2", "1", 0)],
)
def test_a_share_is_interpolated(low, high, expected):
    assert value(f"histogram_fraction({low}, {high}, h)", GOOD) == expected


def test_below_a_lowest_bound_under_zero_nothing_is_interpolated():
    series = {"h le=-1": [2.0], "h le=+Inf": [4.0]}
    assert value("histogram_fraction(-2, +Inf, h)", series) == 0.5


def test_several_quantiles_are_told_apart_by_a_label():
    answer = asked('histogram_quantiles(h, "q", 0.5, 1)', GOOD)
    assert table(answer) == {"- a=x q=0.5": [1.5], "- a=x q=1.0": [2.0]}


def test_a_quantile_that_changes_names_each_instant_after_its_own():
    store = [columns(60_000, GOOD)]
    answer = ask('histogram_quantiles(h, "q", time() / 120)', store, over=(0, 60, 60))
    assert table(answer) == {"- a=x q=0.0": [0.0, None], "- a=x q=0.5": [None, 1.5]}


def test_a_quantile_of_no_number_is_named_so():
    assert list(table(asked('histogram_quantiles(h, "q", NaN)', GOOD))) == ["- a=x q=NaN"]


def test_of_no_buckets_is_nothing():
    for text in (
        "histogram_quantile(0.5, none)",
        "histogram_fraction(0, 1, none)",
        'histogram_quantiles(none, "q", 0.5)',
        "histogram_count(h)",
    ):
        assert table(asked(text, GOOD)) == {}


def test_a_histogram_is_read_from_the_buckets_of_the_instant():
    series = {"h le=1": [2.0, NAN], "h le=+Inf": [4.0, 4.0]}
    store = [columns(600_000, series, stale=[(0, 1)])]
    row = table(ask("histogram_quantile(0.5, h)", store, over=(0, 600, 600)))["-"]
    assert row[0] == 1
    assert math.isnan(row[1])
