"""A cell has a type when it is written as that type's values are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows.cells import CELL_TYPES, WRONG

BOOLEAN, INTEGER, NUMBER = CELL_TYPES
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
words = st.one_of(
    st.text("0123456789-+.eE ", max_size=8),
    numbers.map(json.dumps),
    st.sampled_from(["true", "True", "TRUE", "false", "False", "FALSE", "tRUE", "", "1e999"]),
)


@pytest.mark.parametrize(
    "cell", ["007", "+5", " 5", "5 ", "0x10", "1_000", "1,000", "٣", "NaN", "inf", "", "."]
)
def test_what_json_does_not_call_a_number_is_none(cell):
    assert all(kind.convert(cell) is WRONG for kind in (INTEGER, NUMBER))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("-42", -42),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", WRONG),
        ("-0", WRONG),
        ("1" * 5000, WRONG),
        ("1.0", WRONG),
    ],
)
def test_an_integer_fits_64_bits(cell, value):
    assert INTEGER.convert(cell) is value or INTEGER.convert(cell) == value


@pytest.mark.parametrize(
    ("cell", "written"),
    [("1", "1"), ("1.50", "1.5"), ("-1e3", "-1000.0"), ("-0", "-0.0"), ("0.0", "0.0")],
)
def test_a_number_stays_whole_when_it_is_written_whole(cell, written):
    assert json.dumps(NUMBER.convert(cell)) == written
    assert list(map(json.dumps, NUMBER.values([cell, "2.5"]))) == [written, "2.5"]


@pytest.mark.parametrize("cell", ["1e999", "-1e999", "9" * 400 + ".5", "99999999999999999999"])
def test_a_number_is_finite_and_of_64_bits(cell):
    assert NUMBER.convert(cell) is WRONG


@pytest.mark.parametrize("kind", CELL_TYPES)
@given(cells=st.lists(words, min_size=1, max_size=5))
def test_many_cells_are_told_as_each_alone(kind, cells):
    alone = [kind.convert(cell) if cell else None for cell in cells]
    assert list(map(repr, kind.values(cells))) == list(map(repr, alone))
    assert kind.fits(cells) == (WRONG not in alone)


@given(st.lists(words, min_size=1, max_size=5))
def test_what_fits_integer_fits_number(cells):
    assert not INTEGER.fits(cells) or NUMBER.fits(cells)
