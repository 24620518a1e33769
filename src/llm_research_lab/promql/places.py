"""A place in an expression's text is ``line:column``, both from one, in characters."""

from __future__ import annotations

from llm_research_lab.promql.errors import ExpressionError


def place(text: str, at: int) -> str:
    """Name the character `at` as ``line:column``; `at` may be the text's end."""
    line_start = text.rfind("\n", 0, at) + 1
    return f"{text.count(chr(10), 0, at) + 1}:{at - line_start + 1}"


def refusal(text: str, at: int, expected: str, got: str, fix: str) -> ExpressionError:
    """Make the error that points at the character `at`."""
    return ExpressionError(place(text, at), expected, got, fix)
