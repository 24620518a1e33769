"""Go's templates in Python: parsed with places, bounded, Prometheus's and Alertmanager's functions.

Pure: nothing here asks a clock or a server; a template that queries says what it needs.
"""

from llm_research_lab.templates.alertmanager import check_notification, expand_notification
from llm_research_lab.templates.errors import CallError, ExecutionError
from llm_research_lab.templates.evaluating import Limits
from llm_research_lab.templates.notification import (
    AlertData,
    NotificationData,
    notification_data,
)
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
    "AlertData",
    "Answered",
    "CallError",
    "ExecutionError",
    "Failed",
    "Function",
    "Limits",
    "NeedMore",
    "NotificationData",
    "Record",
    "Records",
    "StringMap",
    "Template",
    "check_annotation",
    "check_notification",
    "expand_annotations",
    "expand_notification",
    "notification_data",
    "parse_template",
]
