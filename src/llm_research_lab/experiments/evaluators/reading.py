"""An evaluator of a file is read by its kind: the options are those that the kind has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import name, one_of
from llm_research_lab.experiments.evaluators.evaluator import compile_score
from llm_research_lab.experiments.evaluators.kinds import KINDS
from llm_research_lab.experiments.sandbox import template
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

TARGET_CHARACTERS = 10_000
"""The longest target."""

_SHARED = (
    Field("kind", one_of(*KINDS), required=True),
    Field("target", template(TARGET_CHARACTERS), required=True),
    Field("metric", name, nullable=True),
)

_ANY = tuple(
    Field(word, lambda value, _: value)
    for word in sorted({option.name for kind in KINDS.values() for option in kind.options})
)
"""The options of all kinds, unread: for an evaluator whose kind is not known."""


def evaluator(value: Any, place: Place) -> EvaluatorSpec | None:
    """Read one evaluator, its options complete; None when something is wrong with it.

    `metric` is the kind's name when none is given. A target without columns is tried at once.
    """
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        read_fields(value, place, (*_SHARED, *_ANY))
        return None
    before = len(place.findings)
    options = KINDS[kind].options
    fields = [
        Field(option.name, option.read, nullable=option.default is None) for option in options
    ]
    found = read_fields(value, place, (*_SHARED, *fields))
    if len(place.findings) > before:
        return None
    spec = EvaluatorSpec(
        kind,
        found.get("metric") or kind,
        found["target"],
        {option.name: found.get(option.name, option.default) for option in options},
    )
    _try(spec, place)
    return spec


def _try(spec: EvaluatorSpec, place: Place) -> None:
    """Score nothing against a target that is the same for every row: it must be possible."""
    if any(mark in spec.target for mark in ("{{", "{%", "{#")):
        return
    try:
        compile_score(spec)("", {})
    except InvalidError as error:
        message = f"{error.where}: expected {error.expected}, got {error.got}"
        place.at("target").find("target", message, error.fix)
