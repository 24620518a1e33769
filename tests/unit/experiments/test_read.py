"""An experiment file and the API's body are one form, read once, with every mistake found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Source
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.experiments.evaluators import KINDS
from llm_research_lab.experiments.read import (
    read_specification,
    specification_from_json,
    specification_to_json,
)
from llm_research_lab.experiments.specification import EvaluatorSpec, Specification
from llm_research_lab.vocabulary import canonical

FILE = """\
name: capitals
dataset: capitals@v1
prompt: ann/ask
model: smollm2
evaluators:
  - kind: contains
    target: "{{ capital }}"
  - kind: choice
    metric: letter
    target: "{{ letter }}"
    choices: ["{{ a }}", "{{ b }}"]
parameters: {temperature: 0, stop: x}
cap_usd: 1.50
priority: 9
use_cache: false
limit: 10
type: benchmark
"""
LEAST = {
    "name": "n",
    "dataset": "d",
    "prompt": "p",
    "model": "m",
    "evaluators": [{"kind": "exact", "target": "{{ a }}"}],
}


def laws(value):
    specification, findings = read_specification(Source(value))
    assert (specification is None) == bool(findings)
    return [(finding.where, finding.law) for finding in findings]


def test_a_file_becomes_an_exact_specification():
    specification, findings = read_specification(read_yaml(FILE)[0])
    assert findings == ()
    assert specification == Specification(
        "capitals",
        "capitals@v1",
        "ann/ask",
        "smollm2",
        (
            EvaluatorSpec(
                "contains", "contains", "{{ capital }}", {"case_sensitive": False, "strip": True}
            ),
            EvaluatorSpec("choice", "letter", "{{ letter }}", {"choices": ["{{ a }}", "{{ b }}"]}),
        ),
        {"temperature": 0.0, "stop": ["x"]},
        "benchmark",
        Decimal("1.5"),
        use_cache=False,
        priority=9,
        limit=10,
    )


def test_what_is_left_out_or_null_has_its_default():
    nulls = dict.fromkeys(("cap_usd", "use_cache", "limit"))
    assert read_specification(Source(LEAST))[0] == read_specification(Source(LEAST | nulls))[0]
    assert read_specification(Source(LEAST))[0].priority == 5


@given(
    st.none() | st.decimals(0, 999_999, places=6),
    st.integers(0, 9),
    st.none() | st.booleans(),
    st.none() | st.integers(1, 2**63 - 1),
    st.lists(st.sampled_from(sorted(KINDS)), unique=True, min_size=1),
)
def test_a_specification_comes_back_from_its_json(cap, priority, use_cache, limit, kinds):
    body = {
        **LEAST,
        "evaluators": [{"kind": kind, "target": "{{ a }}"} for kind in kinds],
        "cap_usd": cap,
        "priority": priority,
        "use_cache": use_cache,
        "limit": limit,
        "parameters": {"stop": "x"},
    }
    specification, findings = read_specification(Source(body))
    assert findings == ()
    written = specification_to_json(specification)
    assert canonical(written)
    assert specification_from_json(written) == specification


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"name": "N"}, ("/name", "form")),
        ({"dataset": "a/b/c"}, ("/dataset", "form")),
        ({"dataset": {"rows": []}}, ("/dataset", "type")),
        ({"prompt": "p@1"}, ("/prompt", "form")),
        ({"model": None}, ("/model", "type")),
        ({"evaluators": []}, ("/evaluators", "length")),
        ({"parameters": {"temp": 1}}, ("/parameters/temp", "unknown-key")),
        ({"cap_usd": -1}, ("/cap_usd", "range")),
        ({"cap_usd": "0.0000001"}, ("/cap_usd", "range")),
        ({"priority": 10}, ("/priority", "range")),
        ({"priority": None}, ("/priority", "type")),
        ({"limit": 0}, ("/limit", "range")),
        ({"use_cache": 1}, ("/use_cache", "type")),
        ({"type": "bench"}, ("/type", "unknown-type")),
        ({"evaluator": []}, ("/evaluator", "unknown-key")),
    ],
)
def test_a_mistake_is_found_at_its_place(fields, found):
    assert laws(LEAST | fields) == [found]


def test_all_mistakes_are_found_at_once_with_line_and_column():
    text = FILE.replace("contains", "contians").replace("name:", "nam:").replace("9", "11")
    _, findings = read_specification(read_yaml(text)[0])
    assert [(f.where, f.law, f.fix) for f in findings] == [
        ("1:1", "unknown-key", "did you mean name?"),
        ("1:1", "missing-key", "add name"),
        ("6:11", "unknown-kind", "did you mean contains?"),
        ("14:11", "range", "write a whole number from 0 to 9"),
    ]


def test_what_is_no_mapping_is_one_finding():
    assert laws([]) == [("/", "type")]
    assert laws(None) == [("/", "type")]


def test_two_scores_never_share_a_name():
    twice = [{"kind": "f1", "target": "{{ a }}"}] * 3
    assert laws({**LEAST, "evaluators": twice}) == [
        ("/evaluators/1/metric", "duplicate-metric"),
        ("/evaluators/2/metric", "duplicate-metric"),
    ]
    named = [twice[0], {**twice[1], "metric": "other"}]
    assert laws({**LEAST, "evaluators": named}) == []


@pytest.mark.parametrize("word", ["sample", "latency"])
def test_a_metric_is_no_word_that_results_are_sorted_by(word):
    spec = {"kind": "f1", "target": "{{ a }}", "metric": word}
    assert laws({**LEAST, "evaluators": [spec]}) == [("/evaluators/0/metric", "reserved-metric")]


def test_a_broken_evaluator_does_not_hide_the_others():
    specs = [5, {"kind": "f1", "target": "{{"}, {"kind": "f1", "target": "x"}]
    assert laws({**LEAST, "evaluators": specs}) == [
        ("/evaluators/0", "type"),
        ("/evaluators/1/target", "template"),
    ]
