"""What is emitted is what is declared, or the difference is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.signals.declared import small

from llm_research_lab.signals import Attribute, check_event, check_span
from llm_research_lab.signals.attributes import broken_by
from llm_research_lab.signals.spans import called, declared_as

REQUEST = {"request_id": "r1"}


def said(fields, context=REQUEST, name="thing.done"):
    return [one.message for one in check_event(small()[0], name, fields, context)]


@pytest.mark.parametrize(
    "fields", [{"count": 3}, {"count": 0, "word": "a"}, {"count": 1, "word": None}]
)
def test_a_declared_event_passes(fields):
    assert said(fields) == []


@pytest.mark.parametrize(
    ("fields", "context", "what"),
    [
        ({}, REQUEST, "count is missing"),
        ({"count": "3"}, REQUEST, "count is no integer"),
        ({"count": True}, REQUEST, "count is no integer"),
        ({"count": 3, "word": "c"}, REQUEST, "word is none of a, b"),
        ({"count": 3, "colour": "red"}, REQUEST, "colour is not declared"),
        ({"count": 3}, {}, "request_id is missing"),
        ({"count": 3}, {**REQUEST, "colour": "red"}, "colour is not declared"),
    ],
)
def test_what_differs_from_the_declaration_is_said(fields, context, what):
    assert said(fields, context) == [what]


def test_an_event_that_nobody_declared_is_said():
    assert said({}, name="thing.undone") == ["thing.undone is not declared"]


def test_a_span_is_found_by_the_name_that_is_shown():
    declared = small()[0]
    assert declared_as(declared, "chat gpt").name == "chat"
    assert declared_as(declared, "request").name == "request"
    assert declared_as(declared, "request more") is None
    assert called(declared.spans["chat"], {"model": "gpt"}) == "chat gpt"
    assert called(declared.spans["chat"], {}) == "chat"


def test_a_spans_attributes_are_those_declared():
    declared = small()[0]
    assert check_span(declared, "chat gpt", {"model": "gpt", "tokens": 3}) == ()
    wrong = check_span(declared, "chat gpt", {"tokens": "3", "x": 1})
    assert [one.message for one in wrong] == [
        "x is not declared",
        "model is missing",
        "tokens is no integer",
    ]
    assert check_span(declared, "nothing", {})[0].message == "nothing is not declared"


TYPES = {
    "text": st.text(),
    "integer": st.integers(),
    "number": st.integers() | st.floats(),
    "boolean": st.booleans(),
    "object": st.dictionaries(st.text(), st.none()),
    "list": st.lists(st.none()) | st.tuples(),
}


@given(st.sampled_from(sorted(TYPES)), st.sampled_from(sorted(TYPES)), st.data())
def test_a_value_is_of_its_type_alone(declared, drawn, data):
    value = data.draw(TYPES[drawn])
    found = list(broken_by({"a": Attribute("a", declared, "A.")}, {"a": value}))
    fits = drawn == declared or (declared == "number" and drawn == "integer")
    if declared == "integer" and drawn == "number":
        fits = isinstance(value, int)
    assert (found == []) == fits
