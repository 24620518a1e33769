"""A float is written as Go's strconv.FormatFloat writes it, and reads back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary.floats import format_float


@given(st.floats(allow_nan=False))
def test_the_fewest_digits_read_back_in_every_form(value):
    for form in ("f", "e", "g"):
        assert float(format_float(value, form)) == value
    if math.isfinite(value):
        assert float.fromhex(format_float(value, "x")) == value
        mantissa, _, exponent = format_float(value, "b").partition("p")
        assert math.ldexp(int(mantissa), int(exponent)) == value


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from("feg"))
def test_as_many_digits_as_are_asked_for(value, form):
    assert format_float(value, form, 5) == f"{value:.5{form}}"


@pytest.mark.parametrize(
    ("value", "form", "precision", "expected"),
    [
        (math.nan, "f", -1, "NaN"),
        (math.inf, "e", 2, "+Inf"),
        (-math.inf, "g", -1, "-Inf"),
        (0.0, "g", -1, "0"),
        (-0.0, "f", -1, "-0"),
        (1e21, "f", -1, "1000000000000000000000"),
        (123456.0, "g", -1, "123456"),
        (1234567.0, "g", -1, "1.234567e+06"),
        (0.0001, "g", -1, "0.0001"),
        (0.00001, "g", -1, "1e-05"),
        (12.5, "e", -1, "1.25e+01"),
        (1.75, "x", 0, "0x1p+01"),
        (1.5, "x", 3, "0x1.800p+00"),
        (1.5, "x", 20, "0x1.80000000000000000000p+00"),
        (0.0, "x", -1, "0x0p+00"),
        (-0.25, "x", -1, "-0x1p-02"),
        (5e-324, "b", -1, "1p-1074"),
    ],
)
def test_a_float_is_written_as_go_writes_it(value, form, precision, expected):
    assert format_float(value, form, precision) == expected
