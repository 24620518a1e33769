"""A rule file is read as Prometheus reads it; what it would refuse is a finding at its place.

Source: Prometheus, model/rulefmt/rulefmt.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llm_research_lab.documents.fields import Field, Path, Place, Source, read_fields
from llm_research_lab.documents.readers import list_of, text, whole
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.promql import Expr, ExpressionError, parse
from llm_research_lab.vocabulary import Finding, InvalidError
from llm_research_lab.vocabulary.durations import parse_duration
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels

MOST_BYTES = 16 << 20
MOST_VALUES = 1_000_000
MOST_ITEMS = 100_000
LONGEST = 1 << 20

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PLAIN = re.compile(r"(?:&\S+\s+)?([^\s,\[\]{}#*&]+)")
_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

TemplateCheck = Callable[[str], object]
"""Parses a label's or an annotation's template; raises InvalidError for a bad one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `kind` record writes the series `name`, `kind` alert raises alerts of that name."""

    kind: str
    name: str
    expr: Expr
    text: str
    labels: Labels = ()
    annotations: Labels = ()
    for_ms: int = 0
    keep_firing_for_ms: int = 0
    where: str = ""
    """``line:column`` of the rule in its file."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other; `interval_ms` None: the global interval."""

    name: str
    rules: tuple[Rule, ...]
    interval_ms: int | None = None
    limit: int = 0
    """Most series or alerts of a rule; 0 is no limit."""
    query_offset_ms: int | None = None
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The groups of one file, in its order."""

    groups: tuple[Group, ...]


def read_rules(
    content: str | bytes, *, check_template: TemplateCheck | None = None, experimental: bool = False
) -> tuple[RuleFile | None, tuple[Finding, ...]]:
    """Read a file; None with the findings when it has any."""
    source, broken = read_text(content)
    if source is None:
        return None, broken
    findings: list[Finding] = []
    if source.value is None:
        return RuleFile(()), ()
    reader = _Reader(check_template, experimental)
    place = Place(source, findings)
    found = read_fields(source.value, place, [Field("groups", reader.groups, nullable=True)])
    return (None if findings else RuleFile(found.get("groups") or ())), tuple(findings)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads groups and rules; `check_template` is what labels and annotations are parsed with."""

    check_template: TemplateCheck | None
    experimental: bool

    def groups(self, value: Any, place: Place) -> tuple[Group, ...]:
        """Read all groups; a name stands once in a file."""
        groups: tuple[Group, ...] = list_of(self._group, 0, MOST_ITEMS)(value, place)
        seen: set[str] = set()
        for index, group in enumerate(groups):
            if group.name in seen:
                message = f'groupname: "{group.name}" is repeated in the same file'
                place.at(index).find("duplicate-group", message, "rename one of them")
            seen.add(group.name)
        return groups

    def _group(self, value: Any, place: Place) -> Group:
        fields = [
            Field("name", text(LONGEST), required=True),
            Field("interval", duration, nullable=True),
            Field("query_offset", duration, nullable=True),
            Field("limit", whole(-(2**63), 2**63 - 1), nullable=True),
            Field("labels", self._labels, nullable=True),
            Field("rules", list_of(self._rule, 0, MOST_ITEMS), nullable=True),
        ]
        found = read_fields(value, place, fields)
        rules = tuple(rule for rule in found.get("rules") or () if rule is not None)
        interval, offset = found.get("interval") or None, found.get("query_offset")
        labels, limit = found.get("labels") or (), found.get("limit") or 0
        return Group(found.get("name") or "", rules, interval, limit, offset, labels)

    def _rule(self, value: Any, place: Place) -> Rule | None:
        fields = [
            Field("record", _name, nullable=True),
            Field("alert", _name, nullable=True),
            Field("expr", self._expression, required=True),
            Field("for", duration, nullable=True),
            Field("keep_firing_for", duration, nullable=True),
            Field("labels", self._labels, nullable=True),
            Field("annotations", self._annotations, nullable=True),
        ]
        found = read_fields(value, place, fields)
        record, alert, expr = found.get("record"), found.get("alert"), found.get("expr")
        if bool(record) == bool(alert):
            place.find("kind", "one of record and alert must be set", "keep one of them")
        if record:
            _check_record(record, found, place)
        if expr is None:
            return None
        return Rule(
            "record" if record else "alert",
            record or alert or "",
            expr[0],
            expr[1],
            found.get("labels") or (),
            found.get("annotations") or (),
            found.get("for") or 0,
            found.get("keep_firing_for") or 0,
            place.source.where(place.path),
        )

    def _expression(self, value: Any, place: Place) -> tuple[Expr, str] | None:
        written = scalar_text(value, place)
        if not written:
            place.find("expression", "field 'expr' must be set in rule", "write an expression")
            return None
        try:
            return parse(written, experimental=self.experimental), written
        except ExpressionError as error:
            message = f"could not parse expression: {error.where}: {error.got}"
            place.find("expression", f"{message}; expected {error.expected}", error.fix)
            return None

    def _labels(self, value: Any, place: Place) -> Labels:
        return self._pairs(value, place, "label")

    def _annotations(self, value: Any, place: Place) -> Labels:
        return self._pairs(value, place, "annotation")

    def _pairs(self, value: Any, place: Place, what: str) -> Labels:
        if not isinstance(value, Mapping):
            place.expect("type", "a mapping", value)
            return ()
        pairs: dict[str, str] = {}
        for name, inner in value.items():
            at = place.at(name)
            if not _LABEL_NAME.fullmatch(name) or (what == "label" and name == METRIC_NAME):
                at.find(f"{what}-name", f"invalid {what} name: {name}", "rename it", key=True)
            pairs[name] = scalar_text(inner, at)
            self._check(pairs[name], at)
        # An empty label stays one: it takes the label away.
        return tuple(sorted(pairs.items()))

    def _check(self, template: str, place: Place) -> None:
        if self.check_template is None:
            return
        try:
            self.check_template(template)
        except InvalidError as error:
            place.find("template", f"{error.where}: {error.got}", error.fix)


