"""A field is declared once; every finding has a place."""

from __future__ import annotations

from llm_research_lab.documents.fields import (
    SHOWN,
    Field,
    Place,
    Source,
    read_fields,
    shown,
    unknown,
)
from llm_research_lab.documents.readers import text, whole
from llm_research_lab.documents.yaml import read_yaml

FIELDS = (Field("name", text(), required=True), Field("rows", whole(0, 9), nullable=True))


def read(value, **marks):
    place = Place(Source(value, **marks), [])
    return read_fields(value, place, FIELDS), place.findings


def test_fields_that_stand_there_are_read_and_others_are_left_out():
    assert read({"name": "x"}) == ({"name": "x"}, [])


def test_null_is_kept_only_where_it_may_stand():
    assert read({"name": "x", "rows": None}) == ({"name": "x", "rows": None}, [])
    found, findings = read({"name": None})
    assert found == {"name": None}
    assert [(f.law, f.message) for f in findings] == [("type", "name: expected text, got null")]


def test_a_missing_field_is_found_at_its_mapping():
    (finding,) = read({}, root="/body")[1]
    assert (finding.where, finding.law, finding.fix) == ("/body", "missing-key", "add name")


def test_an_unknown_key_is_found_with_the_nearest_known():
    (finding,) = read({"name": "x", "row": 1})[1]
    assert (finding.where, finding.law, finding.fix) == (
        "/row",
        "unknown-key",
        "did you mean rows?",
    )


def test_what_is_near_to_nothing_gets_the_whole_list():
    place = Place(Source({}), [])
    unknown(place, "kind", "zzz", ["exact", "f1"])
    assert place.findings[0].fix == "known are exact, f1"


def test_what_is_no_mapping_is_one_finding():
    found, findings = read([1])
    assert found == {}
    assert findings[0].message == "the file: expected a mapping, got a list"
    assert findings[0].where == "/"


def test_a_json_place_is_a_pointer_with_its_signs_escaped():
    source = Source({}, root="/evaluators")
    assert source.where((0, "a/b~c")) == "/evaluators/0/a~1b~0c"


def test_a_yaml_place_is_the_line_and_column_of_the_value_or_of_its_key():
    source, _ = read_yaml("name: x\nrows:\n  - 1\n")
    assert source.where(("rows",), key=True) == "2:1"
    assert source.where(("rows", 0)) == "3:5"


def test_what_came_by_an_alias_has_the_aliass_place():
    source, _ = read_yaml("a: &x {deep: 1}\nb: *x\n")
    assert source.where(("b", "deep")) == "2:4"
    assert source.where(("b", "deep"), key=True) == "2:4"


def test_a_place_that_no_mark_knows_is_the_documents_start():
    assert Source({}, {}, {}).where(("a",)) == "1:1"


def test_a_message_names_the_nearest_key():
    place = Place(Source({}), []).at("evaluators").at(0)
    assert place.name == "evaluators"


def test_values_are_shown_short_and_in_jsons_words():
    assert [shown(v) for v in (None, True, False, {}, [], (), 1, "a")] == [
        "null",
        "true",
        "false",
        "a mapping",
        "a list",
        "a list",
        "1",
        "'a'",
    ]
    assert shown("x" * 1000) == "'" + "x" * (SHOWN - 1) + "…"
    assert "\n" not in shown("a\nb")
