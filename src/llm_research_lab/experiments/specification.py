"""An experiment is exact: a dataset version, a prompt version, a model version, evaluators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

ExperimentType = Literal["evaluation", "comparison", "benchmark"]
Status = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
SEED = 0
"""Of every random draw over results: the same scores give the same interval and p-value, always."""

TERMINAL: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class EvaluatorSpec:
    """One evaluator of an experiment; `metric` is the name that its score carries.

    `target` is a Jinja2 template over the row's columns: a right answer (``{{ capital }}``).
    """

    kind: str
    metric: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Specification:
    """What to run. References name exact versions once the experiment is created.

    `cap_usd` None is no cap. `use_cache` None means: only when the parameters are deterministic.
    `priority` 0 to 9, the higher the sooner. `limit` takes the first so many rows; None is all.
    """

    name: str
    dataset: str
    prompt: str
    model: str
    evaluators: tuple[EvaluatorSpec, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment_type: ExperimentType = "evaluation"
    cap_usd: Decimal | None = None
    use_cache: bool | None = None
    priority: int = 5
    limit: int | None = None
