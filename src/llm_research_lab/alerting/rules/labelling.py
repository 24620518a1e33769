"""A rule's labels are given to every sample of its expression, at every tick.

An alert's labels are templates: what they expand to may change with the value and with time, so
that one series of the expression becomes several alerts. A recording rule's labels stand as they
are. Source: Prometheus, rules/alerting.go and rules/recording.go, `Eval`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from llm_research_lab.alerting.rules.read import Group, Rule
from llm_research_lab.promql import Block, ExpressionError, Flags, Floats, Times
from llm_research_lab.vocabulary import Instant, LabError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of

Sample = tuple[Mapping[str, str], float]
Query = Callable[[str], list[Sample]]
"""Answers an expression for a template's ``query``, at the template's instant."""


class Expand(Protocol):
    """Expands a template of a label or an annotation. Raises LabError where it cannot."""

    def __call__(
        self,
        text: str,
        *,
        labels: Mapping[str, str],
        external_labels: Mapping[str, str],
        external_url: str,
        value: float,
        query: Query,
        now_ms: Instant | None,
        name: str,
    ) -> str:
        """Give the text with its actions carried out."""


def as_written(
    text: str,
    *,
    labels: Mapping[str, str],  # noqa: ARG001
    external_labels: Mapping[str, str],  # noqa: ARG001
    external_url: str,  # noqa: ARG001
    value: float,  # noqa: ARG001
    query: Query,  # noqa: ARG001
    now_ms: Instant | None,  # noqa: ARG001
    name: str,  # noqa: ARG001
) -> str:
    """Leave a template as it stands."""
    return text


@dataclass(frozen=True, slots=True)
class Templates:
    """How templates are expanded, and what they see of the outside."""

    expand: Expand = as_written
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""

    def expanded(
        self,
        text: str,
        labels: Mapping[str, str],
        value: float,
        query: Query,
        *,
        now_ms: Instant | None = None,
        name: str = "",
    ) -> str:
        """Expand a text of a rule; what went wrong stands in its place, as with Prometheus."""
        if "{{" not in text:
            return text
        try:
            return self.expand(
                text,
                labels=labels,
                external_labels=self.external_labels,
                external_url=self.external_url,
                value=value,
                query=query,
                now_ms=now_ms,
                name=name,
            )
        except LabError as error:
            return f"<error expanding template: {error}>"


@dataclass(frozen=True, slots=True)
class Told:
    """What an alert's annotations see: a sample of the expression, with its name, and its tick."""

    labels: Labels
    value: float
    at_ms: Instant


@dataclass(slots=True)
class Row:
    """One series after labelling. Shapes: `values` float64 [T], `present` bool [T]."""

    values: Floats
    present: Flags
    told: Told | None = None
    """The last sample, for an alert."""


Rows = dict[Labels, Row]

_FIXED = re.compile(r"\{\{-?\s*(?:\$l|\.L|\$externalL|\.ExternalL)abels\.\w+\s*-?\}\}")
_FLEETING = re.compile(r"query|now")


@dataclass(frozen=True, slots=True)
class Labeller:
    """Gives one rule's labels; `query` answers a template's at an instant."""

    group: Group
    rule: Rule
    templates: Templates
    query: Callable[[Instant], Query]

    def rows(self, block: Block, times: Times) -> Rows:
        """Label all rows. Raises ExpressionError where two then stand at one tick."""
        rows: Rows = {}
        for number, labels in enumerate(block.labels):
            values, present = block.values[number], block.present[number]
            for key, part in self._parts(labels, values, present, times):
                told = None
                if self.rule.kind == "alert":
                    last = int(np.flatnonzero(part)[-1])
                    told = Told(labels, float(values[last]), int(times[last]))
                self._put(rows, key, Row(values, part, told))
        return rows

    def _put(self, rows: Rows, key: Labels, row: Row) -> None:
        before = rows.get(key)
        if before is None:
            rows[key] = row
            return
        if (before.present & row.present).any():
            what = "alert" if self.rule.kind == "alert" else "rule"
            got = f"vector contains metrics with the same labelset after applying {what} labels"
            raise ExpressionError("rule", "series that differ", got, "keep a label")
        told = max((one.told for one in (before, row) if one.told), key=_at, default=None)
        values = np.where(row.present, row.values, before.values)
        rows[key] = Row(values, before.present | row.present, told)

    def _parts(
        self, labels: Labels, values: Floats, present: Flags, times: Times
    ) -> Iterator[tuple[Labels, Flags]]:
        """Give the labels that a series takes on, and where."""
        static = {**dict(self.group.labels), **dict(self.rule.labels)}
        texts = {name: text for name, text in static.items() if "{{" in text}
        if self.rule.kind == "record":
            texts = {}
        if not any("{{" in _FIXED.sub("", text) for text in texts.values()):
            first = int(np.flatnonzero(present)[0])
            yield self._key(labels, static, texts, float(values[first]), int(times[first])), present
        elif any(_FLEETING.search(text) for text in texts.values()):
            for tick in np.flatnonzero(present).tolist():
                mask = np.zeros(len(times), np.bool_)
                mask[tick] = True
                yield self._key(labels, static, texts, float(values[tick]), int(times[tick])), mask
        else:
            bits = np.ascontiguousarray(values).view(np.int64)
            masks: dict[Labels, Flags] = {}
            for one in np.unique(bits[present]).tolist():
                mask = present & (bits == one)
                value = float(np.int64(one).view(np.float64))
                key = self._key(labels, static, texts, value, 0)
                masks[key] = masks[key] | mask if key in masks else mask
            yield from masks.items()

    def _key(
        self,
        labels: Labels,
        static: Mapping[str, str],
        texts: Mapping[str, str],
        value: float,
        at_ms: Instant,
    ) -> Labels:
        """Make the labels of the sample at an instant."""
        own = dict(labels)
        expanded = {
            name: self.templates.expanded(
                text, own, value, self.query(at_ms), now_ms=at_ms, name=self.rule.name
            )
            for name, text in texts.items()
        }
        named = "alertname" if self.rule.kind == "alert" else METRIC_NAME
        own.pop(METRIC_NAME, None)
        return labels_of({**own, **static, **expanded, named: self.rule.name})


def _at(told: Told) -> Instant:
    return told.at_ms
