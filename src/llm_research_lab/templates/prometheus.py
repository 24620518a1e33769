"""An annotation is a template over an alert's labels and value, with Prometheus's functions.

Source: Prometheus, docs/configuration/template_reference.md; template/template.go (what fails).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from llm_research_lab.templates.builtins import escape_query
from llm_research_lab.templates.calendar import time_record
from llm_research_lab.templates.casing import lower, title_words, upper
from llm_research_lab.templates.durations import duration_record
from llm_research_lab.templates.errors import CallError, ExecutionError
from llm_research_lab.templates.evaluating import Limits
from llm_research_lab.templates.hosts import strip_domain, strip_port
from llm_research_lab.templates.humanizing import (
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    nanos_of,
    number,
)
from llm_research_lab.templates.patterns import matches, replace_all
from llm_research_lab.templates.template import Template, parse_template
from llm_research_lab.templates.values import ANY, Function, Record, Records, StringMap
from llm_research_lab.vocabulary.durations import parse_duration
from llm_research_lab.vocabulary.errors import InvalidError
from llm_research_lab.vocabulary.floats import format_float
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.quoting import quote

PRELUDE = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
"""Stands before every annotation. Source: Prometheus, rules/alerting.go."""

_SAMPLE, _RESULT = "*template.sample", "template.queryResult"
_DATA = (
    "struct { Labels map[string]string; ExternalLabels map[string]string; "
    "ExternalURL string; Value interface {} }"
)


class NeedMore(Exception):  # noqa: N818 - no error: the shell asks, and expands again
    """A template asks for the answers of `expressions`, which were not given."""

    def __init__(self, expressions: tuple[str, ...]) -> None:
        super().__init__(", ".join(expressions))
        self.expressions = expressions


@dataclass(frozen=True, slots=True)
class Failed:
    """A query that was asked and failed, with why."""

    message: str


Answered = Sequence[tuple[Labels, float]] | Failed
"""The samples of an instant query, or why there are none. A scalar is a sample without labels."""


def expand_annotations(
    text: str,
    *,
    labels: Labels,
    external_labels: Labels = (),
    external_url: str = "",
    value: float,
    answers: Mapping[str, Answered],
    now_ms: int,
    name: str = "",
    limits: Limits | None = None,
) -> str:
    """Expand an alert's label or annotation; one that fails gives a text that says how.

    `labels` are the sample's, `name` is the alert's. Raises NeedMore when the template asks for an
    expression that `answers` does not hold; expand again with the answer at `now_ms`.
    """
    called = f"__alert_{name}"
    try:
        template = _parsed(text, called, _functions(answers, external_url, now_ms))
    except InvalidError as error:
        line = error.where.partition(":")[0]
        return _failure(f"error parsing template {called}: template: {called}:{line}: {error.got}")
    fields = {
        "Labels": StringMap(labels),
        "ExternalLabels": StringMap(external_labels),
        "ExternalURL": external_url,
        "Value": float(value),
    }
    try:
        return template.render(Record(_DATA, fields), limits=limits)
    except ExecutionError as error:
        return _failure(f"error executing template {called}: {error}")


def check_annotation(text: str) -> Template:
    """Refuse a text that no annotation can be. Raises InvalidError, where ``line:column``."""
    try:
        return _parsed(text, "__alert_", _functions({}, "", 0))
    except InvalidError as error:
        line, _, column = error.where.partition(":")
        if line == "1":
            error.where = f"1:{max(1, int(column) - len(PRELUDE))}"
        raise InvalidError(error.where, error.expected, error.got, error.fix) from None


def _parsed(text: str, name: str, functions: Mapping[str, Function]) -> Template:
    return parse_template(PRELUDE + text, functions=functions, name=name)


def _failure(message: str) -> str:
    return f"<error expanding template: {message}>"


# --- functions


def _functions(
    answers: Mapping[str, Answered], external_url: str, now_ms: int
) -> dict[str, Function]:
    """Give the functions, for these answers, this address and this instant."""
    return {
        **_FIXED,
        "query": Function(lambda asked: _query(answers, asked), ("string",)),
        "externalURL": Function(lambda: external_url),
        "pathPrefix": Function(lambda: urlsplit(external_url).path),
        "now": Function(lambda: now_ms / 1000),
    }


def _query(answers: Mapping[str, Answered], asked: str) -> Records:
    if asked not in answers:
        raise NeedMore((asked,))
    answer = answers[asked]
    if isinstance(answer, Failed):
        raise CallError(answer.message)
    return Records(
        _RESULT,
        tuple(
            Record(_SAMPLE, {"Labels": StringMap(labels), "Value": float(value)})
            for labels, value in answer
        ),
    )


def _first(result: Records | None) -> Any:
    if not result:
        raise CallError("first() called on vector with no elements")
    return result[0]


def _label(name: str, sample: Record | None) -> Any:
    return _of(sample, "Labels").get(name, "")


def _of(sample: Record | None, name: str) -> Any:
    if sample is None:
        raise CallError("runtime error: invalid memory address or nil pointer dereference")
    return sample.fields[name]


def _sorted(name: str, result: Records | None) -> Records:
    """Sort by a label, in the order of bytes; those that are equal stay as they are."""
    items = () if result is None else result.items
    return Records(_RESULT, tuple(sorted(items, key=lambda one: _label(name, one).encode())))


def _timestamp(value: Any) -> str:
    real = number(value)
    if not math.isfinite(real):
        return format_float(real, "g", 4)
    return str(time_record(nanos_of(real)).text)


def _time(value: Any) -> Record:
    real = number(value)
    if not math.isfinite(real):
        raise CallError("value is NaN or Inf")
    return time_record(nanos_of(real))


def _duration_seconds(text: str) -> float:
    try:
        return parse_duration(text) / 1000
    except InvalidError:
        problem = f"not a valid duration string: {quote(text)}" if text else "empty duration string"
        raise CallError(problem) from None


def _link(text: str, tab: int) -> str:
    return f"/graph?g0.expr={escape_query(text)}&g0.tab={tab}"


_FIXED: Mapping[str, Function] = {
    "first": Function(_first, (_RESULT,)),
    "label": Function(_label, ("string", _SAMPLE)),
    "value": Function(lambda sample: _of(sample, "Value"), (_SAMPLE,)),
    "strvalue": Function(lambda sample: _label("__value__", sample), (_SAMPLE,)),
    "sortByLabel": Function(_sorted, ("string", _RESULT)),
    "args": Function(
        lambda *values: {f"arg{at}": value for at, value in enumerate(values)},
        (ANY,),
        variadic=True,
    ),
    "humanize": Function(humanize, (ANY,)),
    "humanize1024": Function(humanize1024, (ANY,)),
    "humanizeDuration": Function(humanize_duration, (ANY,)),
    "humanizePercentage": Function(humanize_percentage, (ANY,)),
    "humanizeTimestamp": Function(_timestamp, (ANY,)),
    "toTime": Function(_time, (ANY,)),
    "toDuration": Function(lambda value: duration_record(number(value)), (ANY,)),
    "parseDuration": Function(_duration_seconds, ("string",)),
    "title": Function(title_words, ("string",)),
    "toUpper": Function(upper, ("string",)),
    "toLower": Function(lower, ("string",)),
    "stripPort": Function(strip_port, ("string",)),
    "stripDomain": Function(strip_domain, ("string",)),
    "match": Function(matches, ("string", "string")),
    "reReplaceAll": Function(replace_all, ("string", "string", "string")),
    "graphLink": Function(lambda text: _link(text, 0), ("string",)),
    "tableLink": Function(lambda text: _link(text, 1), ("string",)),
    "urlQueryEscape": Function(escape_query, ("string",)),
    "safeHtml": Function(lambda text: text, ("string",)),
}
