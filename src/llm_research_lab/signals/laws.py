"""Every declared signal keeps the laws of its kind, or says which it breaks and why.

Source of the naming laws: prometheus/client_golang, testutil/promlint/validations (v1.14 to
v1.20), which `promtool check metrics` runs. A law's name here is what `keeps` lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from llm_research_lab.signals.declaration import OWN, Declaration, Event, Metric, Span, ValueSet
from llm_research_lab.vocabulary import Finding

UNITS = frozenset(
    {"seconds", "bytes", "ratio", "percent", "celsius", "meters", "volts", "amperes", "joules"}
    | {"grams", "usd"}
)
"""Base units. Source: promlint/validations/units.go; `usd` is the spec's."""

SCALED = re.compile(
    r"(?:^|_)(?:milli|micro|nano|kilo|mega|giga|kibi|mebi|gibi)?"
    r"(?:milliseconds?|microseconds?|nanoseconds?|minutes?|hours?|days?|weeks?|bits?"
    r"|kilobytes?|megabytes?|gigabytes?|kibibytes?|mebibytes?|gibibytes?)(?:_|$)"
)
"""Units that are no base units. Source: the same."""

SHORT = frozenset({"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"})
"""Source: promlint/validations/units.go, LintUnitAbbreviations."""

SERIES_MOST = 100_000
"""Series that one metric could have in one process, buckets apart, if every combination came: a
guard against two unbounded labels; routes answer few methods with few statuses."""

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CAMEL = re.compile(r"[a-z][A-Z]")
_EVENT_NAME = re.compile(r"[a-z][a-z_]*(?:\.[a-z][a-z_]*)+")

Law = Callable[[Metric], str | None]
Thing = TypeVar("Thing", ValueSet, Metric, Event, Span)


def _help(metric: Metric) -> str | None:
    return None if metric.help.strip() else "has no help"


def _form(metric: Metric) -> str | None:
    names = (metric.name, *metric.labels)
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    return f"{wrong[0]!r} is no name of a metric or label" if wrong else None


def _snake_case(metric: Metric) -> str | None:
    camel = [name for name in (metric.name, *metric.labels) if _CAMEL.search(name)]
    return f"{camel[0]} is written in camelCase" if camel else None


def _suffix(metric: Metric) -> str | None:
    """The endings that Prometheus reserves for one kind."""
    total = metric.name.endswith("_total")
    if metric.kind == "counter" and not total:
        return "a counter's name ends in _total"
    if metric.kind != "counter" and total:
        return f"a {metric.kind}'s name does not end in _total"
    reserved = metric.name.endswith(("_bucket", "_count", "_sum"))
    if metric.kind != "histogram" and reserved:
        return f"a {metric.kind}'s name does not end in _bucket, _count or _sum"
    return None


def _type_in_name(metric: Metric) -> str | None:
    words = metric.name.split("_")
    kinds = [kind for kind in ("counter", "gauge", "histogram", "summary") if kind in words]
    return f"the name says its kind, {kinds[0]}" if kinds else None


def _unit(metric: Metric) -> str | None:
    """The declared unit ends the name, before _total; a name that ends in one declares it."""
    stem = metric.name.removesuffix("_total")
    ending = stem.rpartition("_")[2]
    if metric.unit is not None and ending != metric.unit:
        return f"the name does not end in its unit, {metric.unit}"
    if metric.unit is None and ending in UNITS:
        return f"the name ends in {ending}, which is not declared as its unit"
    return None


def _base_unit(metric: Metric) -> str | None:
    if metric.unit is not None and metric.unit not in UNITS:
        return f"{metric.unit} is no base unit"
    scaled = SCALED.search(metric.name)
    return f"{scaled[0].strip('_')} is no base unit" if scaled else None


def _unit_in_full(metric: Metric) -> str | None:
    short = [word for word in metric.name.split("_") if word in SHORT]
    return f"{short[0]} abbreviates a unit" if short else None


def _reserved_labels(metric: Metric) -> str | None:
    taken = [label for label in metric.labels if label in {"le", "quantile", "job", "instance"}]
    taken += [label for label in metric.labels if label.startswith("__")]
    return f"the label {taken[0]} is Prometheus's own" if taken else None


