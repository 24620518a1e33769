"""A selector's text becomes matchers."""

from __future__ import annotations

from llm_research_lab.promql.nodes import Selector
from llm_research_lab.promql.parsing import parse
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.matchers import Matcher


def matchers_of(text: str) -> tuple[Matcher, ...]:
    """Read a series selector without offset or @. Raises InvalidError."""
    expr = parse(text)
    if not isinstance(expr, Selector) or expr.offset or expr.at:
        raise InvalidError("selector", "a series selector", repr(text[:60]), 'write up{job="x"}')
    return expr.matchers
