"""The lab's signals, each declared once: metrics, events of the log, spans of the traces."""

from llm_research_lab.signals.declaration import (
    Attribute,
    Declaration,
    Event,
    Kind,
    Metric,
    Process,
    Span,
    ValueSet,
)
from llm_research_lab.signals.events import check_event
from llm_research_lab.signals.laws import check_laws
from llm_research_lab.signals.read import read_declaration
from llm_research_lab.signals.spans import check_span

__all__ = [
    "Attribute",
    "Declaration",
    "Event",
    "Kind",
    "Metric",
    "Process",
    "Span",
    "ValueSet",
    "check_event",
    "check_laws",
    "check_span",
    "read_declaration",
]
