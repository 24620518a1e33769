"""A template in a file is read as text that compiles; what is wrong with it is one finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Place, Source
from llm_research_lab.experiments.sandbox import template


def read(value):
    place = Place(Source(value), []).at("field")
    return template()(value, place), [finding.law for finding in place.findings]


@given(st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2))
def test_reading_never_raises_whatever_the_value(value):
    read(value)


def test_a_template_is_kept_as_it_was_written():
    assert read("{{ a }}") == ("{{ a }}", [])


@pytest.mark.parametrize(
    ("value", "law"), [("{{ a", "template"), ("{{ a.__class__ }}", "template"), (1, "type")]
)
def test_what_is_wrong_is_one_finding_and_none(value, law):
    assert read(value) == (None, [law])
