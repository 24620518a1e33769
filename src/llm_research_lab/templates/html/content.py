"""A text that a template marks as HTML or as a URL is trusted where such a thing stands.

Source: Go, html/template/content.go (types HTML and URL, the two that Alertmanager offers).
"""

from __future__ import annotations

from typing import Any

from llm_research_lab.templates.printing import sprint
from llm_research_lab.templates.values import Record


class Html(str):
    """A fragment of HTML that is taken as it is."""

    __slots__ = ()
    go_type = "template.HTML"


class Url(str):
    """A URL, or a part of one, whose scheme is not looked at."""

    __slots__ = ()
    go_type = "template.URL"


def text_of(values: tuple[Any, ...]) -> str:
    """Give what an escaper gets as text: a marked one keeps its mark, nil is left out."""
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return sprint([pointed(value) for value in values if value is not None])


def pointed(value: Any) -> Any:
    """Give what a pointer points to, unless it knows how to print itself."""
    if isinstance(value, Record) and value.go_type.startswith("*") and value.text is None:
        return Record(value.go_type[1:], value.fields, value.methods, tags=value.tags)
    return value
