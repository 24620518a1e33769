"""An evaluator is compiled once for a dataset, read by its kind, and then is a pure function."""

from __future__ import annotations

import inspect

import pytest

from llm_research_lab.documents.fields import Place, Source
from llm_research_lab.experiments.evaluators import (
    KINDS,
    compile_evaluator,
    evaluator,
    evaluator_findings,
)
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.experiments.specification import EvaluatorSpec
from llm_research_lab.vocabulary import InvalidError

SCHEMA = Schema((Column("capital", "string"), Column("country", "string")))
TARGETS = {"numeric": "3", "choice": "A"}


def read(value):
    place = Place(Source(value), []).at("evaluators").at(0)
    return evaluator(value, place), [(f.where, f.law) for f in place.findings]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_does_where_it_comes_from_and_what_each_option_means(kind):
    doc = inspect.cleandoc(KINDS[kind].doc)
    assert doc.split(" ")[0] in {"1", "From"}
    assert "Source: " in doc
    assert all(option.doc.endswith(".") for option in KINDS[kind].options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_defaults_are_read_as_they_are(kind):
    defaults = {option.name: option.default for option in KINDS[kind].options}
    spec, findings = read({"kind": kind, "target": "{{ capital }}", **defaults})
    assert findings == []
    assert spec == EvaluatorSpec(kind, kind, "{{ capital }}", defaults)
    assert spec == read({"kind": kind, "target": "{{ capital }}"})[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_a_float_and_the_same_each_time(kind):
    target = TARGETS.get(kind, "x")
    score = compile_evaluator(EvaluatorSpec(kind, "m", target), SCHEMA).score
    for answer in (target, "", "other"):
        assert type(score(answer, {})) is float
        assert score(answer, {}) == score(answer, {})
    assert score(target, {}) == 1


def test_an_evaluator_is_named_by_its_metric():
    assert compile_evaluator(EvaluatorSpec("exact", "hit", "x"), SCHEMA).metric == "hit"
    assert read({"kind": "f1", "target": "x", "metric": "words"})[0].metric == "words"
    assert read({"kind": "f1", "target": "x", "metric": None})[0].metric == "f1"


def test_a_column_that_the_dataset_has_not_is_refused_with_the_nearest():
    with pytest.raises(InvalidError) as caught:
        compile_evaluator(EvaluatorSpec("exact", "m", "{{ capitol }} {{ x }}"), SCHEMA)
    assert caught.value.where == "evaluator m"
    assert caught.value.fix == "did you mean capital?"
    assert caught.value.total == 2


def test_every_evaluators_missing_columns_are_found_also_those_of_options():
    choices = {"choices": ["{{ a }}", "{{ country }}"]}
    specs = (
        EvaluatorSpec("exact", "one", "{{ capital }}"),
        EvaluatorSpec("choice", "two", "{{ capital }}", choices),
        EvaluatorSpec("f1", "three", "{{ capitol }}"),
    )
    found = [(f.where, f.message) for f in evaluator_findings(specs, SCHEMA)]
    assert found == [
        ("/evaluators/1", "the dataset has no column 'a'"),
        ("/evaluators/2", "the dataset has no column 'capitol'"),
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (5, [("", "type")]),
        ({}, [("", "missing-key"), ("", "missing-key")]),
        ({"target": "x", "kidn": "exact"}, [("/kidn", "unknown-key"), ("", "missing-key")]),
        ({"target": "x", "kind": "exakt", "strip": 5}, [("/kind", "unknown-kind")]),
        ({"target": "x", "kind": ["exact"]}, [("/kind", "type")]),
        ({"target": "x", "kind": "f1", "strip": True}, [("/strip", "unknown-key")]),
        ({"target": "{{ x", "kind": "f1"}, [("/target", "template")]),
        ({"target": "", "kind": "f1"}, [("/target", "length")]),
        ({"target": "x", "kind": "f1", "metric": "A B"}, [("/metric", "form")]),
        ({"target": "x", "kind": "exact", "strip": 1}, [("/strip", "type")]),
        ({"target": "{{ x }}", "kind": "numeric", "absolute": -1}, [("/absolute", "range")]),
        ({"target": "{{ x }}", "kind": "numeric", "relative": 2}, [("/relative", "range")]),
        ({"target": "{{ x }}", "kind": "numeric", "take": "all"}, [("/take", "unknown-take")]),
        ({"target": "{{ x }}", "kind": "choice", "choices": 1}, [("/choices", "range")]),
        ({"target": "{{ x }}", "kind": "choice", "choices": ["a"]}, [("/choices", "length")]),
        (
            {"target": "{{ x }}", "kind": "choice", "choices": ["a", "{{"]},
            [("/choices/1", "template")],
        ),
        ({"target": "{{ x }}", "kind": "regex", "pattern": "("}, [("/pattern", "regex")]),
        ({"target": "{{ x }}", "kind": "regex", "pattern": "a"}, [("/pattern", "regex")]),
        ({"target": "{{ x }}", "kind": "regex", "pattern": 5}, [("/pattern", "type")]),
    ],
)
def test_a_mistake_is_found_at_its_place(value, found):
    spec, findings = read(value)
    assert spec is None
    assert findings == [(f"/evaluators/0{place}", law) for place, law in found]


@pytest.mark.parametrize(
    ("kind", "target"), [("numeric", "x"), ("choice", "E"), ("regex", "("), ("contains", " ")]
)
def test_a_target_that_is_the_same_for_every_row_is_tried_when_it_is_read(kind, target):
    assert read({"kind": kind, "target": target})[1] == [("/evaluators/0/target", "target")]
    assert read({"kind": kind, "target": "{{ x }}" + target})[1] == []
