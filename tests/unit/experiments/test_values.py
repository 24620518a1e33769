"""What an experiment is made of are values: they do not change, and have the stated defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from llm_research_lab.experiments.model_entry import Limits, ModelEntry
from llm_research_lab.experiments.result import Failure, Message, SampleResult, Usage
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import TERMINAL, EvaluatorSpec, Specification

VALUES = (
    Limits(),
    ModelEntry("echo", "x"),
    Message("user", "x"),
    Usage(1, 2),
    Failure("timeout", "x"),
    SampleResult(0, (), None, None, None, None),
    Column("a", "string"),
    Schema(()),
    EvaluatorSpec("exact", "exact", "x"),
    Specification("n", "d", "p", "m", ()),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_does_not_change_and_has_no_other_attributes(value):
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)
    assert not hasattr(value, "__dict__")


def test_two_values_do_not_share_their_defaults():
    one, other = ModelEntry("echo", "x"), ModelEntry("echo", "x")
    assert one.parameters is not other.parameters
    assert one == other


def test_an_experiment_has_no_cap_and_the_middle_priority_unless_said():
    specification = Specification("n", "d", "p", "m", ())
    assert (specification.cap_usd, specification.limit, specification.use_cache) == (None,) * 3
    assert (specification.priority, specification.experiment_type) == (5, "evaluation")


def test_an_experiment_ends_in_one_of_three_ways():
    assert {"completed", "failed", "cancelled"} == TERMINAL


def test_a_schemas_names_are_in_the_files_order():
    assert Schema((Column("b", "string"), Column("a", "json"))).names == ("b", "a")
