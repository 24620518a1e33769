"""An evaluator gives an answer one number, from the answer and its row alone."""

from llm_research_lab.experiments.evaluators.evaluator import (
    Evaluator,
    compile_evaluator,
    evaluator_findings,
)
from llm_research_lab.experiments.evaluators.kind import Kind, Option
from llm_research_lab.experiments.evaluators.kinds import KINDS
from llm_research_lab.experiments.evaluators.reading import evaluator

__all__ = [
    "KINDS",
    "Evaluator",
    "Kind",
    "Option",
    "compile_evaluator",
    "evaluator",
    "evaluator_findings",
]
