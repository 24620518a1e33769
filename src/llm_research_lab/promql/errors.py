"""What an expression can be refused for: how it is written, or what it would take."""

from __future__ import annotations

from llm_research_lab.vocabulary import InvalidError, TooLargeError


class ExpressionError(InvalidError):
    """The expression cannot be read, or cannot be evaluated on these samples.

    `where` names line and column (``1:7``) of the expression's text.
    """

    slug = "bad-expression"


class QueryLimitError(TooLargeError):
    """The evaluation would take more than it may: samples, series, memory, steps."""

    slug = "query-limit"
