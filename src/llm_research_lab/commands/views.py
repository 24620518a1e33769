"""A stored thing is shown one way, whichever door shows it: the shapes of the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Row

from llm_research_lab.audit import Entry, to_json
from llm_research_lab.cost import from_pico
from llm_research_lab.experiments.entries import entry_from_json
from llm_research_lab.experiments.model_entry import Limits, ModelEntry, Price
from llm_research_lab.experiments.prompt import compile_prompt, prompt_from_json
from llm_research_lab.experiments.read import specification_from_json
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import Instant, canonical, rfc3339, usd_text

PROMPTS_KEPT = 4_096
"""Prompts whose variables a process remembers: compiling one takes longer than reading ten."""


def reference(row: Row[Any]) -> str:
    """Name a version exactly: ``owner/name@vN``."""
    return f"{row.owner}/{row.name}@v{row.ordinal}"


def dataset(row: Row[Any]) -> dict[str, Any]:
    """Show a dataset's version."""
    return _version(row) | {
        "schema": row.schema,
        "rows": row.rows,
        "bytes": row.bytes,
        "format": row.format,
        "statistics": row.statistics,
    }


def prompt(row: Row[Any]) -> dict[str, Any]:
    """Show a prompt's version, with the columns that it asks for."""
    found = prompt_from_json(row.content)
    messages = [{"role": one.role, "content": one.content} for one in found.messages]
    return _version(row) | {
        "text": found.messages[0].content if found.is_text else None,
        "messages": None if found.is_text else messages,
        "variables": list(_variables(canonical(row.content))),
    }


def entry(row: Row[Any]) -> ModelEntry:
    """Read the model entry of a model's row."""
    return entry_from_json(row.content)


def model(row: Row[Any], found: ModelEntry, price: Price | None, why: str) -> dict[str, Any]:
    """Show a model's version; a price that is missing has its reason."""
    return _version(row) | {
        "provider": found.provider,
        "model": found.id,
        "base_url": found.base_url,
        "secret": found.secret,
        "insecure": found.insecure,
        "parameters": dict(found.parameters),
        "price": None if price is None else _price(price),
        "price_reason": why,
        "limits": _limits(found.limits),
        "script": dict(found.script),
    }


def experiment(row: Row[Any], *, priced: bool) -> dict[str, Any]:
    """Show an experiment; without a price for its model it has no cost."""
    found = specification_from_json(row.specification)
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.owner,
        "type": row.experiment_type,
        "status": row.status,
        "reason": row.reason,
        "dataset": found.dataset,
        "prompt": found.prompt,
        "model": found.model,
        "evaluators": [_evaluator(one) for one in found.evaluators],
        "parameters": dict(found.parameters),
        "priority": row.priority,
        "use_cache": found.use_cache,
        "cap_usd": _usd(row.cap_picousd),
        "samples": row.samples,
        "done": row.done,
        "failed": row.failed,
        "calls_repeated": row.calls_repeated,
        "cost_usd": _usd(row.spent_picousd) if priced else None,
        "created_at": rfc3339(row.created_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "summary": row.summary,
    }


def result(row: Row[Any]) -> dict[str, Any]:
    """Show what one sample gave."""
    tokens, failure = None, None
    if row.input_tokens is not None:
        tokens = {"input": row.input_tokens, "output": row.output_tokens}
    if row.failure_kind is not None:
        failure = {"kind": row.failure_kind, "message": row.failure_message}
    return {
        "sample": row.sample,
        "messages": row.messages,
        "answer": row.answer,
        "tokens": tokens,
        "latency_ms": row.latency_ms,
        "cost_usd": _usd(row.cost_picousd),
        "scores": row.scores,
        "failure": failure,
        "cached": row.cached,
        "attempts": row.attempts,
    }


def key(row: Row[Any]) -> dict[str, Any]:
    """Show a key, without its secret, which nobody has."""
    return {
        "id": row.id,
        "name": row.name,
        "user": row.user,
        "role": row.role,
        "created_at": rfc3339(row.created_at),
        "revoked_at": _moment(row.revoked_at),
    }


def audit_entry(found: tuple[int, Entry]) -> dict[str, Any]:
    """Show an audit entry under its id."""
    number, said = found
    return {"id": str(number), **to_json(said)}


def _version(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "owner": row.owner,
        "name": row.name,
        "version": f"v{row.ordinal}",
        "reference": reference(row),
        "digest": row.digest,
        "created_at": rfc3339(row.created_at),
    }


@lru_cache(PROMPTS_KEPT)
def _variables(content: bytes) -> tuple[str, ...]:
    compiled = compile_prompt(prompt_from_json(orjson.loads(content)))
    return tuple(sorted(compiled.variables))


def _price(price: Price) -> dict[str, str]:
    return {
        "input_usd_per_million": usd_text(price.input_usd_per_million),
        "output_usd_per_million": usd_text(price.output_usd_per_million),
        "source": price.source,
    }


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "concurrency": limits.concurrency,
        "requests_per_minute": limits.requests_per_minute,
        "tokens_per_minute": limits.tokens_per_minute,
        "timeout_seconds": limits.timeout_seconds,
        "attempts": limits.attempts,
    }


def _evaluator(spec: EvaluatorSpec) -> Mapping[str, Any]:
    return {
        "kind": spec.kind,
        "metric": spec.metric,
        "target": spec.target,
        "options": dict(spec.options),
    }


def _usd(pico: int | None) -> str | None:
    return None if pico is None else usd_text(from_pico(pico))


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else rfc3339(instant)
