"""An experiment is checked against the exact versions it names, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from llm_research_lab.commands import views
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.prices import prices_of
from llm_research_lab.commands.refusals import refused
from llm_research_lab.cost import PriceReason
from llm_research_lab.experiments.entries import parameter_findings
from llm_research_lab.experiments.evaluators import evaluator_findings
from llm_research_lab.experiments.model_entry import ModelEntry, Price
from llm_research_lab.experiments.prompt import compile_prompt, missing_columns, prompt_from_json
from llm_research_lab.experiments.schema import schema_from_json
from llm_research_lab.experiments.specification import Specification
from llm_research_lab.storage.relational import versions
from llm_research_lab.storage.relational.tables import datasets, models, prompts
from llm_research_lab.vocabulary import Finding, NotFoundError, parse_reference


@dataclass(frozen=True, slots=True)
class Exact:
    """A specification whose references name exact versions, the versions, and what it will run."""

    specification: Specification
    dataset: Row[Any]
    prompt: Row[Any]
    model: Row[Any]

    @property
    def samples(self) -> int:
        """How many rows are asked about."""
        limit, rows = self.specification.limit, int(self.dataset.rows)
        return rows if limit is None else min(limit, rows)


async def exact(lab: Lab, specification: Specification, user: str) -> Exact:
    """Find the versions and check all against all; InvalidError has every finding.

    A reference without owner is the user's own. Versions never change: what holds now, holds.
    """
    found = await lab.database.read(lambda c: _resolve(c, specification, user))
    entry = views.entry(found.model)
    [(price, why)] = await prices_of(lab, [entry])
    findings = [*_findings(found, entry), *_cap_findings(found, price, why)]
    if findings:
        raise refused(findings)
    return found


def _resolve(connection: Connection, specification: Specification, user: str) -> Exact:
    """Find all three versions, or raise InvalidError with a finding for each that is missing."""
    wanted = (
        ("dataset", datasets, specification.dataset),
        ("prompt", prompts, specification.prompt),
        ("model", models, specification.model),
    )
    rows: dict[str, Row[Any]] = {}
    findings: list[Finding] = []
    for part, table, text in wanted:
        reference = parse_reference(text, f"/{part}")
        try:
            rows[part] = versions.find(connection, table, reference, user)
        except NotFoundError as error:
            findings.append(_unknown(part, error))
    if findings:
        raise refused(findings)
    named = replace(
        specification,
        dataset=views.reference(rows["dataset"]),
        prompt=views.reference(rows["prompt"]),
        model=views.reference(rows["model"]),
    )
    return Exact(named, **rows)


def _unknown(part: str, error: NotFoundError) -> Finding:
    message = f"{error.where}: expected {error.expected}, got {error.got}"
    return Finding(f"/{part}", "unknown-reference", message, error.fix)


def _findings(found: Exact, entry: ModelEntry) -> Iterator[Finding]:
    schema = schema_from_json(found.dataset.schema)
    compiled = compile_prompt(prompt_from_json(found.prompt.content))
    yield from missing_columns(compiled.variables, schema, "/prompt")
    yield from evaluator_findings(found.specification.evaluators, schema)
    yield from parameter_findings(entry, found.specification.parameters)
    rows, limit = found.dataset.rows, found.specification.limit
    if rows == 0:
        message = f"{found.specification.dataset} has no rows"
        yield Finding("/dataset", "rows", message, "add a version with rows")
    elif limit is not None and limit > rows:
        message = f"expected at most the dataset's {rows} rows, got {limit}"
        yield Finding("/limit", "rows", message, "lower it, or leave it out for all")


def _cap_findings(found: Exact, price: Price | None, why: PriceReason) -> Iterator[Finding]:
    """A cap on what cannot be counted would hold nothing."""
    if found.specification.cap_usd is not None and price is None:
        message = f"{found.specification.model} has no price: {why}"
        yield Finding("/cap_usd", "price", message, "name a price in the model entry, or no cap")
