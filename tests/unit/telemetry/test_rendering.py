"""Both formats are what their readers read, and hold the same numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text

from llm_research_lab.telemetry.rendering import number, openmetrics, text

VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)


@given(st.dictionaries(VALUES, st.floats(min_value=0), max_size=5), VALUES.filter(str.strip))
def test_what_is_written_is_read_again(values, doc):
    registry = CollectorRegistry()
    gauge = Gauge("level", doc, ["name"], registry=registry)
    for name, value in values.items():
        gauge.labels(name).set(value)
    for written, read in ((text, read_text), (openmetrics, read_open)):
        (family,) = read(written(registry).decode())
        assert {one.labels["name"]: one.value for one in family.samples} == pytest.approx(
            values, rel=0, abs=0, nan_ok=True
        )


def filled():
    registry = CollectorRegistry()
    Counter("things_total", "Things.", ["kind"], registry=registry).labels('a"\\\n').inc(3)
    waits = Histogram("wait_seconds", "Waits.", unit="seconds", buckets=[0.1, 1], registry=registry)
    waits.observe(0.05)
    waits.observe(7, {"trace_id": "f" * 32})
    return registry


def test_text_has_neither_exemplars_nor_creation_times():
    written = text(filled()).decode()
    assert "# TYPE things_total counter" in written
    assert 'things_total{kind="a\\"\\\\\\n"} 3\n' in written
    assert 'wait_seconds_bucket{le="+Inf"} 2\n' in written
    assert "_created" not in written
    assert "trace_id" not in written


def test_openmetrics_has_both_and_the_unit():
    written = openmetrics(filled()).decode()
    families = {one.name: one for one in read_open(written)}
    assert families["wait_seconds"].unit == "seconds"
    exemplars = [one.exemplar for one in families["wait_seconds"].samples if one.exemplar]
    assert exemplars[0].labels == {"trace_id": "f" * 32}
    assert exemplars[0].value == 7
    assert any(one.name == "things_created" for one in families["things"].samples)
    assert written.endswith("# EOF\n")


@given(st.floats() | st.integers(-(2**60), 2**60))
def test_a_number_is_read_back_as_it_was(value):
    back = float(number(value))
    assert back == float(value) or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize(
    ("value", "written"),
    [(3.0, "3"), (0.25, "0.25"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")],
)
def test_numbers_are_written_as_go_reads_them(value, written):
    assert number(value) == written
