"""``regex``: the answer matches a pattern, or a pattern finds the target in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators import compile_evaluator
from llm_research_lab.experiments.evaluators.regex import (
    ANSWER_CHARACTERS,
    PATTERN_CHARACTERS,
    compiled,
    quoted,
)
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

SCHEMA = Schema((Column("t", "string"),))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def score(answer, row="", template="{{ t }}", **options):
    spec = EvaluatorSpec("regex", "m", template, options)
    return compile_evaluator(spec, SCHEMA).score(answer, {"t": row})


@pytest.mark.parametrize(
    ("answer", "template", "options", "value"),
    [
        ("The year 1999.", r"\d{4}", {}, 1),
        ("The year 1999.", r"\d{4}", {"full": True}, 0),
        ("1999", r"\d{4}", {"full": True}, 1),
        ("paris", "Paris", {}, 0),
        ("paris", "Paris", {"case_sensitive": False}, 1),
        ("paris", "(?i)Paris", {}, 1),
        ("a\nb", "(?s)a.b", {}, 1),
        ("", "x", {}, 0),
    ],
)
def test_the_target_is_the_pattern(answer, template, options, value):
    assert score(answer, template=template, **options) == value


def test_a_rows_text_stands_for_itself_inside_a_pattern():
    assert score("Washington, D.C.", "D.C.", r"\b{{ t }}$") == 1
    assert score("Washington, DaCa", "D.C.", r"\b{{ t }}$") == 0
    assert score("in C++", "C++") == 1


def test_a_dataset_of_patterns_says_so():
    assert score("Lyon", "^L.*n$", escape=False) == 1
    assert score("Lyon", "^L.*n$") == 0
    with pytest.raises(InvalidError, match="evaluator m, target: expected an RE2 pattern"):
        score("C++", "C++(", escape=False)


def test_an_empty_pattern_stands_in_everything_and_is_not_scored():
    with pytest.raises(InvalidError, match="got an empty one"):
        score("anything", None)


@given(TEXT.filter(bool))
def test_every_text_is_found_in_itself_when_it_is_quoted(text):
    assert score(text, text) == 1


def test_texts_are_quoted_however_deep_and_nothing_else_is():
    value = {"a.b": ["1.5", 1.5, None, {"c": "*"}]}
    assert quoted(value) == {"a.b": [r"1\.5", 1.5, None, {"c": r"\*"}]}


@pytest.mark.parametrize(
    ("answer", "target", "options", "value"),
    [
        ("ANSWER: Paris\n", "Paris", {"pattern": r"ANSWER:\s*(.*)"}, 1),
        ("ANSWER: Lyon", "Paris", {"pattern": r"ANSWER:\s*(.*)"}, 0),
        ("Paris", "Paris", {"pattern": r"ANSWER:\s*(.*)"}, 0),
        ("<b> paris </b>", "Paris", {"pattern": "<i>(.*)</i>|<b>(.*)</b>"}, 0),
        (
            "<b> paris </b>",
            "Paris",
            {"pattern": "<i>(.*)</i>|<b>(.*)</b>", "case_sensitive": False},
            1,
        ),
        ("x ANSWER: Paris", "Paris", {"pattern": r"ANSWER: (.*)", "full": True}, 0),
        ("a", "", {"pattern": "a(b)?"}, 0),
    ],
)
def test_the_first_group_that_took_part_is_compared_with_the_target(answer, target, options, value):
    assert score(answer, target, **options) == value


def test_a_lone_surrogate_in_an_answer_is_no_error():
    assert score("a\ud800b", template="a.b") == 1


@pytest.mark.parametrize(
    "pattern",
    ["(", "(?=x)", r"(a)\1", "a" * (PATTERN_CHARACTERS + 1), r"\pL{50}", "((a{99}){99}){99}"],
)
def test_a_pattern_that_re2_has_not_or_that_is_too_large_is_refused(pattern):
    with pytest.raises(InvalidError):
        compiled(pattern, {"case_sensitive": True}, "here")


def test_a_lone_surrogate_in_a_pattern_is_no_error():
    assert compiled("\ud800", {"case_sensitive": True}, "here").search("\ufffd")


def test_an_answer_without_end_is_not_searched():
    with pytest.raises(InvalidError, match="lower max_tokens"):
        score("x" * (ANSWER_CHARACTERS + 1), template="y")


def test_no_pattern_takes_long():
    answer = "ab" * (ANSWER_CHARACTERS // 2)
    started = time.perf_counter()
    for pattern in ("(a|b|ab)*c", "(.*)(.*)(.*)(.*)[^ab]", r"(?s)(a.{900})c"):
        assert score(answer, template=pattern) == 0
    assert time.perf_counter() - started < 5
