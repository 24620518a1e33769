"""Three texts become one declaration, or findings with the line and column of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Reader, read_fields, unknown
from llm_research_lab.documents.readers import flag, list_of, number, one_of, text, whole
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.signals.declaration import (
    PROCESSES,
    Attribute,
    Declaration,
    Event,
    Metric,
    Span,
    ValueSet,
)
from llm_research_lab.vocabulary import Finding

LEVELS = ("debug", "info", "warn", "error", "critical")
SPAN_KINDS = ("internal", "server", "client")
MANY = 1_000
"""More of anything in one file is a mistake."""

_texts = list_of(text(100), 0, MANY)
_numbers = list_of(number(0, 1e12), 1, 100)
_emitters = list_of(one_of(*PROCESSES), 1, len(PROCESSES))
_event_emitters = list_of(one_of(*PROCESSES, "up"), 1, len(PROCESSES) + 1)


def read_declaration(
    metrics: str, events: str, spans: str
) -> tuple[Declaration | None, tuple[Finding, ...]]:
    """Read the texts of metrics.yaml, events.yaml and spans.yaml; a finding's place names its file.

    With findings of form there is no declaration; what `check_laws` says is beside it.
    """
    findings: list[Finding] = []
    head = _read("metrics.yaml", metrics, _sets_then_metrics(), findings)
    log = _read("events.yaml", events, _EVENTS_FILE, findings)
    trace = _read("spans.yaml", spans, _SPANS_FILE, findings)
    if findings:
        return None, tuple(findings)
    return (
        Declaration(
            sets=head["sets"],
            metrics=head["metrics"],
            line=log["line"],
            context=log["context"],
            events=log["events"],
            spans=trace["spans"],
        ),
        (),
    )


def _read(file: str, words: str, fields: list[Field], findings: list[Finding]) -> dict[str, Any]:
    """Read one file; its findings are told apart by its name."""
    source, broken = read_yaml(words)
    found: list[Finding] = list(broken)
    value: dict[str, Any] = {}
    if source is not None:
        value = read_fields(source.value, Place(source, found), fields)
    findings.extend(Finding(f"{file}:{one.where}", one.law, one.message, one.fix) for one in found)
    return value


def _named(fields: list[Field], make: Callable[[str, dict[str, Any]], Any]) -> Reader:
    """A mapping from names to things with these fields."""

    def read(value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            place.expect("type", "a mapping", value)
            return {}
        return {name: _made(inner, place.at(name), name) for name, inner in value.items()}

    def _made(value: Any, place: Place, name: str) -> Any:
        before = len(place.findings)
        found = read_fields(value, place, fields)
        return make(name, found) if len(place.findings) == before else None

    return read


def _listed(fields: list[Field], make: Callable[[Any, Place], Any]) -> Reader:
    """A list of things with a name; two of one name are a finding."""

    def read(value: Any, place: Place) -> dict[str, Any]:
        items = list_of(one, 1, MANY)(value, place)
        made: dict[str, Any] = {}
        for index, item in enumerate(items):
            if item is None:
                continue
            if item.name in made:
                again = f"{item.name} is declared twice"
                place.at(index).find("once", again, "keep one of them")
            made[item.name] = item
        return made

    def one(value: Any, place: Place) -> Any:
        before = len(place.findings)
        found = read_fields(value, place, fields)
        return make(found, place) if len(place.findings) == before else None

    return read


def _words(value: Any, place: Place) -> dict[str, str]:
    """A mapping from text to text."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping", value)
        return {}
    return {name: text(300)(inner, place.at(name)) for name, inner in value.items()}


def _own(value: Any, place: Place) -> dict[str, str]:
    """One value for every process."""
    fields = [Field(process, text(100), required=True) for process in PROCESSES]
    return read_fields(value, place, fields)


def _set(name: str, found: dict[str, Any]) -> ValueSet:
    return ValueSet(name, **found)


