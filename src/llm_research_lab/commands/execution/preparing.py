"""A lease's samples are rendered and looked up in the cache together, off the event loop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from llm_research_lab.commands.execution.plan import Plan
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.receiving import rows as dataset_rows
from llm_research_lab.experiments.caching import cache_key
from llm_research_lab.experiments.result import Failure, Message, SampleResult, Usage
from llm_research_lab.storage.relational.queue import Lease
from llm_research_lab.storage.relational.tables import responses
from llm_research_lab.vocabulary import LabError

_CACHE = ("responses", "relational")
"""The response cache, as metrics have it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sample ready to be called: its row, messages, and cache key (None: not cached)."""

    sample: int
    row: Mapping[str, Any]
    messages: tuple[Message, ...]
    key: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A sample whose result is known without a call: from the cache, or a failure."""

    result: SampleResult


def prepare(lab: Lab, plan: Plan, lease: Lease) -> tuple[list[Prepared], list[Known]]:
    """Split the lease's open samples into those to call and those already known. Blocks."""
    prepared: list[Prepared] = []
    known: list[Known] = []
    for sample, row in _open_rows(lab, plan, lease):
        if sample == lease.poison:
            known.append(Known(_failed(sample, (), Failure("poison", lease.reason))))
            continue
        try:
            messages = plan.prompt.render(row)
        except LabError as error:
            known.append(Known(_failed(sample, (), Failure("template", str(error)))))
            continue
        key = cache_key(plan.model_digest, plan.parameters, messages) if plan.cached else None
        prepared.append(Prepared(sample, row, messages, key))
    return _split_cached(lab, plan, prepared, known)


def _open_rows(lab: Lab, plan: Plan, lease: Lease) -> list[tuple[int, Mapping[str, Any]]]:
    began = time.perf_counter()
    rows = dataset_rows(lab, plan.dataset_digest, lease.first, lease.count)
    load = lab.instruments.histogram("dataset_load_duration_seconds")
    load[plan.dataset].observe(time.perf_counter() - began)
    return [
        (sample, row) for sample, row in enumerate(rows, lease.first) if sample not in lease.done
    ]


def _split_cached(
    lab: Lab, plan: Plan, prepared: Sequence[Prepared], known: list[Known]
) -> tuple[list[Prepared], list[Known]]:
    keys = [item.key for item in prepared if item.key is not None]
    hits: dict[str | None, tuple[str, Usage]] = {}
    if keys:
        hits = lab.database.read_now(lambda c: _hits(c, keys))
        found = sum(key in hits for key in keys)
        lab.instruments.counter("cache_hit_total")[_CACHE].inc(found)
        lab.instruments.counter("cache_miss_total")[_CACHE].inc(len(keys) - found)
    missing = [item for item in prepared if item.key not in hits]
    hit = [Known(answered(plan, item, *hits[item.key])) for item in prepared if item.key in hits]
    return missing, known + hit


def _hits(connection: Connection, keys: Sequence[str]) -> dict[str | None, tuple[str, Usage]]:
    rows = connection.execute(select(responses).where(responses.c.digest.in_(keys)))
    return {row.digest: (row.answer, Usage(row.input_tokens, row.output_tokens)) for row in rows}


def answered(plan: Plan, item: Prepared, text: str, usage: Usage) -> SampleResult:
    """Score an answer from the cache: it costs nothing and has no latency of its own."""
    return score(
        plan,
        item,
        SampleResult(
            item.sample, item.messages, text, usage, None, Decimal(0), cached=True, attempts=0
        ),
    )


def score(plan: Plan, item: Prepared, result: SampleResult) -> SampleResult:
    """Give the result its scores, or the failure ``evaluator`` beside its answer."""
    answer = result.answer or ""
    values: dict[str, float] = {}
    for evaluator in plan.evaluators:
        try:
            values[evaluator.metric] = evaluator.score(answer, item.row)
        except LabError as error:
            return replace(result, failure=Failure("evaluator", str(error)))
    return replace(result, scores=values)


def _failed(sample: int, messages: tuple[Message, ...], failure: Failure) -> SampleResult:
    return SampleResult(sample, messages, None, None, None, None, failure=failure)
