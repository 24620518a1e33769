"""Templates of rules are Go's: expanded until every query that they ask is answered."""

from __future__ import annotations

from collections.abc import Mapping

from llm_research_lab.alerting.rules.labelling import Expand, Query
from llm_research_lab.promql import ExpressionError, parse
from llm_research_lab.templates import Answered, Failed, NeedMore, expand_annotations
from llm_research_lab.vocabulary import Instant, LabError
from llm_research_lab.vocabulary.labels import labels_of

QUERIES = 100
"""Most different queries of one template."""


def expanding(default_ms: Instant) -> Expand:
    """Give what expands templates; `default_ms` is their time where nothing else is said."""

    def expand(
        text: str,
        *,
        labels: Mapping[str, str],
        external_labels: Mapping[str, str],
        external_url: str,
        value: float,
        query: Query,
        now_ms: Instant | None = None,
        name: str = "",
    ) -> str:
        now = default_ms if now_ms is None else now_ms
        answers: dict[str, Answered] = {}
        while True:
            try:
                return expand_annotations(
                    text,
                    labels=labels_of(labels),
                    external_labels=labels_of(external_labels),
                    external_url=external_url,
                    value=value,
                    answers=answers,
                    now_ms=now,
                    name=name,
                )
            except NeedMore as more:
                for one in more.expressions:
                    answers[one] = _answered(query, one, len(answers))

    return expand


def _answered(query: Query, text: str, asked: int) -> Answered:
    if asked >= QUERIES:
        return Failed(f"more than {QUERIES} queries in one template")
    try:
        return [(labels_of(labels), value) for labels, value in query(text)]
    except LabError as error:
        return Failed(_misread(text) or error.got)


def _misread(text: str) -> str | None:
    """Say where an expression cannot be parsed; None where it can."""
    try:
        parse(text, experimental=True)
    except ExpressionError as error:
        return f"{error.where}: parse error: {error.got}"
    return None
