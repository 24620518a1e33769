"""The reference pages of metrics, events and spans are the declaration, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_research_lab.signals.declaration import (
    OWN,
    Attribute,
    Declaration,
    Event,
    Metric,
    Span,
    ValueSet,
)

SHORT = 80
"""Characters of values that stand beside a label; longer ones stand once, at the end."""


def metrics_page(declaration: Declaration) -> Iterator[str]:
    """Give the page's lines: every metric, then the sets of the labels' values."""
    yield "# Metrics\n"
    yield "Every metric of the lab, from `catalog/signals/metrics.yaml`. A process emits nothing"
    yield "else, under no other label and no other value. Closed sets of values begin at 0. Bounded"
    yield "labels of one metric are bounded together. `api` is scraped on the setting"
    yield "`api_metrics_port`, `runner` on `runner_metrics_port`; what only `ops` emits comes with"
    yield "that process.\n"
    for metric in declaration.metrics.values():
        yield from _metric(metric)
    yield "## What labels hold\n"
    yield "| Set | Values | Meaning |\n|---|---|---|"
    for values in declaration.sets.values():
        yield f"| {values.name} | {_values(values)} | {cell(values.help)} |"
    yield ""
    yield "## Names that are kept on purpose\n"
    yield "`promtool check metrics` and our own laws find these, and nothing else.\n"
    yield "| Metric | Breaks | Because |\n|---|---|---|"
    for metric in declaration.metrics.values():
        for law, why in (metric.keeps or {}).items():
            yield f"| `{metric.name}` | {law} | {cell(why)} |"


def _metric(metric: Metric) -> Iterator[str]:
    unit = "" if metric.unit is None else f", in {metric.unit}"
    yield f"## `{metric.name}`\n"
    yield f"{_sentence(metric.help)}\n"
    yield f"- {metric.kind}{unit}, from {_words(metric.emitters)}; {_origin(metric)}"
    for label, values in metric.labels.items():
        yield f"- `{label}`: {_shortly(values)}"
    if metric.buckets:
        yield f"- buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}"
    if metric.more_buckets:
        more = ", ".join(f"{bound:g}" for bound in metric.more_buckets)
        yield f"- of these, {more} beside the spec's: {_sentence(metric.more_buckets_reason or '')}"
    if metric.at_scrape:
        yield "- read when it is scraped"
    if metric.section != OWN and metric.reason is not None:
        yield f"- {_sentence(metric.reason)}"
    yield ""


def _shortly(values: ValueSet) -> str:
    """The values where they are few; else the name of the set, which stands below."""
    written = _values(values)
    return written if len(written) <= SHORT else f"the set {values.name}"


def _values(values: ValueSet) -> str:
    if values.own is not None:
        named = (f"`{value}` of {process}" for process, value in values.own.items())
        return ", ".join(named)
    if values.bound is not None:
        first = "".join(f"`{value}`, " for value in values.initial)
        rest = f"then `{values.otherwise}`"
        return f"{first}the first {values.bound}, {rest}" if values.bound > 1 else "one"
    closed = ", ".join(f"`{value}`" for value in values.values)
    return closed if values.otherwise is None else f"{closed}; any other is `{values.otherwise}`"


def events_page(declaration: Declaration) -> Iterator[str]:
    """Give the page's lines: what every line has, then every event."""
    yield "# Events\n"
    yield "Every event of the log, from `catalog/signals/events.yaml`. A line is one JSON object on"
    yield "standard output, and text on a terminal.\n"
    yield "## Every line\n"
    yield from _attributes(declaration.line)
    yield "## The context, wherever it exists\n"
    yield from _attributes(declaration.context)
    for event in declaration.events.values():
        yield from _event(event)


def _event(event: Event) -> Iterator[str]:
    yield f"## `{event.name}`\n"
    yield f"{_sentence(event.help)}\n"
    yield f"- {event.level}, “{event.message}”, from {_words(event.emitters)}; {_origin(event)}"
    if event.needs:
        yield f"- always with {_words(event.needs)}"
    yield ""
    yield from _attributes(event.fields)


def spans_page(declaration: Declaration) -> Iterator[str]:
    """Give the page's lines: every span with its attributes."""
    yield "# Spans\n"
    yield "Every span of the lab's traces, from `catalog/signals/spans.yaml`. Names of attributes"
    yield "are OpenTelemetry's current ones; ours begin with `lab.`.\n"
    for span in declaration.spans.values():
        yield from _span(span)


def _span(span: Span) -> Iterator[str]:
    yield f"## `{span.called}`\n"
    yield f"{_sentence(span.help)}\n"
    above = f"below {_words(span.parents)}" if span.parents else "the first of its process"
    yield f"- {span.kind}, {above}, from {_words(span.emitters)}; {_origin(span)}\n"
    yield from _attributes(span.attributes)


def _attributes(attributes: Mapping[str, Attribute]) -> Iterator[str]:
    if not attributes:
        return
    yield "| Name | Type | | Meaning |\n|---|---|---|---|"
    for one in attributes.values():
        needed = "always" if one.required else ""
        words = f" One of {', '.join(one.values)}." if one.values else ""
        yield f"| `{one.name}` | {one.type} | {needed} | {cell(_sentence(one.help) + words)} |"
    yield ""


def _origin(signal: Metric | Event | Span) -> str:
    if signal.section != OWN:
        return f"spec {signal.section}"
    return f"our own: {_sentence(signal.reason or '')}"


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def cell(text: str) -> str:
    """Put a text into one cell of a table."""
    return text.replace("|", "\\|")
