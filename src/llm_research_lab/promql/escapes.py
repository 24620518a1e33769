"""A quoted string of an expression means what Go says; a wrong escape is refused at its column.

Source: Go's specification, "String literals"; Prometheus, promql/parser.
"""

from __future__ import annotations

from llm_research_lab.promql.places import refusal
from llm_research_lab.vocabulary import quoting
from llm_research_lab.vocabulary.quoting import EscapeError, quote

__all__ = ["quote", "unquote"]


def unquote(text: str, start: int, end: int) -> str:
    """Give the content of the quoted string at characters `start` to `end` of the text."""
    try:
        return quoting.unquote(text[start:end])
    except EscapeError as error:
        raise refusal(
            text,
            start + error.at,
            "an escape sequence of Go's strings",
            repr(error.escape)[1:-1].replace("\\\\", "\\"),
            r"write a backslash as \\, or use backquotes",
        ) from None
