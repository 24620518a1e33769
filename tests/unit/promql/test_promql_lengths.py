"""A length is known once the query's step and range are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.promql import ExpressionError, Range, Subquery, parse, resolve


def length(text):
    found = parse(f"x[{text}]", experimental=True)
    assert isinstance(found, Range)
    return found.range


def resolved(text, **more):
    return resolve(length(text), step_ms=15_000, range_ms=3_600_000, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5m", 300_000),
        ("1m + 30", 90_000),
        ("1m - 30s", 30_000),
        ("1m * 2", 120_000),
        ("1m / 7", 8_571),
        ("1m % 7", 4_000),
        ("-7 % 4", -3_000),
        ("2 ^ 3 ^ 2", 512_000),
        ("-2 ^ 2", -4_000),
        ("(1 + 2) * 3", 9_000),
        ("step()", 15_000),
        ("range() / 2", 1_800_000),
        ("step() * 4 - range()", -3_540_000),
        ("min_of(step(), 5s)", 5_000),
        ("max_of(step(), 5s)", 15_000),
    ],
)
def test_arithmetic_is_computed_in_seconds_and_cut_to_milliseconds(text, expected):
    assert resolved(text) == expected


@pytest.mark.parametrize(
    "text", ["1 / (1 - 1)", "1 % (step() - 15)", "10 ^ 400", "0 ^ -1 * step()"]
)
def test_what_has_no_duration_is_refused(text):
    with pytest.raises(ExpressionError):
        resolved(text)


@pytest.mark.parametrize("text", ["(0 - 8) ^ 0.5", "10 ^ 400 % 7"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ExpressionError, match="at most 292 years"):
        resolved(text)


@pytest.mark.parametrize("text", ["step() - 15s", "1s - range()"])
def test_a_length_that_must_be_above_zero_is(text):
    assert resolved(text) <= 0
    with pytest.raises(ExpressionError, match="above zero") as caught:
        resolved(text, positive=True)
    assert caught.value.where == "character 3"


@given(st.integers(1, 9_000_000_000_000))
def test_a_literal_is_read_to_the_millisecond(milliseconds):
    found = parse(f"x[{milliseconds}ms:{milliseconds / 1000:.3f}] offset -{milliseconds}ms")
    assert isinstance(found, Subquery)
    assert (found.range, found.step, found.offset) == (milliseconds, milliseconds, -milliseconds)
    assert resolve(found.range, step_ms=1, range_ms=1) == milliseconds
