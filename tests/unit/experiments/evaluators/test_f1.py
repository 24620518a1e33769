"""``f1``: how many words the answer and the target share."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators import compile_evaluator
from llm_research_lab.experiments.evaluators.f1 import f1, tokens
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec

SCHEMA = Schema((Column("t", "string"),))
BAGS = st.lists(st.sampled_from("abcd"), max_size=8).map(Counter)


def score(answer, target, kind="f1", **options):
    spec = EvaluatorSpec(kind, "m", "{{ t }}", options)
    return compile_evaluator(spec, SCHEMA).score(answer, {"t": target})


@pytest.mark.parametrize(
    ("answer", "target", "value"),
    [
        ("Paris", "paris", 1),
        ("The Paris!", "paris", 1),
        ("Paris, France", "Paris", 2 / 3),
        ("Washington D.C.", "Washington, DC", 1),
        ("a b b c", "b b d", 2 * 2 / 6),
        ("Lyon", "Paris", 0),
        ("", "", 1),
        ("the", "a", 1),
        ("", "Paris", 0),
        ("Paris", "", 0),
        ("New-York", "New York", 0),
        ("an apple a day", "apple day", 1),
        ("theatre", "atre", 0),
        ("«Paris»", "Paris", 0),
    ],
)
def test_words_are_compared_as_squad_does(answer, target, value):
    assert score(answer, target) == pytest.approx(value)


def test_without_normalising_words_are_as_they_are_written():
    assert score("The Paris", "the Paris", normalise=False) == 0.5
    assert score("The  Paris", "The Paris", normalise=False) == 1


@given(BAGS, BAGS)
def test_f1_is_symmetric_and_a_share(one, other):
    assert f1(one, other) == f1(other, one)
    assert 0 <= f1(one, other) <= 1


@given(BAGS, BAGS)
def test_f1_is_1_exactly_for_equal_bags_and_0_exactly_for_disjoint_ones(one, other):
    assert (f1(one, other) == 1) == (one == other)
    assert (f1(one, other) == 0) == (not one & other and bool(one or other))


@given(BAGS.filter(bool), BAGS.filter(bool))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(answer, target):
    shared = (answer & target).total()
    precision, recall = shared / answer.total(), shared / target.total()
    mean = 2 * precision * recall / (precision + recall) if shared else 0
    assert f1(answer, target) == pytest.approx(mean)


@given(st.text(), st.text())
def test_the_order_of_words_and_the_blanks_between_do_not_count(one, other):
    there = tokens(f"{one} {other}", normalised=False)
    assert there == tokens(f"{other}\n\t{one}", normalised=False)


@given(st.text(), st.text())
def test_exact_is_never_above_f1(answer, target):
    for normalise in (True, False):
        assert score(answer, target, "exact") <= score(answer, target, normalise=normalise)
