"""An experiment is one trace, over the request that made it and every runner that works on it.

The span ``execute_experiment`` has an id that follows from the experiment's, so that what lies
below it can be written while it runs, by several runners, and after one was killed; the span itself
is written at the end, by whoever ends the experiment. All of it is always kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llm_research_lab.telemetry.spans import SILENCE, Span, Value, child
from llm_research_lab.telemetry.traceparent import Parent, read_traceparent

if TYPE_CHECKING:
    from sqlalchemy import Row

    from llm_research_lab.commands.execution.plan import Plan
    from llm_research_lab.commands.lab import Lab
    from llm_research_lab.experiments.model_entry import ModelEntry
    from llm_research_lab.models import Answer, Call
    from llm_research_lab.storage.relational.queue import Lease

WHOLE = 1_000
"""Leases that begin below this sample are traced whole; of later ones the span ``model_inference``
and failed calls stay, or one long experiment would drive all other traces out of the store."""

_ASKED = ("temperature", "top_p", "max_tokens", "seed")


@dataclass(frozen=True, slots=True)
class Trail:
    """`place` is where ``execute_experiment`` stands; `parent_id` the request's span above it."""

    place: Parent
    parent_id: int | None


def trail_of(experiment_id: str, traceparent: str | None) -> Trail:
    """Give the experiment's place; one that no traced request made begins a trace of its own."""
    digest = hashlib.sha256(experiment_id.encode()).digest()
    above = None if traceparent is None else read_traceparent(traceparent)
    trace_id = int.from_bytes(digest[:16]) if above is None else above.trace_id
    place = Parent(trace_id, int.from_bytes(digest[16:24]), sampled=True)
    return Trail(place, None if above is None else above.span_id)


def load_dataset(lab: Lab, plan: Plan, lease: Lease) -> Span:
    """Begin the span of a lease's reading; silence for a late lease."""
    if lease.first >= WHOLE:
        return SILENCE
    return lab.tracer.root("load_dataset", _part(lease), parent=plan.trail.place, asked=True)


def model_inference(lab: Lab, plan: Plan, lease: Lease) -> Span:
    """Begin the span of a lease's calls."""
    about = {**_part(lease), "model_name": plan.entry.id}
    return lab.tracer.root("model_inference", about, parent=plan.trail.place, asked=True)


def call_of(plan: Plan, lease: Lease, call: Call) -> Span:
    """Begin the span of one call of the provider; of a late lease it stays only if it fails."""
    return child(
        f"chat {call.model}",
        _asked(plan.entry, call),
        kind="client",
        only_failed=lease.first >= WHOLE,
    )


def answered(span: Span, answer: Answer) -> None:
    """Note what the provider counted; never the answer."""
    span.set("gen_ai.usage.input_tokens", answer.usage.input_tokens)
    span.set("gen_ai.usage.output_tokens", answer.usage.output_tokens)


def aggregate_results(lab: Lab, row: Row[Any]) -> Span:
    """Begin the span of the summary."""
    about: dict[str, Value] = {"experiment_id": row.id, "lab.samples": row.samples}
    place = trail_of(row.id, row.traceparent).place
    return lab.tracer.root("aggregate_results", about, parent=place, asked=True)


def ended(lab: Lab, row: Row[Any], status: str) -> None:
    """Write the span of the whole experiment, from its first lease to now."""
    trail = trail_of(row.id, row.traceparent)
    began = row.created_at if row.started_at is None else row.started_at
    lab.tracer.record(
        "execute_experiment",
        {
            "experiment_id": row.id,
            "experiment_type": row.experiment_type,
            "dataset_size": row.samples,
            "lab.status": status,
        },
        place=trail.place,
        parent_id=trail.parent_id,
        start_ns=began * 1_000_000,
        failure="failed" if status == "failed" else None,
    )


def _part(lease: Lease) -> dict[str, Value]:
    return {
        "experiment_id": lease.experiment_id,
        "lab.chunk_first": lease.first,
        "lab.chunk_count": lease.count,
    }


def _asked(entry: ModelEntry, call: Call) -> Mapping[str, Value]:
    """Source: OpenTelemetry's semantic conventions, "Generative AI client spans"."""
    found: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": entry.provider,
        "gen_ai.request.model": call.model,
        "lab.sample": call.sample,
    }
    host = None if entry.base_url is None else urlsplit(entry.base_url).hostname
    if host is not None:
        found["server.address"] = host
    for name in _ASKED:
        value = call.parameters.get(name)
        if isinstance(value, int | float):
            found[f"gen_ai.request.{name}"] = value
    return found
