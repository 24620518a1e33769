"""A schema survives JSON, and a user's is told all that is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Source
from llm_research_lab.experiments.schema import (
    Column,
    Schema,
    read_schema,
    schema_from_json,
    schema_to_json,
)

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
columns = st.builds(
    Column,
    name=names.filter(str.strip),
    type=st.sampled_from(["string", "integer", "number", "boolean", "json"]),
    nullable=st.booleans(),
)
schemas = st.lists(columns, min_size=1, max_size=5, unique_by=lambda one: one.name).map(
    lambda some: Schema(tuple(some))
)


@given(schemas)
def test_a_schema_survives_json(schema):
    assert schema_from_json(schema_to_json(schema)) == schema
    assert read_schema(Source(schema_to_json(schema))) == (schema, ())
    assert schema.names == tuple(one["name"] for one in schema_to_json(schema)["columns"])


def test_nullable_may_be_left_out():
    schema, _ = read_schema(Source({"columns": [{"name": "a", "type": "json"}]}))
    assert schema == Schema((Column("a", "json", nullable=False),))


@pytest.mark.parametrize(
    ("value", "where", "law"),
    [
        ([], "/", "type"),
        ({}, "/", "missing-key"),
        ({"columns": []}, "/columns", "length"),
        ({"columns": "a"}, "/columns", "type"),
        ({"columns": [{"name": "a", "type": "text"}]}, "/columns/0/type", "unknown-type"),
        ({"columns": [{"name": "", "type": "string"}]}, "/columns/0/name", "length"),
        ({"columns": [{"name": " ", "type": "string"}]}, "/columns/0/name", "blank-label"),
        ({"columns": [{"name": "a\0", "type": "string"}]}, "/columns/0/name", "blank-label"),
        ({"columns": [{"name": "x" * 1001, "type": "string"}]}, "/columns/0/name", "length"),
        (
            {"columns": [{"name": "a", "type": "string"}, {"name": "a", "type": "json"}]},
            "/columns/1/name",
            "duplicate-label",
        ),
        (
            {"columns": [{"name": "a", "type": "string", "nullable": 1}]},
            "/columns/0/nullable",
            "type",
        ),
        ({"columns": [{"name": "a", "type": "string"}], "x": 1}, "/x", "unknown-key"),
        ({"columns": [{"name": "a", "type": "string"}] * 2001}, "/columns", "length"),
    ],
)
def test_what_is_wrong_is_found_at_its_place(value, where, law):
    schema, findings = read_schema(Source(value))
    assert schema is None
    assert (where, law) in [(one.where, one.law) for one in findings]


def test_columns_without_a_name_are_not_called_doubled():
    _, findings = read_schema(Source({"columns": [{"type": "string"}, {"type": "string"}]}))
    assert [one.law for one in findings] == ["missing-key", "missing-key"]
