"""A span is named and described as it is declared, or the difference is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_research_lab.signals.attributes import broken_by
from llm_research_lab.signals.declaration import Declaration, Span
from llm_research_lab.vocabulary import Finding


def called(span: Span, attributes: Mapping[str, Any]) -> str:
    """Give the name under which the span is shown: ``chat {gen_ai.request.model}`` filled in."""
    name = span.called
    for attribute in span.attributes:
        name = name.replace(f"{{{attribute}}}", str(attributes.get(attribute, "")))
    return name.strip()


def declared_as(declaration: Declaration, shown: str) -> Span | None:
    """Give the span that is shown under this name; None when there is none."""
    first = shown.partition(" ")[0]
    for span in declaration.spans.values():
        if shown == span.called or (first == span.name and "{" in span.called):
            return span
    return None


def check_span(
    declaration: Declaration, name: str, attributes: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Compare an ended span, by the name that is shown, with its declaration."""
    span = declared_as(declaration, name)
    if span is None:
        fix = "declare it in catalog/signals/spans.yaml"
        return (Finding(f"span {name}", "declared", f"{name} is not declared", fix),)
    return tuple(
        Finding(f"span {name}", "declared", f"{attribute} {what}", "set what is declared")
        for attribute, what in broken_by(span.attributes, attributes)
    )
