"""Whole expressions answer what Prometheus answers (its documentation's and known answers)."""

from __future__ import annotations

import pytest
from tests.unit.promql.asking import INF, NAN, ask, columns, table

from llm_research_lab.promql import ExpressionError

SERIES = {
    f"http_requests_total job={job} instance={instance} group={group}": [
        10 * weight * step for step in range(11)
    ]
    for weight, (job, group, instance) in enumerate(
        [
            (job, group, instance)
            for job in ("api-server", "app-server")
            for group in ("production", "canary")
            for instance in ("0", "1")
        ],
        start=1,
    )
}
BUCKETS = {
    f"request_seconds_bucket le={le} job=api": [count * step for step in range(11)]
    for le, count in (("0.1", 1), ("0.2", 3), ("0.5", 3), ("+Inf", 4))
}
STORE = [columns(300_000, SERIES), columns(300_000, BUCKETS)]
AT = 3000


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(http_requests_total)", {"-": 3600}),
        (
            "sum by (group) (http_requests_total)",
            {"- group=canary": 2200, "- group=production": 1400},
        ),
        (
            "sum by (job) (rate(http_requests_total[50m]))",
            {"- job=api-server": 1000 / 3000, "- job=app-server": 2600 / 3000},
        ),
        ("count(http_requests_total) - 3", {"-": 5}),
        ("avg(http_requests_total{job='api-server'})", {"-": 250}),
        ("max(http_requests_total) / min(http_requests_total)", {"-": 8}),
        ("count_values('n', http_requests_total > bool 400)", {"- n=0": 4, "- n=1": 4}),
        ("quantile(0.5, http_requests_total)", {"-": 450}),
        (
            "topk(1, http_requests_total)",
            {"http_requests_total group=canary instance=1 job=app-server": 800},
        ),
        (
            "http_requests_total{group='canary', instance='0'} > 500",
            {"http_requests_total group=canary instance=0 job=app-server": 700},
        ),
        ("sum(http_requests_total) by (job) > 1000", {"- job=app-server": 2600}),
        ("-sum(http_requests_total) ^ 2 / 3600", {"-": -3600}),
        ("2 - 1 * 3", None),
        (
            "sum by (job) (http_requests_total{group='canary'}) / sum by (job) (http_requests_total)",
            {"- job=api-server": 0.7, "- job=app-server": 1500 / 2600},
        ),
        ("vector(1) or http_requests_total{job='none'}", {"-": 1}),
        ("http_requests_total{job='none'} or vector(0)", {"-": 0}),
        ("absent(sum(nothing))", {"-": 1}),
        ("scalar(sum(http_requests_total)) * vector(2)", {"-": 7200}),
        ("sum(http_requests_total offset 5m)", {"-": 3240}),
        ("sum(http_requests_total @ 300)", {"-": 360}),
        ("sum_over_time(sum(http_requests_total)[10m:5m])", {"-": 6840}),
        ("max_over_time(sum(http_requests_total)[50m:5m]) - min(http_requests_total)", {"-": 3500}),
        ("histogram_quantile(0.5, rate(request_seconds_bucket[10m]))", {"- job=api": 0.15}),
        ("histogram_quantile(0.25, sum by (le) (request_seconds_bucket))", {"-": 0.1}),
        ("histogram_quantile(0.99, request_seconds_bucket)", {"- job=api": 0.5}),
        ("histogram_fraction(0, 0.2, request_seconds_bucket)", {"- job=api": 0.75}),
        ("limitk(0, http_requests_total)", {}),
        ("sum(nothing)", {}),
    ],
)
def test_an_expression_answers_as_known(expression, expected):
    answer = ask(expression, STORE, at=AT)
    if expected is None:
        assert answer.value.values.tolist() == [-1]
    else:
        assert table(answer) == {name: [pytest.approx(value)] for name, value in expected.items()}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 / 0", INF),
        ("0 / 0", NAN),
        ("-2 ^ 2", -4),
        ("5 % 3", 2),
        ("1 > bool 2", 0),
        ("time() - 3000", 0),
        ("scalar(sum(http_requests_total)) / 2", 1800),
    ],
)
def test_scalars_are_computed(expression, expected):
    assert ask(expression, STORE, at=AT).value.values == pytest.approx([expected], nan_ok=True)


def test_a_range_query_is_its_instant_queries_side_by_side():
    for expression in (
        "sum by (job) (rate(http_requests_total[10m]))",
        "topk(2, http_requests_total) > 100",
        "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[10m])))",
        "http_requests_total / ignoring (group, instance) group_left sum by (job) (http_requests_total)",
    ):
        whole = table(ask(expression, STORE, over=(0, 3000, 300)))
        for step in range(11):
            single = table(ask(expression, STORE, at=300 * step))
            column = {name: row[step] for name, row in whole.items() if row[step] is not None}
            assert {name: row[0] for name, row in single.items()} == pytest.approx(
                column, nan_ok=True
            )


def test_many_to_many_is_refused():
    with pytest.raises(ExpressionError):
        ask("http_requests_total * on (job) http_requests_total", STORE, at=AT)
