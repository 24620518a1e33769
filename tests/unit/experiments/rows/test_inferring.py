"""The inferred schema fits every row, and does not depend on how the rows were portioned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.rows import (
    CsvCheck,
    Findings,
    Inference,
    JsonCheck,
    Row,
)
from llm_research_lab.experiments.schema import Column, Schema

cells = st.sampled_from(["", "1", "-2.5", "true", "False", "x", "007", "1e3", "9" * 20])


def inferred(rows, names=None, portion=100):
    inference = Inference(names)
    for start in range(0, len(rows), portion):
        inference.take(rows[start : start + portion])
    return inference.schema()


def of_text(*column):
    (one,) = inferred([Row(2, [cell]) for cell in column], ("a",)).columns
    return one.type, one.nullable


def of_json(*values):
    rows = [Row(line, value) for line, value in enumerate(values, 1)]
    return {one.name: (one.type, one.nullable) for one in inferred(rows).columns}


@pytest.mark.parametrize(
    ("column", "type_", "nullable"),
    [
        (["1", "2"], "integer", False),
        (["1", "2.5"], "number", False),
        (["1", ""], "integer", True),
        (["", "1.5"], "number", True),
        (["true", "False"], "boolean", False),
        (["true", "1"], "string", False),
        (["1", "x"], "string", False),
        (["1.5", "x", "2"], "string", False),
        (["", ""], "string", True),
        (["007", "7"], "string", False),
        (["9223372036854775808", "1"], "string", False),
    ],
)
def test_text_has_the_narrowest_type_of_all_cells(column, type_, nullable):
    assert of_text(*column) == (type_, nullable)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.integers(1, 6))
def test_text_keeps_the_inferred_schema_however_portioned(table, portion):
    rows = [Row(line, list(values)) for line, values in enumerate(table, 2)]
    schema = inferred(rows, ("a", "b"), portion)
    assert schema == inferred(rows, ("a", "b"))
    findings = Findings()
    assert CsvCheck(schema, ("a", "b"), findings).take(rows) is not None


def test_json_has_the_type_of_the_first_value():
    assert of_json({"a": None, "b": "x", "c": [1], "d": True}, {"a": 1, "b": 2, "c": {}}) == {
        "a": ("integer", True),
        "b": ("string", False),
        "c": ("json", False),
        "d": ("boolean", True),
    }


def test_whole_numbers_widen_to_numbers():
    assert of_json({"a": 1, "b": 0.5}, {"a": 2.5, "b": 1}) == {
        "a": ("number", False),
        "b": ("number", False),
    }


def test_a_name_that_comes_later_is_nullable():
    rows = [Row(1, {"a": 1}), Row(2, {"a": 1, "b": 2})]
    expected = Schema((Column("a", "integer"), Column("b", "integer", nullable=True)))
    assert inferred(rows, portion=1) == inferred(rows) == expected


def test_only_nulls_are_nullable_text():
    assert of_json({"a": None}) == {"a": ("string", True)}


json_values = st.fixed_dictionaries(
    {}, optional={"a": st.integers(-9, 9), "b": st.floats(0, 1) | st.integers(0, 9), "c": st.none()}
)


@given(st.lists(json_values, min_size=1, max_size=6), st.integers(1, 6))
def test_json_keeps_the_inferred_schema_however_portioned(values, portion):
    rows = [Row(line, value) for line, value in enumerate(values, 1)]
    schema = inferred(rows, portion=portion)
    assert schema == inferred(rows)
    findings = Findings()
    JsonCheck(schema, findings).take(rows)
    assert findings.total == 0


def test_rows_with_a_finding_are_passed_over():
    assert inferred([Row(2, None), Row(3, ["1"])], ("a",)) == Schema((Column("a", "integer"),))
    assert inferred([Row(1, None), Row(2, {"a": 1})]) == Schema((Column("a", "integer"),))


def test_names_of_all_rows_together_are_bounded():
    inference = Inference()
    inference.take([Row(1, {f"a{place}": 1 for place in range(2000)})])
    assert inference.finding is None
    inference.take([Row(2, {"b": 1, "c": 1})])
    assert inference.finding.where == "line 2"
    assert len(inference.schema().columns) == 2000
