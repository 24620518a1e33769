"""Go's text/template in Python: parsed with places, rendered within bounds, Prometheus's functions.

Pure: nothing here asks a clock or a server; a template that queries says what it needs.
"""

from llm_research_lab.templates.errors import CallError, ExecutionError
from llm_research_lab.templates.evaluating import Limits
from llm_research_lab.templates.prometheus import (
    Answered,
    Failed,
    NeedMore,
    check_annotation,
    expand_annotations,
)
from llm_research_lab.templates.template import Template, parse_template
from llm_research_lab.templates.values import Function, Record, Records, StringMap

__all__ = [
    "Answered",
    "CallError",
    "ExecutionError",
    "Failed",
    "Function",
    "Limits",
    "NeedMore",
    "Record",
    "Records",
    "StringMap",
    "Template",
    "check_annotation",
    "expand_annotations",
    "parse_template",
]
