"""An experiment file and the API's body are one form, read once, with every mistake found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import (
    flag,
    list_of,
    money,
    name,
    one_of,
    reference,
    whole,
)
from llm_research_lab.experiments.evaluators import evaluator
from llm_research_lab.experiments.parameters import parameters
from llm_research_lab.experiments.specification import EvaluatorSpec, Specification
from llm_research_lab.vocabulary import Finding, usd_text

EVALUATORS = 20
"""Evaluators of one experiment."""

CAP_USD = 999_999
CAP_DECIMALS = 6
INT64 = 2**63 - 1

RESERVED = frozenset({"sample", "latency"})
"""Results are sorted by these words, so no metric has them for a name."""

_FIELDS = (
    Field("name", name, required=True),
    Field("dataset", reference, required=True),
    Field("prompt", reference, required=True),
    Field("model", reference, required=True),
    Field("evaluators", list_of(evaluator, 1, EVALUATORS), required=True),
    Field("parameters", parameters),
    Field("cap_usd", money(CAP_USD, CAP_DECIMALS), nullable=True),
    Field("priority", whole(0, 9)),
    Field("use_cache", flag, nullable=True),
    Field("limit", whole(1, INT64), nullable=True),
    Field("type", one_of("evaluation", "comparison", "benchmark")),
)


def read_specification(source: Source) -> tuple[Specification | None, tuple[Finding, ...]]:
    """Read an experiment, or say all that is wrong with it; one of the two is empty.

    ``dataset``, ``prompt`` and ``model`` are references, ``[owner/]name[@vN]``; whether they name
    something, and whether the templates' columns are there, only the lab knows.
    """
    place = Place(source, [])
    found = read_fields(source.value, place, _FIELDS)
    _check_metrics(found.get("evaluators", ()), place.at("evaluators"))
    if place.findings:
        return None, tuple(place.findings)
    found["experiment_type"] = found.pop("type", "evaluation")
    return Specification(**found), ()


def _check_metrics(specs: tuple[EvaluatorSpec | None, ...], place: Place) -> None:
    """Each score has a name of its own."""
    seen: Counter[str] = Counter()
    for index, spec in enumerate(specs):
        if spec is None:
            continue
        here = place.at(index).at("metric")
        if spec.metric in RESERVED:
            message = f"results are sorted by the word {spec.metric}"
            here.find("reserved-metric", message, "choose another metric")
        elif seen[spec.metric]:
            message = f"a second evaluator with the metric {spec.metric}"
            here.find("duplicate-metric", message, "name it: metric: something-else")
        seen[spec.metric] += 1


def specification_to_json(specification: Specification) -> dict[str, Any]:
    """Give the file's keys, all of them, money as text and evaluators' options under a key."""
    cap = specification.cap_usd
    return {
        "name": specification.name,
        "dataset": specification.dataset,
        "prompt": specification.prompt,
        "model": specification.model,
        "evaluators": [_evaluator_to_json(spec) for spec in specification.evaluators],
        "parameters": dict(specification.parameters),
        "cap_usd": None if cap is None else usd_text(cap),
        "priority": specification.priority,
        "use_cache": specification.use_cache,
        "limit": specification.limit,
        "type": specification.experiment_type,
    }


def _evaluator_to_json(spec: EvaluatorSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind,
        "metric": spec.metric,
        "target": spec.target,
        "options": dict(spec.options),
    }


def specification_from_json(value: Mapping[str, Any]) -> Specification:
    """Undo `specification_to_json`; the value is trusted."""
    cap = value["cap_usd"]
    return Specification(
        value["name"],
        value["dataset"],
        value["prompt"],
        value["model"],
        tuple(EvaluatorSpec(**spec) for spec in value["evaluators"]),
        value["parameters"],
        value["type"],
        None if cap is None else Decimal(cap),
        value["use_cache"],
        value["priority"],
        value["limit"],
    )