def _check_record(record: str, found: Mapping[str, Any], place: Place) -> None:
    """A recording rule has a metric's name and none of an alert's fields."""
    if not _METRIC_NAME.fullmatch(record):
        place.at("record").find(
            "record-name", f"invalid recording rule name: {record}", "rename it"
        )
    for key in ("for", "keep_firing_for", "annotations"):
        if found.get(key):
            message = f"invalid field '{key}' in recording rule"
            place.at(key).find("record-field", message, f"leave out {key}", key=True)


def duration(value: Any, place: Place) -> int | None:
    """Read a duration in Prometheus's notation, as milliseconds."""
    try:
        return parse_duration(scalar_text(value, place))
    except InvalidError as error:
        place.expect("duration", error.expected, value)
        return None


def _name(value: Any, place: Place) -> str:
    return scalar_text(value, place)


def scalar_text(value: Any, place: Place) -> str:
    """Take a scalar as it is written, as Go's YAML decodes it into a string: ``1e3``, ``0x10``."""
    if isinstance(value, Mapping | list | tuple):
        place.expect("type", "text", value)
        return ""
    if value is None or isinstance(value, str):
        return value or ""
    raw = place.source.raw(place.path) if isinstance(place.source, WrittenSource) else None
    return json.dumps(value) if raw is None else raw


@dataclass(frozen=True, slots=True)
class WrittenSource(Source):
    """A source that still has its text."""

    lines: tuple[str, ...] = ()

    def raw(self, path: Path) -> str | None:
        """Give a plain number or boolean as it is written; None for one that came by an alias."""
        line, _, column = self.where(path).partition(":")
        found = _PLAIN.match(self.lines[int(line) - 1], int(column) - 1)
        return found[1] if found else None


def read_text(content: str | bytes) -> tuple[WrittenSource | None, tuple[Finding, ...]]:
    """Read a file's YAML, within the bounds of all files here."""
    source, broken = read_yaml(content, most_bytes=MOST_BYTES, most_values=MOST_VALUES)
    if source is None:
        return None, broken
    text = content if isinstance(content, str) else content.decode("utf-8-sig")
    lines = tuple(_BREAK.split(text))
    return WrittenSource(source.value, source.values, source.keys, lines=lines), ()
