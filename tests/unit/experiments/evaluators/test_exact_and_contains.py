"""``exact`` and ``contains``: the answer is the target, or the target stands in it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators import compile_evaluator
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

SCHEMA = Schema((Column("t", "string"),))


def score(kind, answer, target, **options):
    spec = EvaluatorSpec(kind, "m", "{{ t }}", options)
    return compile_evaluator(spec, SCHEMA).score(answer, {"t": target})


@pytest.mark.parametrize(
    ("answer", "target", "options", "value"),
    [
        ("Paris", "Paris", {}, 1),
        (" Paris\n", "Paris", {}, 1),
        (" Paris\n", "Paris", {"strip": False}, 0),
        ("paris", "Paris", {}, 0),
        ("paris", "Paris", {"case_sensitive": False}, 1),
        ("Paris.", "Paris", {}, 0),
        ("", "", {}, 1),
        ("x", "", {}, 0),
        ("Bogota\u0301", "Bogot\u00e1", {}, 1),
    ],
)
def test_exact_is_the_same_text(answer, target, options, value):
    assert score("exact", answer, target, **options) == value


@pytest.mark.parametrize(
    ("answer", "target", "options", "value"),
    [
        ("It is PARIS.", "Paris", {}, 1),
        ("It is PARIS.", "Paris", {"case_sensitive": True}, 0),
        ("Romania", "Oman", {}, 1),
        ("Paris", " Paris ", {}, 1),
        ("Paris", " Paris ", {"strip": False}, 0),
        ("Sao Paulo", "São Paulo", {}, 0),
        ("in Bogota\u0301.", "Bogot\u00e1", {}, 1),
        ("", "Paris", {}, 0),
    ],
)
def test_contains_is_a_part_of_the_answer(answer, target, options, value):
    assert score("contains", answer, target, **options) == value


@pytest.mark.parametrize("target", ["", " \n", None])
def test_an_empty_target_stands_in_everything_and_is_not_scored(target):
    with pytest.raises(InvalidError, match="evaluator m, target: expected a text to look for"):
        score("contains", "anything", target)


@given(st.text(), st.text(), st.booleans(), st.booleans())
def test_exact_is_never_above_contains(answer, target, case_sensitive, strip):
    assume(target.strip())
    options = {"case_sensitive": case_sensitive, "strip": strip}
    assert score("exact", answer, target, **options) <= score("contains", answer, target, **options)


@given(st.text(), st.text())
def test_case_folding_never_takes_a_match_away(answer, target):
    for kind in ("exact", "contains"):
        if kind == "exact" or target.strip():
            strict = score(kind, answer, target, case_sensitive=True)
            assert strict <= score(kind, answer, target, case_sensitive=False)


@given(st.text(), st.text(min_size=1).filter(str.strip), st.text())
def test_whatever_stands_around_a_target_contains_it(before, target, after):
    whole = f"{before}\n{target}\n{after}"
    assert score("contains", whole, target, case_sensitive=True) == 1
