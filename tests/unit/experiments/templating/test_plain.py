"""A value is written the plain way: text as it is, null as nothing, all else as JSON."""

from __future__ import annotations

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError, UndefinedError

from llm_research_lab.experiments.templating.plain import text

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9)
nested = st.lists(scalars | words | st.none(), max_size=4) | st.dictionaries(words, scalars)


@given(words)
def test_a_text_is_itself(value):
    assert text(value) == value


@given(scalars | nested)
def test_all_else_is_read_back_by_any_reader_of_json(value):
    assert json.loads(text(value)) == value


def test_null_is_nothing():
    assert text(None) == ""


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_has_no_text(value):
    with pytest.raises(ValueError, match="is not a JSON number"):
        text(value)


def test_what_is_not_plain_or_not_there_has_no_text():
    with pytest.raises(SecurityError, match="not bytes"):
        text(b"a")
    with pytest.raises(UndefinedError, match="'gone' is undefined"):
        text(StrictUndefined(name="gone"))
