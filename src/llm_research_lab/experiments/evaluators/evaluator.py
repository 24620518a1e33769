"""An evaluator is compiled once for a dataset, and then is a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_research_lab.experiments.evaluators.kind import Options, Score
from llm_research_lab.experiments.evaluators.kinds import KINDS
from llm_research_lab.experiments.prompt import missing_columns
from llm_research_lab.experiments.sandbox import compile_text, variables_of
from llm_research_lab.experiments.schema import Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import Finding, InvalidError


@dataclass(frozen=True, slots=True)
class Evaluator:
    """`score` gives an answer to a row one number under the name `metric`.

    It raises InvalidError when the answer cannot be scored, which is mostly the target's fault.
    """

    metric: str
    score: Score


def compile_evaluator(spec: EvaluatorSpec, schema: Schema) -> Evaluator:
    """Compile an evaluator. Raises InvalidError when a template names what is no column."""
    findings = _missing(spec, schema, f"evaluator {spec.metric}")
    if findings:
        first = findings[0]
        raise InvalidError(
            first.where, "columns of the dataset", first.message, first.fix, findings
        )
    return Evaluator(spec.metric, compile_score(spec))


def compile_score(spec: EvaluatorSpec) -> Score:
    """Compile the function alone, whatever the dataset."""
    where = f"evaluator {spec.metric}"
    target = compile_text(spec.target, f"{where}, target")
    return KINDS[spec.kind].compile(target, options_of(spec), where)


def options_of(spec: EvaluatorSpec) -> Options:
    """Give all options of the kind: those that are said, over the defaults."""
    defaults = {option.name: option.default for option in KINDS[spec.kind].options}
    return {**defaults, **spec.options}


def evaluator_findings(specs: Sequence[EvaluatorSpec], schema: Schema) -> tuple[Finding, ...]:
    """Find every column that an evaluator needs and the dataset has not, evaluator by evaluator."""
    return tuple(
        finding
        for index, spec in enumerate(specs)
        for finding in _missing(spec, schema, f"/evaluators/{index}")
    )


def _missing(spec: EvaluatorSpec, schema: Schema, where: str) -> tuple[Finding, ...]:
    templates = [spec.target, *KINDS[spec.kind].templates(options_of(spec))]
    needed = (variables_of(template, where) for template in templates)
    return missing_columns(frozenset().union(*needed), schema, where)