def _buckets(metric: Metric) -> str | None:
    """A histogram has rising, finite bounds; nothing else has any."""
    if metric.kind != "histogram":
        return "only a histogram has buckets" if metric.buckets else None
    if not metric.buckets:
        return "a histogram needs buckets"
    rising = all(low < high for low, high in zip(metric.buckets, metric.buckets[1:], strict=False))
    return None if rising else "buckets rise, each once"


def _bounded(metric: Metric) -> str | None:
    """What is bounded together counts once: the bound is of combinations."""
    closed, bounds = 1, [1]
    for values in metric.labels.values():
        if values.bound is None:
            closed *= values.most
        else:
            bounds.append(values.most)
    series = closed * max(bounds)
    return f"may have {series} series, over {SERIES_MOST}" if series > SERIES_MOST else None


def _at_scrape(metric: Metric) -> str | None:
    return (
        "a histogram is observed, not read at a scrape"
        if metric.at_scrape and metric.kind == "histogram"
        else None
    )


METRIC_LAWS: dict[str, Law] = {
    "help": _help,
    "form": _form,
    "snake_case": _snake_case,
    "suffix": _suffix,
    "type_in_name": _type_in_name,
    "unit": _unit,
    "base_unit": _base_unit,
    "unit_in_full": _unit_in_full,
    "reserved_labels": _reserved_labels,
    "buckets": _buckets,
    "bounded": _bounded,
    "at_scrape": _at_scrape,
}


def check_laws(declaration: Declaration) -> tuple[Finding, ...]:
    """Give what of the declaration breaks a law without saying why."""
    return (
        *_all(declaration.sets.values(), _set_laws, "set"),
        *_all(declaration.metrics.values(), _metric_laws, "metric"),
        *_all(declaration.events.values(), lambda e: _event_laws(e, declaration), "event"),
        *_all(declaration.spans.values(), lambda s: _span_laws(s, declaration), "span"),
    )


def _all(
    things: Iterable[Thing], laws: Callable[[Thing], Iterator[tuple[str, str]]], kind: str
) -> Iterator[Finding]:
    for thing in things:
        for law, message in laws(thing):
            yield Finding(f"{kind} {thing.name}", law, message, "mend the declaration")


def _set_laws(values: ValueSet) -> Iterator[tuple[str, str]]:
    ways = (bool(values.values), values.bound is not None, values.own is not None)
    if sum(ways) != 1:
        yield "one_way", "a set has exactly one of values, bound and own"
    if len(set(values.values)) != len(values.values):
        yield "once", "a value stands twice"
    if values.bound is not None and values.otherwise is None:
        yield "otherwise", "a bounded set says what the rest becomes"
    if values.values and values.otherwise not in {None, *values.values}:
        yield "otherwise", f"{values.otherwise} is none of the closed set's values"
    if values.initial and values.bound is None:
        yield "initial", "only a bounded set has initial values"


def _metric_laws(metric: Metric) -> Iterator[tuple[str, str]]:
    keeps = metric.keeps or {}
    for name, law in METRIC_LAWS.items():
        broken = law(metric)
        if broken is not None and name not in keeps:
            yield name, broken
        if broken is None and name in keeps:
            yield "keeps", f"keeps {name}, which it does not break"
    for name in keeps:
        if name not in METRIC_LAWS:
            yield "keeps", f"{name} is no law"
    yield from _reasoned(metric.section, metric.reason)


def _reasoned(section: str, reason: str | None) -> Iterator[tuple[str, str]]:
    """What the spec does not ask for says why it is there."""
    if section == OWN and reason is None:
        yield "reason", "is of our own and gives no reason"


def _event_laws(event: Event, declaration: Declaration) -> Iterator[tuple[str, str]]:
    if not _EVENT_NAME.fullmatch(event.name):
        yield "form", "an event's name is dotted words"
    for name in event.needs:
        if name not in declaration.context:
            yield "needs", f"{name} is no id of the context"
    for name in event.fields:
        if name in declaration.line or name in declaration.context:
            yield "once", f"{name} is on every line already"
    yield from _reasoned(event.section, event.reason)


def _span_laws(span: Span, declaration: Declaration) -> Iterator[tuple[str, str]]:
    for name in span.parents:
        if name not in declaration.spans:
            yield "parents", f"{name} is no span"
    for name in re.findall(r"\{([^}]*)\}", span.called):
        if name not in span.attributes:
            yield "called", f"{name} is no attribute of it"
    yield from _reasoned(span.section, span.reason)
