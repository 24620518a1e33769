"""A signal keeps its laws, or the law that it breaks is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.signals.declared import SETS, metric, small

from llm_research_lab.signals import Attribute, ValueSet, check_laws

HISTOGRAM = {"kind": "histogram", "buckets": (0.1, 1.0)}


def broken(*, metrics=(), sets=(), events=None, spans=None):
    declared, _ = small()
    declared = replace(
        declared,
        sets={one.name: one for one in sets},
        metrics={one.name: one for one in metrics},
        events=declared.events if events is None else events,
        spans=declared.spans if spans is None else spans,
    )
    return [one.law for one in check_laws(declared)]


@pytest.mark.parametrize(
    ("name", "fields", "law"),
    [
        ("things_total", {"help": " "}, "help"),
        ("things:all_total", {}, "form"),
        ("thingsDone_total", {}, "snake_case"),
        ("things", {}, "suffix"),
        ("things_total", {"kind": "gauge"}, "suffix"),
        ("things_total", HISTOGRAM, "suffix"),
        ("things_count", {"kind": "gauge"}, "suffix"),
        ("things_gauge", {"kind": "gauge"}, "type_in_name"),
        ("wait_total", {"unit": "seconds"}, "unit"),
        ("wait_seconds_total", {}, "unit"),
        ("wait_minutes_total", {"unit": "minutes"}, "base_unit"),
        ("wait_milliseconds_total", {}, "base_unit"),
        ("wait_ms_total", {}, "unit_in_full"),
        ("things", HISTOGRAM | {"buckets": ()}, "buckets"),
        ("things", HISTOGRAM | {"buckets": (1.0, 0.5)}, "buckets"),
        ("things", HISTOGRAM | {"buckets": (1.0, 1.0)}, "buckets"),
        ("things_total", {"buckets": (1.0,)}, "buckets"),
        ("things", HISTOGRAM | {"at_scrape": True}, "at_scrape"),
        ("things_total", {"section": "own"}, "reason"),
        ("things_total", {"keeps": {"suffix": "no reason"}}, "keeps"),
        ("things_total", {"keeps": {"beauty": "no law"}}, "keeps"),
    ],
)
def test_a_broken_law_of_a_metric_is_named(name, fields, law):
    assert broken(metrics=[metric(name, **fields)]) == [law]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("things_total", {}),
        ("wait_seconds", HISTOGRAM | {"unit": "seconds"}),
        ("wait_seconds_total", {"unit": "seconds"}),
        ("things", {"kind": "gauge", "keeps": None}),
        ("things_count", {"kind": "gauge", "keeps": {"suffix": "the spec's name"}}),
        ("things_total", {"section": "own", "reason": "because"}),
    ],
)
def test_what_keeps_the_laws_or_says_why_not_is_let_be(name, fields):
    assert broken(metrics=[metric(name, **fields)]) == []


@pytest.mark.parametrize("label", ["le", "job", "__name"])
def test_prometheuss_own_labels_are_not_ours(label):
    one = replace(metric(), labels={label: SETS["word"]})
    assert broken(metrics=[one]) == ["reserved_labels"]


def test_a_metric_cannot_have_any_number_of_series():
    wide = ValueSet("wide", "Wide.", values=tuple(str(n) for n in range(500)))
    assert broken(metrics=[replace(metric(), labels={"a": wide, "b": wide})]) == ["bounded"]
    named = ValueSet("named", "Named.", bound=5_000, otherwise="other")
    assert broken(metrics=[replace(metric(), labels={"a": named, "b": named})]) == []


@pytest.mark.parametrize(
    ("values", "law"),
    [
        (ValueSet("s", "Two ways.", values=("a",), bound=1, otherwise="a"), "one_way"),
        (ValueSet("s", "No way."), "one_way"),
        (ValueSet("s", "Twice.", values=("a", "a")), "once"),
        (ValueSet("s", "No rest.", bound=3), "otherwise"),
        (ValueSet("s", "A rest outside.", values=("a",), otherwise="b"), "otherwise"),
        (ValueSet("s", "Initial.", values=("a",), initial=("a",)), "initial"),
    ],
)
def test_a_broken_law_of_a_set_is_named(values, law):
    assert law in broken(sets=[values])


@pytest.mark.parametrize("values", SETS.values(), ids=list(SETS))
def test_each_way_to_say_a_set_is_lawful(values):
    assert broken(sets=[values]) == []


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"name": "thing"}, "form"),
        ({"needs": ("nothing_of_the_kind",)}, "needs"),
        ({"fields": {"event": Attribute("event", "text", "Twice.")}}, "once"),
        ({"section": "own"}, "reason"),
    ],
)
def test_a_broken_law_of_an_event_is_named(fields, law):
    event = replace(small()[0].events["thing.done"], **fields)
    assert broken(events={event.name: event}) == [law]


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"parents": ("nobody",)}, "parents"),
        ({"called": "chat {colour}"}, "called"),
        ({"section": "own"}, "reason"),
    ],
)
def test_a_broken_law_of_a_span_is_named(fields, law):
    span = replace(small()[0].spans["chat"], **fields)
    assert broken(spans={span.name: span}) == [law]
