"""``choice``: the answer takes the right one of lettered choices."""

from __future__ import annotations

import time
from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators import compile_evaluator
from llm_research_lab.experiments.evaluators.choice import taken
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

SCHEMA = Schema((Column("t", "string"), Column("b", "string")))


def score(answer, target, **options):
    spec = EvaluatorSpec("choice", "m", "{{ t }}", options)
    return compile_evaluator(spec, SCHEMA).score(answer, {"t": target, "b": "Lyon"})


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"), ("b", "B"), (" (B).\n", "B"), ("**B**", "B"), ("$B$", "B"), ("[b]", "B"),
        ("ANSWER: B", "B"), ("answer: b", "B"), ("Answer is (C)", "C"), ("the answer is B.", "B"),
        ("Answer: **B**", "B"), ("**Answer:** B", "B"), ("Answer = D", "D"), ("answer is: c\n", "C"),
        ("Not A. Answer: A, no, answer: B", "B"), ("Answer: B) Paris", "B"),
        ("answer: b\nbecause it is", "B"), ("The answer\nis B", "B"),
        ("B) Paris", "B"), ("B. Paris", "B"), ("(B) Paris", "B"), ("**B:** Paris", "B"),
        ("B) because A) is wrong", "B"), ("C) is wrong, so the answer is B", "B"),
        ("the answer is a city", None), ("Answer: Paris", None), ("answer: A's", None),
        ("A dog", None), ("I think B", None), ("", None), ("Paris", None), ("ABC", None),
        ("answers B", None), ("1", None),
    ],
)  # fmt: skip
def test_the_letter_is_found_by_the_first_rule_that_applies(answer, letter):
    assert taken(answer) == letter


@given(st.sampled_from(ascii_uppercase))
def test_every_letter_is_found_in_the_form_that_is_asked_for(letter):
    for answer in (letter, f"ANSWER: {letter}", f"So.\n\nanswer: {letter.lower()}", f"{letter}) x"):
        assert taken(answer) == letter


@pytest.mark.parametrize(
    ("answer", "target", "options", "value"),
    [
        ("ANSWER: B", "B", {}, 1),
        ("ANSWER: B", "b", {}, 1),
        ("ANSWER: A", "B", {}, 0),
        ("who knows", "B", {}, 0),
        ("E", "A", {}, 0),
        ("E", "E", {"choices": 5}, 1),
        ("Paris", "A", {"choices": ["Paris", "{{ b }}"]}, 1),
        ("paris ", "Paris", {"choices": ["Paris", "{{ b }}"]}, 1),
        ("B", "Lyon", {"choices": ["Paris", "{{ b }}"]}, 1),
        ("Lyon", "A", {"choices": ["Paris", "{{ b }}"]}, 0),
        ("Rome", "A", {"choices": ["Paris", "{{ b }}"]}, 0),
        ("B) Lyon", "Lyon", {"choices": ["Paris", "{{ b }}"]}, 1),
    ],
)
def test_the_right_choice_is_taken_by_its_letter_or_its_text(answer, target, options, value):
    assert score(answer, target, **options) == value


@pytest.mark.parametrize(
    ("target", "options"),
    [("E", {}), ("", {}), ("AB", {}), ("1", {}), ("C", {"choices": ["x", "y"]}), ("Paris", {})],
)
def test_a_target_that_is_no_choice_is_not_scored(target, options):
    with pytest.raises(InvalidError, match="evaluator m, target: expected a letter from A to"):
        score("A", target, **options)


def test_no_answer_takes_long():
    started = time.perf_counter()
    for answer in (
        "answer:" + " " * 10**6,
        "answer " * 10**5,
        "(" * 10**6,
        "b" + "." * 10**6 + "x",
    ):
        assert taken(answer) is None
    assert time.perf_counter() - started < 10
