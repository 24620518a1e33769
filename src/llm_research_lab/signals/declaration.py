"""A signal is declared once: its name, what it may hold, who emits it, and which page asks for it.

Source: spec 5.1.1 to 5.1.3, 5.6.4; the files are in catalog/signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Process = Literal["api", "runner", "ops"]
PROCESSES: tuple[Process, ...] = ("api", "runner", "ops")

FieldType = Literal["text", "integer", "number", "boolean", "object", "list"]

OWN = "own"
"""The section of a signal that the spec does not ask for; its reason stands beside it."""


@dataclass(frozen=True, slots=True)
class ValueSet:
    """What a label may hold; exactly one of `values`, `bound` and `own` says it.

    `bound` values as they come, after which `otherwise` stands for the rest; `own` is one value by
    process. A value outside the set becomes `otherwise`; without that it is refused. `initial` are
    values of a bounded set that exist from the start and do not count against the bound.
    """

    name: str
    help: str
    values: tuple[str, ...] = ()
    bound: int | None = None
    own: Mapping[str, str] | None = None
    otherwise: str | None = None
    initial: tuple[str, ...] = ()

    def start(self, process: Process) -> tuple[str, ...]:
        """Give the values that are there before anything has happened."""
        if self.own is not None:
            return (self.own[process],)
        return self.values or self.initial

    @property
    def most(self) -> int:
        """How many values the label can have in one process."""
        if self.bound is not None:
            return self.bound + len({*self.initial, self.otherwise})
        return 1 if self.own is not None else len(self.values)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a process. `labels` are in the order in which code gives their values.

    `buckets` are all of them, the spec's and more; `more_buckets` says which were added and why.
    `at_scrape` says that it is read from elsewhere when it is scraped, not counted by code.
    """

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, ValueSet]
    emitters: tuple[Process, ...]
    section: str
    unit: str | None = None
    buckets: tuple[float, ...] = ()
    more_buckets: tuple[float, ...] = ()
    more_buckets_reason: str | None = None
    reason: str | None = None
    keeps: Mapping[str, str] | None = None
    at_scrape: bool = False

    def start(self, process: Process) -> list[tuple[str, ...]]:
        """Give the label values of the series that begin at 0; none where a bounded set begins."""
        return list(product(*(values.start(process) for values in self.labels.values())))


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of an event or an attribute of a span: its type, its words, whether it must stand."""

    name: str
    type: FieldType
    help: str
    values: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log, by its dotted name. `needs` are ids of the context that must be there."""

    name: str
    level: str
    message: str
    help: str
    fields: Mapping[str, Attribute]
    needs: tuple[str, ...]
    emitters: tuple[str, ...]
    section: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a trace. `called` is its name where that holds attributes: ``chat {model}``.

    `parents` are spans that it may be right below; none means that it is a trace's or a process's
    first.
    """

    name: str
    called: str
    kind: str
    help: str
    attributes: Mapping[str, Attribute]
    parents: tuple[str, ...]
    emitters: tuple[Process, ...]
    section: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """All signals. `line` are the fields of every line of the log, `context` ids it may have."""

    sets: Mapping[str, ValueSet]
    metrics: Mapping[str, Metric]
    line: Mapping[str, Attribute]
    context: Mapping[str, Attribute]
    events: Mapping[str, Event]
    spans: Mapping[str, Span]

    def metrics_of(self, process: Process) -> list[Metric]:
        """Give the metrics that the process emits, in the order of the file."""
        return [metric for metric in self.metrics.values() if process in metric.emitters]
