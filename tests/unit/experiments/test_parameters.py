"""A parameter is known by name, has one type, and only some providers have it."""

from __future__ import annotations

import pytest

from llm_research_lab.documents.fields import Place, Source
from llm_research_lab.experiments.parameters import PARAMETERS, parameters, unsupported

GOOD = {
    "temperature": 0,
    "top_p": 1,
    "max_tokens": 1,
    "seed": 2**32 - 2,
    "stop": ["a", "b"],
    "json_schema": {"type": "object"},
}


def read(value):
    place = Place(Source(value), [])
    return parameters(value, place), [(f.where, f.law) for f in place.findings]


def test_every_parameter_is_read_and_numbers_are_floats_where_they_may_be_fractions():
    found, findings = read(GOOD)
    assert (found, findings) == (GOOD, [])
    assert type(found["temperature"]) is float
    assert read({"grammar": "root ::= [a-z]+"})[1] == []


def test_one_stop_is_a_list_of_one():
    assert read({"stop": "x"}) == ({"stop": ["x"]}, [])


@pytest.mark.parametrize(
    ("value", "where", "law"),
    [
        ({"temperature": 2.1}, "/temperature", "range"),
        ({"top_p": -0.1}, "/top_p", "range"),
        ({"max_tokens": 0}, "/max_tokens", "range"),
        ({"seed": 2**32 - 1}, "/seed", "range"),
        ({"seed": "7"}, "/seed", "type"),
        ({"stop": []}, "/stop", "length"),
        ({"stop": ["a"] * 5}, "/stop", "length"),
        ({"stop": ["a", ""]}, "/stop/1", "length"),
        ({"stop": ""}, "/stop", "length"),
        ({"json_schema": "x"}, "/json_schema", "type"),
        ({"grammar": ""}, "/grammar", "length"),
        ({"max_token": 1}, "/max_token", "unknown-key"),
        ({"json_schema": {}, "grammar": "x"}, "/", "one-of"),
        ([], "/", "type"),
    ],
)
def test_a_mistake_is_found_at_its_place(value, where, law):
    assert read(value)[1] == [(where, law)]


@pytest.mark.parametrize("provider", ["bundled", "openai", "echo"])
def test_a_provider_is_refused_exactly_what_it_does_not_have(provider):
    place = Place(Source({}, root="/parameters"), [])
    unsupported({one.name: 1 for one in PARAMETERS}, provider, place)
    lacking = [f"/parameters/{one.name}" for one in PARAMETERS if provider not in one.providers]
    assert [finding.where for finding in place.findings] == lacking


def test_openai_has_no_grammar():
    place = Place(Source({}), [])
    unsupported({"grammar": "x"}, "openai", place)
    (finding,) = place.findings
    assert finding.message == "the provider openai has no grammar"
    assert finding.fix == "leave it out; bundled and echo have it"
