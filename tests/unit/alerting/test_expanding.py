"""A rule's templates see labels and value, and ask queries until they are answered."""

from __future__ import annotations

import pytest

from llm_research_lab.alerting.rules.expanding import QUERIES, expanding
from llm_research_lab.promql import parse
from llm_research_lab.vocabulary import InvalidError


def expand(text, query=lambda _text: [], **labels):
    return expanding(1_700_000_000_000)(
        text, labels=labels, external_labels={}, external_url="http://lab", value=0.25, query=query
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ $labels.job }} at {{ $value }}", "api at 0.25"),
        ("{{ $value | humanizePercentage }}", "25%"),
        ("{{ externalURL }}", "http://lab"),
        ("{{ $labels.absent }}", ""),
    ],
)
def test_labels_and_values_are_seen(text, expected):
    assert expand(text, job="api") == expected


def test_a_query_is_asked_once_and_answered():
    asked = []

    def query(text):
        asked.append(text)
        return [({"job": "api"}, 7.0)]

    text = '{{ with query "up" }}{{ . | first | value }}{{ end }}{{ query "up" | first | label "job" }}'
    assert expand(text, query) == "7api"
    assert asked == ["up"]


def test_a_query_that_fails_is_told_in_the_text():
    def query(text):
        raise InvalidError("1:1", "an expression", f"{text} is none", "mend it")

    assert "error expanding template" in expand('{{ query "up" }}', query)


def test_an_expression_that_cannot_be_read_is_told_with_its_place():
    told = expand('{{ query "sum(" }}', parse)
    assert "error calling query: 1:5: parse error: " in told


def test_a_template_asks_no_more_than_so_many_queries():
    pipes = "".join(f'{{{{ query "x{number}" }}}}' for number in range(QUERIES + 1))
    assert "queries in one template" in expand(pipes)


def test_a_template_asks_a_hundred_different_queries():
    pipes = "".join(f'{{{{ query "x{number}" }}}}' for number in range(100))
    assert "queries in one template" not in expand(pipes)
    assert "more than 100 queries" in expand(pipes + '{{ query "x100" }}')
