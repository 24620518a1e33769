"""A plan is all that running an experiment needs, read once: no sample looks anything up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from llm_research_lab.cost import price_of
from llm_research_lab.experiments.caching import deterministic
from llm_research_lab.experiments.entries import entry_from_json
from llm_research_lab.experiments.evaluators import Evaluator, compile_evaluator
from llm_research_lab.experiments.model_entry import ModelEntry, Price
from llm_research_lab.experiments.prompt import Compiled, compile_prompt, prompt_from_json
from llm_research_lab.experiments.read import specification_from_json
from llm_research_lab.experiments.schema import schema_from_json
from llm_research_lab.storage.relational.tables import datasets, experiments, models, prompts

LOCAL_PROVIDERS = frozenset({"bundled", "echo"})
"""They run inside each runner: their slots are not shared between runners."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`parameters` are the entry's under the experiment's own; `limit_key` names the provider
    whose limits all runners share; `cached` says whether the response cache may answer."""  # noqa: D205, D209

    experiment_id: str
    dataset_digest: str
    model_id: str
    model_digest: str
    entry: ModelEntry
    parameters: Mapping[str, Any]
    price: Price | None
    prompt: Compiled
    evaluators: tuple[Evaluator, ...]
    cached: bool

    @property
    def limit_key(self) -> str:
        """Entries that call the same model at the same place share their limits."""
        return f"{self.entry.provider} {self.entry.base_url or ''} {self.entry.id}"

    @property
    def shared(self) -> bool:
        """Whether all runners together have one limit of concurrency."""
        return self.entry.provider not in LOCAL_PROVIDERS


def load_plan(connection: Connection, experiment_id: str) -> Plan:
    """Read the experiment's exact versions and compile its prompt and evaluators."""
    row = connection.execute(select(experiments).where(experiments.c.id == experiment_id)).one()
    dataset = _version(connection, datasets, row.dataset_id)
    prompt = _version(connection, prompts, row.prompt_id)
    model = _version(connection, models, row.model_id)
    specification = specification_from_json(row.specification)
    entry = entry_from_json(model.content)
    schema = schema_from_json(dataset.schema)
    parameters = {**entry.parameters, **specification.parameters}
    price, _ = price_of(entry)
    cached = specification.use_cache
    return Plan(
        experiment_id,
        dataset.digest,
        row.model_id,
        model.digest,
        entry,
        parameters,
        price,
        compile_prompt(prompt_from_json(prompt.content)),
        tuple(compile_evaluator(spec, schema) for spec in specification.evaluators),
        cached=deterministic(parameters)[0] if cached is None else cached,
    )


def _version(connection: Connection, table: Any, version_id: str) -> Row[Any]:
    return connection.execute(select(table).where(table.c.id == version_id)).one()
