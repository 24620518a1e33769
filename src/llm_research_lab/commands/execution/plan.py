"""A plan is all that running an experiment needs, read once: no sample looks anything up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.trail import Trail, trail_of
from llm_research_lab.cost import ceiling, input_bound, output_bound, price_of, to_pico
from llm_research_lab.experiments.caching import deterministic
from llm_research_lab.experiments.entries import entry_from_json
from llm_research_lab.experiments.evaluators import Evaluator, compile_evaluator
from llm_research_lab.experiments.model_entry import ModelEntry, Price
from llm_research_lab.experiments.prompt import Compiled, compile_prompt, prompt_from_json
from llm_research_lab.experiments.read import specification_from_json
from llm_research_lab.experiments.result import Message
from llm_research_lab.experiments.schema import schema_from_json
from llm_research_lab.experiments.specification import ExperimentType
from llm_research_lab.storage.relational.tables import datasets, experiments, models, prompts
from llm_research_lab.vocabulary import Instant

LOCAL_PROVIDERS = frozenset({"bundled", "echo"})
"""They run inside each runner: their slots are not shared between runners."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`parameters` are the entry's under the experiment's own, with a bound on the answer under a
    cap; `limit_key` names the provider whose limits all runners share; `cached` says whether the
    response cache may answer."""  # noqa: D205, D209

    experiment_id: str
    experiment_type: ExperimentType
    dataset_digest: str
    model_id: str
    model_digest: str
    entry: ModelEntry
    parameters: Mapping[str, Any]
    price: Price | None
    prompt: Compiled
    evaluators: tuple[Evaluator, ...]
    cached: bool
    trail: Trail
    dataset: tuple[str, str, str]
    """The dataset's name, version and format, as metrics have them."""
    model: tuple[str, str, str]
    """The model's name, version and provider, as metrics have them."""

    @property
    def limit_key(self) -> str:
        """Entries that call the same model at the same place share their limits."""
        return f"{self.entry.provider} {self.entry.base_url or ''} {self.entry.id}"

    @property
    def shared(self) -> bool:
        """Whether all runners together have one limit of concurrency."""
        return self.entry.provider not in LOCAL_PROVIDERS

    def ceiling_picousd(self, messages: Sequence[Message]) -> int:
        """No answer to the messages costs more; 0 when nobody knows a price."""
        if self.price is None or not _costs(self.price):
            return 0
        return to_pico(ceiling(messages, self.parameters, self.price))

    def token_bound(self, messages: Sequence[Message]) -> int:
        """No answer to the messages takes more tokens; 0 where nobody counts them."""
        if self.entry.limits.tokens_per_minute is None:
            return 0
        return input_bound(messages, self.parameters) + output_bound(self.parameters)


async def load_plan(lab: Lab, experiment_id: str) -> Plan:
    """Read the experiment's exact versions; compile its prompt and evaluators off the loop."""
    rows = await lab.database.read(lambda c: _read(c, experiment_id))
    return await asyncio.to_thread(_compile, *rows, lab.now())


def _read(
    connection: Connection, experiment_id: str
) -> tuple[Row[Any], Row[Any], Row[Any], Row[Any]]:
    row = connection.execute(select(experiments).where(experiments.c.id == experiment_id)).one()
    return (
        row,
        _version(connection, datasets, row.dataset_id),
        _version(connection, prompts, row.prompt_id),
        _version(connection, models, row.model_id),
    )


def _version(connection: Connection, table: Table, version_id: str) -> Row[Any]:
    return connection.execute(select(table).where(table.c.id == version_id)).one()


def _compile(
    row: Row[Any], dataset: Row[Any], prompt: Row[Any], model: Row[Any], now: Instant
) -> Plan:
    specification = specification_from_json(row.specification)
    entry = entry_from_json(model.content)
    schema = schema_from_json(dataset.schema)
    price, _ = price_of(entry, now)
    parameters = {**entry.parameters, **specification.parameters}
    if row.cap_picousd is not None and price is not None and _costs(price):
        parameters["max_tokens"] = output_bound(parameters)
    cached = specification.use_cache
    return Plan(
        row.id,
        specification.experiment_type,
        dataset.digest,
        model.id,
        model.digest,
        entry,
        parameters,
        price,
        compile_prompt(prompt_from_json(prompt.content)),
        tuple(compile_evaluator(spec, schema) for spec in specification.evaluators),
        cached=deterministic(parameters)[0] if cached is None else cached,
        trail=trail_of(row.id, row.traceparent),
        dataset=(dataset.name, f"v{dataset.ordinal}", dataset.format),
        model=(model.name, f"v{model.ordinal}", entry.provider),
    )


def _costs(price: Price) -> bool:
    return price.input_usd_per_million > 0 or price.output_usd_per_million > 0
