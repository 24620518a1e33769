"""A plain scalar is what YAML's core schema says, within what JSON keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.scalars import resolved


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None),
        ("true", True), ("False", False), ("yes", "yes"), ("off", "off"),
        ("0", 0), ("-0", 0), ("007", 7), ("+12", 12), ("-12", -12), ("0o17", 15), ("0xfF", 255),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("-1.E-2", -0.01), ("0o8", "0o8"),
        (".inf", ".inf"), (".nan", ".nan"), ("1_000", "1_000"), ("12:30", "12:30"),
        ("9223372036854775807", 2**63 - 1), ("2001-01-01", "2001-01-01"),
    ],
)  # fmt: skip
def test_the_core_schema_decides_what_a_plain_scalar_is(text, value):
    found, wrong = resolved(text)
    assert (found, type(found), wrong) == (value, type(value), None)


@pytest.mark.parametrize("text", ["9223372036854775808", "1" * 5000, "0x" + "f" * 17, "1e999"])
def test_a_number_that_json_cannot_keep_is_said(text):
    value, wrong = resolved(text)
    assert value is None
    assert wrong is not None


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_whole_number_comes_back(value):
    assert resolved(str(value)) == (value, None)


@given(st.text())
def test_every_text_is_a_scalar_or_a_mistake(text):
    value, wrong = resolved(text)
    assert wrong is None or value is None
