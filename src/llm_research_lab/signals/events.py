"""An event is emitted as it is declared, or the difference is said; nothing is emitted besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_research_lab.signals.attributes import broken_by
from llm_research_lab.signals.declaration import Declaration, Event
from llm_research_lab.vocabulary import Finding


def check_event(
    declaration: Declaration, name: str, fields: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Compare an event's own fields, and the ids of its context, with its declaration."""
    event = declaration.events.get(name)
    if event is None:
        fix = "declare it in catalog/signals/events.yaml"
        return (Finding(f"event {name}", "declared", f"{name} is not declared", fix),)
    broken = [*broken_by(event.fields, fields), *_context(declaration, event, context)]
    return tuple(
        Finding(f"event {name}", "declared", f"{field} {what}", "emit what is declared")
        for field, what in broken
    )


def _context(
    declaration: Declaration, event: Event, context: Mapping[str, Any]
) -> list[tuple[str, str]]:
    missing = [(one, "is missing") for one in event.needs if not context.get(one)]
    return [*missing, *broken_by(declaration.context, context)]