_SET = [
    Field("help", text(300), required=True),
    Field("values", list_of(text(100), 1, MANY)),
    Field("bound", whole(1, 10_000)),
    Field("own", _own),
    Field("otherwise", text(100)),
    Field("initial", _texts),
]

_MORE = [
    Field("values", _numbers, required=True),
    Field("reason", text(300), required=True),
]

_METRIC = [
    Field("name", text(100), required=True),
    Field("kind", one_of("counter", "gauge", "histogram"), required=True),
    Field("unit", text(20)),
    Field("help", text(300), required=True),
    Field("labels", _words),
    Field("buckets", _numbers),
    Field("more_buckets", lambda value, place: read_fields(value, place, _MORE)),
    Field("emitters", _emitters, required=True),
    Field("section", text(20), required=True),
    Field("reason", text(300)),
    Field("keeps", _words),
    Field("at_scrape", flag),
]


def _metrics(sets: Mapping[str, ValueSet]) -> Reader:
    def make(found: dict[str, Any], place: Place) -> Metric | None:
        labels = {}
        for label, name in found.pop("labels", {}).items():
            if name not in sets:
                unknown(place.at("labels").at(label), "set", name, list(sets))
                return None
            labels[label] = sets[name]
        more = found.pop("more_buckets", {"values": (), "reason": None})
        buckets = tuple(sorted((*found.pop("buckets", ()), *more["values"])))
        return Metric(
            labels=labels,
            buckets=buckets,
            more_buckets=more["values"],
            more_buckets_reason=more["reason"],
            **found,
        )

    return _listed(_METRIC, make)


def _sets_then_metrics() -> list[Field]:
    """Read the sets before the metrics, whatever the order in the file: fields of one reading."""
    sets: dict[str, ValueSet] = {}

    def keep(value: Any, place: Place) -> dict[str, ValueSet]:
        sets.update(_named(_SET, _set)(value, place))
        return dict(sets)

    return [
        Field("sets", keep, required=True),
        Field("metrics", _metrics(sets), required=True),
    ]


def _attribute(name: str, found: dict[str, Any]) -> Attribute:
    return Attribute(name, **found)


_ATTRIBUTE = [
    Field("type", one_of("text", "integer", "number", "boolean", "object", "list"), required=True),
    Field("help", text(300), required=True),
    Field("values", list_of(text(100), 1, MANY)),
    Field("required", flag),
]
_attributes = _named(_ATTRIBUTE, _attribute)

_EVENT = [
    Field("name", text(100), required=True),
    Field("level", one_of(*LEVELS), required=True),
    Field("message", text(100), required=True),
    Field("help", text(300), required=True),
    Field("fields", _attributes),
    Field("needs", _texts),
    Field("emitters", _event_emitters, required=True),
    Field("section", text(20), required=True),
    Field("reason", text(300)),
]


def _event(found: dict[str, Any], _place: Place) -> Event:
    return Event(fields=found.pop("fields", {}), needs=found.pop("needs", ()), **found)


_SPAN = [
    Field("name", text(100), required=True),
    Field("called", text(100)),
    Field("kind", one_of(*SPAN_KINDS), required=True),
    Field("help", text(300), required=True),
    Field("attributes", _attributes),
    Field("parents", _texts),
    Field("emitters", _emitters, required=True),
    Field("section", text(20), required=True),
    Field("reason", text(300)),
]


def _span(found: dict[str, Any], _place: Place) -> Span:
    return Span(
        called=found.pop("called", found["name"]),
        attributes=found.pop("attributes", {}),
        parents=found.pop("parents", ()),
        **found,
    )


_EVENTS_FILE = [
    Field("line", _attributes, required=True),
    Field("context", _attributes, required=True),
    Field("events", _listed(_EVENT, _event), required=True),
]
_SPANS_FILE = [Field("spans", _listed(_SPAN, _span), required=True)]
