"""Three texts become a declaration, or findings that name file, line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.signals.declared import EVENTS, METRICS, SPANS, small

from llm_research_lab.signals import read_declaration


def test_a_declaration_is_read_whole():
    found, findings = small()
    assert findings == ()
    assert list(found.metrics["things_total"].labels) == ["word", "self"]
    assert found.events["thing.done"].needs == ("request_id",)
    assert found.spans["chat"].called == "chat {model}"
    assert found.spans["request"].called == "request"


def test_more_buckets_are_put_among_the_specs():
    more = METRICS + (
        "  - name: wait_seconds\n    kind: histogram\n    unit: seconds\n    help: Waits.\n"
        "    buckets: [0.1, 1]\n    more_buckets: {values: [0.5], reason: An alert asks.}\n"
        "    emitters: [api]\n    section: own\n    reason: Ours.\n    keeps: {unit: no}\n"
        "    at_scrape: true\n"
    )
    found, findings = small(metrics=more)
    assert findings == ()
    assert found.metrics["wait_seconds"].buckets == (0.1, 0.5, 1.0)
    assert found.metrics["wait_seconds"].more_buckets == (0.5,)


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "law"),
    [
        ("metrics", "{word: word,", "{word: wrod,", "metrics.yaml:11:20", "unknown-set"),
        ("metrics", "kind: counter", "kind: count", "metrics.yaml:9:11", "unknown-kind"),
        ("metrics", "help: Things.", "hlep: Things.", "metrics.yaml:10:5", "unknown-key"),
        ("metrics", "own: {api: api,", "own: {", "metrics.yaml:6:35", "missing-key"),
        ("metrics", "labels: {word: word, self: self}", "labels: 3", "metrics.yaml:11:13", "type"),
        ("metrics", "emitters: [api]", "emitters: [web]", "metrics.yaml:12:16", "unknown-emitters"),
        ("events", "level: info", "level: loud", "events.yaml:8:12", "unknown-level"),
        ("events", "type: integer", "type: number!", "events.yaml:13:21", "unknown-type"),
        (
            "events",
            "line:\n  event: {type: text, help: Its name.}",
            "line: []",
            "events.yaml:2:7",
            "type",
        ),
        ("spans", "kind: client", "kind: clinet", "spans.yaml:5:11", "unknown-kind"),
        ("spans", "- name: request", "- name: chat", "spans.yaml:3:3", "once"),
        ("spans", "spans:", "spans: [", "spans.yaml:3:5", "yaml"),
    ],
)
def test_a_mistake_is_found_at_its_place(file, old, new, place, law):
    texts = {"metrics": METRICS, "events": EVENTS, "spans": SPANS}
    assert old in texts[file]
    found, findings = small(**{file: texts[file].replace(old, new, 1)})
    assert found is None
    assert law in {one.law for one in findings}
    assert all(one.where.startswith(f"{file}.yaml:") for one in findings)
    if law not in {"once", "yaml", "missing-key"}:
        assert place in {one.where for one in findings}


@given(st.text(max_size=40), st.sampled_from([0, 1, 2]))
def test_reading_never_raises_whatever_the_text(text, which):
    texts = [METRICS, EVENTS, SPANS]
    texts[which] = text
    found, findings = read_declaration(*texts)
    assert found is None
    assert findings
