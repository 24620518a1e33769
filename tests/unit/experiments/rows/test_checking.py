"""Every row is checked; what breaks the schema is told in the order of the file."""

from __future__ import annotations

import pytest

from llm_research_lab.experiments.rows import KEPT, CsvCheck, Findings, JsonCheck, Row
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.vocabulary import Finding

SCHEMA = Schema(
    (
        Column("name", "string"),
        Column("note", "string", nullable=True),
        Column("age", "integer"),
        Column("size", "number", nullable=True),
        Column("ok", "boolean", nullable=True),
    )
)
BROKEN = Finding("line 9", "json", "expected JSON, got none", "mend it")


def check_csv(*rows, schema=SCHEMA, names=None):
    findings = Findings()
    check = CsvCheck(schema, names or schema.names, findings)
    made = check.take([Row(line, list(cells)) for line, cells in enumerate(rows, 2)])
    return made, findings


def check_json(schema, *rows):
    findings = Findings()
    made = JsonCheck(schema, findings).take([Row(line, row) for line, row in enumerate(rows, 1)])
    return made, findings


def test_cells_come_out_typed_in_the_schemas_order():
    names = ("ok", "age", "name", "size", "note")
    made, findings = check_csv(("true", "5", "", "1.5", ""), ("", "6", "x", "", "y"), names=names)
    assert findings.total == 0
    assert [list(column) for column in made] == [
        ["", "x"],
        [None, "y"],
        [5, 6],
        [1.5, None],
        [True, None],
    ]


def test_what_breaks_the_schema_is_told_line_by_line():
    made, findings = check_csv(("a", "", "x", "y", ""), ("b", "", "", "1", "no"))
    assert made is None
    assert [one.where for one in findings.first] == [
        "line 2, column age (3)",
        "line 2, column size (4)",
        "line 3, column age (3)",
        "line 3, column ok (5)",
    ]
    assert findings.first[0].message == "expected an integer of 64 bits, as 42, got 'x'"
    assert findings.first[2].message == "expected an integer of 64 bits, as 42, got an empty cell"
    assert "nullable" in findings.first[2].fix


def test_findings_are_counted_all_and_kept_twenty():
    made, findings = check_csv(*[("a", "", "x", "", "")] * 50)
    assert made is None
    assert (len(findings.first), findings.total) == (KEPT, 50)


def test_after_a_finding_nothing_comes_out_any_more():
    findings = Findings()
    check = CsvCheck(SCHEMA, SCHEMA.names, findings)
    assert check.take([Row(2, None, BROKEN)]) is None
    assert check.take([Row(3, ["a", "", "1", "", ""])]) is None
    assert findings.first == [BROKEN]


def test_a_header_is_compared_with_the_schema():
    made, findings = check_csv(("a",) * 5, names=("name", "note", "Age", "size", "zzz"))
    assert made is None
    assert [(one.where, one.law, one.fix) for one in findings.first] == [
        ("line 1, column Age (3)", "extra-label", "did you mean age?"),
        ("line 1, column zzz (5)", "extra-label", "remove it, or add it to the schema"),
        ("line 1", "missing-label", "add the column"),
        ("line 1", "missing-label", "add the column"),
    ]


def test_json_is_no_type_of_a_cell():
    _, findings = check_csv(schema=Schema((Column("a", "json"),)))
    assert [one.where for one in findings.first] == ["line 1, column a (1)"]


def test_values_come_out_in_the_schemas_order_and_null_where_left_out():
    made, findings = check_json(
        SCHEMA, {"ok": True, "age": 5, "name": ""}, {"name": "x", "age": 6, "size": 1}
    )
    assert findings.total == 0
    assert [list(column) for column in made] == [
        ["", "x"],
        [None, None],
        [5, 6],
        [None, 1],
        [True, None],
    ]


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        ("string", 5, "expected text, got an integer 5"),
        ("string", True, "expected text, got a boolean true"),
        ("integer", True, "expected an integer, got a boolean true"),
        ("integer", 1.5, "expected an integer, got a number 1.5"),
        ("integer", "x", "expected an integer, got text 'x'"),
        ("integer", 2**63, "expected an integer of 64 bits, got a larger one"),
        ("number", 2**63, "expected an integer of 64 bits, got a larger one"),
        ("number", "1", "expected a number, got text '1'"),
        ("boolean", 1, "expected true or false, got an integer 1"),
        ("json", "x", "expected an array or object, got text 'x'"),
        ("string", [], "expected text, got an array"),
        ("string", {}, "expected text, got an object"),
        ("string", None, "expected text, got null"),
    ],
)
def test_a_value_of_another_type_is_found(type_, value, message):
    good = {"string": "a", "integer": 1, "number": 1.5, "boolean": True, "json": {}}[type_]
    made, findings = check_json(
        Schema((Column("a", type_),)), {"a": good}, {"a": value}, {"a": good}
    )
    assert made is None
    assert [(one.where, one.message) for one in findings.first] == [
        ("line 2, column a (1)", message)
    ]


def test_an_absent_value_is_found():
    _, findings = check_json(
        Schema((Column("a", "integer"), Column("b", "json", nullable=True))), {}
    )
    assert [one.message for one in findings.first] == ["expected an integer, got nothing"]
    _, findings = check_json(Schema((Column("a", "json", nullable=True),)), {}, {"a": 1})
    assert [one.where for one in findings.first] == ["line 2, column a (1)"]


def test_a_name_that_is_not_the_schemas_is_found_with_the_nearest():
    made, findings = check_json(Schema((Column("name", "string"),)), {"nmae": "x", "name": "y"})
    assert made is None
    assert findings.first[0].where == "line 1, column nmae (1)"
    assert findings.first[0].fix == "did you mean name?"


def test_no_nearest_name_is_sought_for_what_nobody_reads():
    findings = Findings(total=KEPT)
    JsonCheck(Schema((Column("name", "string"),)), findings).take([Row(1, {"nmae": 1, "name": ""})])
    assert findings.total == KEPT + 1


def test_findings_of_reading_and_of_types_stand_in_the_order_of_lines():
    findings = Findings()
    check = JsonCheck(Schema((Column("a", "integer"),)), findings)
    check.take([Row(1, {"a": "x"}), Row(9, None, BROKEN), Row(10, {"a": "y"})])
    assert [one.where for one in findings.first] == [
        "line 1, column a (1)",
        "line 9",
        "line 10, column a (1)",
    ]


def test_no_rows_make_no_columns():
    assert check_json(SCHEMA)[0] is None
    assert check_csv()[0] is None
