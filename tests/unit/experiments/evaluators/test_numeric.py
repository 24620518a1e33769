"""``numeric``: a number in the answer is the target, within a tolerance."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.evaluators import compile_evaluator
from llm_research_lab.experiments.evaluators.numeric import numbers
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

SCHEMA = Schema((Column("t", "number"),))
DECIMALS = st.decimals(-(10**12), 10**12, places=4)
TOLERANCES = st.floats(0, 1e6)


def score(answer, target, **options):
    spec = EvaluatorSpec("numeric", "m", "{{ t }}", options)
    return compile_evaluator(spec, SCHEMA).score(answer, {"t": target})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("42", ["42"]),
        ("It is 42.", ["42"]),
        ("between 3 and 4.5", ["3", "4.5"]),
        ("1,234,567.89 people", ["1234567.89"]),
        ("1_000 or 1'000 or 1\u2019000", ["1000", "1000", "1000"]),
        ("1\u202f234\u202f567 m", ["1234567"]),
        ("1,2,3", ["1", "2", "3"]),
        ("1,2345", ["1", "2345"]),
        ("1 000", ["1", "0"]),
        ("-3 \u22123 +3 (-3)", ["-3", "-3", "3", "-3"]),
        ("5-3", ["5", "3"]),
        ("covid-19", ["19"]),
        ("$1,200.50, -$5, €7", ["1200.50", "-5", "7"]),
        ("60 % or 60%", ["60", "60"]),
        ("1e3, 2.5E-2, 1e\u22122", ["1000", "0.025", "0.01"]),
        (".5 and -.5", ["0.5", "-0.5"]),
        ("1.2.3", ["1.2", "3"]),
        ("H2O, H25, B2B", []),
        ("5kg, 2nd", ["5", "2"]),
        ("**7** \\boxed{8} $9$", ["7", "8", "9"]),
        ("1/2", ["1", "2"]),
        ("\u0663\u0664", ["34"]),
        ("", []),
        ("none", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text, found):
    assert list(numbers(text)) == [Decimal(one) for one in found]


@pytest.mark.parametrize(
    ("answer", "target", "options", "value"),
    [
        ("It is 12.0", 12, {}, 1),
        ("It is 12.1", 12, {}, 0),
        ("12 or rather 13", 13, {}, 1),
        ("12 or rather 13", 12, {"take": "first"}, 1),
        ("no idea", 12, {}, 0),
        ("0.3", 0.1 + 0.2, {}, 0),
        ("0.3", 0.1 + 0.2, {"absolute": 1e-9}, 1),
        ("100.5", 100, {"absolute": 0.5}, 1),
        ("100.51", 100, {"absolute": 0.5}, 0),
        ("0.4", "0.3", {"absolute": 0.1}, 1),
        ("99", 100, {"relative": 0.01}, 1),
        ("98.99", 100, {"relative": 0.01}, 0),
        ("-99", -100, {"relative": 0.01}, 1),
        ("101", 100, {"relative": 0.001, "absolute": 1}, 1),
        ("0", 0, {"relative": 0.5}, 1),
        ("60%", 60, {}, 1),
        ("60%", 0.6, {}, 0),
        ("60%", 0.6, {"percent": True}, 1),
        ("0.6", "60 %", {"percent": True}, 1),
        ("$1,200", " 1200 ", {}, 1),
        ("1e99999999999999999999", 1, {}, 0),
        ("9" * 5000, 1, {"absolute": 1e300}, 0),
    ],
)
def test_an_answer_is_right_within_the_larger_tolerance(answer, target, options, value):
    assert score(answer, target, **options) == value


@pytest.mark.parametrize("target", ["", None, "twelve", "1 2", "12 km", "1e99999999999999999999"])
def test_a_target_that_is_not_one_number_is_not_scored(target):
    with pytest.raises(InvalidError, match="evaluator m, target: expected a number"):
        score("12", target)


@given(DECIMALS)
def test_a_number_is_itself_however_it_is_written(value):
    for written in (
        f"{value}",
        f"{value:,}",
        f"{value:,}".replace(",", "_"),
        f"{value:E}",
        f"so: {value:,}!",
    ):
        assert score(written, str(value)) == 1


@given(DECIMALS, DECIMALS, TOLERANCES, TOLERANCES)
def test_a_larger_tolerance_never_takes_a_score_away(answer, target, one, other):
    low, high = sorted((one, other))
    narrow = score(str(answer), str(target), absolute=low)
    assert narrow <= score(str(answer), str(target), absolute=high)


@given(DECIMALS, DECIMALS, TOLERANCES)
def test_the_absolute_tolerance_is_symmetric(one, other, absolute):
    forth = score(str(one), str(other), absolute=absolute)
    assert forth == score(str(other), str(one), absolute=absolute)


@given(st.text())
def test_any_answer_can_be_scored(answer):
    assert score(answer, 1) in (0, 1)


def test_no_answer_takes_long():
    started = time.perf_counter()
    for unit in ("1", "1,111,", "1e", "-", " ", "$", "1.", ",111"):
        assert score(unit * (200_000 // len(unit)), 7) == 0
    assert time.perf_counter() - started < 10
