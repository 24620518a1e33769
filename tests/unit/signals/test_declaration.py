"""The packaged declaration holds what the spec asks for, with the spec's names and buckets."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest
from tests.unit.signals.declared import SETS, metric, packaged

from llm_research_lab.signals import check_laws, read_declaration

FOLDER = files("llm_research_lab") / "catalog" / "signals"
NAMES = ("metrics", "events", "spans")
SPEC = Path(__file__).parents[3] / "docs/spec/operations-and-monitoring.md"
_DECLARED = re.compile(
    r"(Histogram|Counter|Gauge)(?:Vec)? = \w+::new\(\s*(?:\w+::new\(\s*)?\"(\w+)\",\s*\"[^\"]*\"\s*\)?"
    r"(?:\s*\.buckets\(vec!\[([^\]]*)\]\))?(?:,\s*&\[([^\]]*)\])?",
)


def of_the_spec():
    """Name, kind, labels and buckets of each metric that 5.1.1 declares in Rust."""
    text = SPEC.read_text()
    text = text[text.index("lazy_static! {") : text.index("// Metrics registration")]
    for kind, name, buckets, labels in _DECLARED.findall(text):
        bounds = tuple(float(one) for one in buckets.split(",")) if buckets else ()
        yield name, kind.lower(), tuple(re.findall(r"\w+", labels)), bounds


def test_all_twenty_metrics_of_the_spec_are_declared_as_it_has_them():
    declared = packaged().metrics
    found = list(of_the_spec())
    assert len(found) == 20
    for name, kind, labels, buckets in found:
        ours = declared[name]
        assert ours.kind == kind, name
        assert tuple(ours.labels) == labels, name
        assert set(ours.buckets) - set(ours.more_buckets) == set(buckets), name


def test_every_metric_that_the_specs_expressions_use_is_declared():
    declared = packaged().metrics
    text = SPEC.read_text()
    used = set(re.findall(r"(?:rate|increase|irate)\((\w+)[{\[]", text))
    used |= set(re.findall(r"expr: (\w+_\w+) [<>]", text))
    kinds = re.compile(r"_(bucket|count|sum)$")
    assert len(used) > 15
    missing = {
        name for name in used if name not in declared and kinds.sub("", name) not in declared
    }
    assert missing == set()


def test_the_packaged_declaration_keeps_its_laws():
    assert check_laws(packaged()) == ()


def test_every_set_is_used_and_says_what_it_holds():
    declared = packaged()
    used = {v.name for one in declared.metrics.values() for v in one.labels.values()}
    assert used == set(declared.sets)


def test_closed_sets_start_with_every_combination_and_bounded_ones_with_their_initial_values():
    assert metric(labels=("word", "self")).start("ops") == [("a", "ops"), ("b", "ops")]
    assert metric(labels=("name",)).start("api") == [("unknown",)]
    assert metric().start("api") == [()]
    rbac = packaged().metrics["rbac_authorization_failures_total"]
    assert rbac.start("api") == list(product(["unknown"], rbac.labels["resource"].values))


def test_a_metric_whose_bounded_set_begins_empty_has_no_series_at_the_start():
    assert packaged().metrics["api_request_total"].start("api") == []


@pytest.mark.parametrize(("name", "most"), [("word", 2), ("name", 4), ("self", 1)])
def test_a_set_says_how_many_values_a_label_may_have(name, most):
    assert SETS[name].most == most


def test_a_process_has_the_metrics_that_name_it():
    api = {one.name for one in packaged().metrics_of("api")}
    runner = {one.name for one in packaged().metrics_of("runner")}
    assert "api_request_total" in api - runner
    assert "runner_slots" in runner - api
    assert "node_load1" not in api | runner


def test_the_four_events_of_the_spec_have_its_fields():
    """As the spec's functions log them; context ids may stand on any line besides."""
    text = SPEC.read_text()
    text = text[text.index("pub fn log_experiment_start") : text.index("#### Vector Configuration")]
    declared = packaged()
    logged = re.findall(r"(?:info|error)!\((.*?)\);", text, re.DOTALL)
    assert len(logged) == 4
    for body in logged:
        name = re.search(r'event = "([\w.]+)"', body)[1]
        message = re.search(r'\n\s*"([^"]+)"\s*$', body)[1]
        fields = set(re.findall(r"(\w+) = ", body)) - {"event"}
        event = declared.events[name]
        assert event.message == message
        assert set(event.fields) == fields - set(declared.context), name
        assert set(event.needs) <= fields


def test_the_audit_events_are_those_of_the_trail():
    text = SPEC.read_text()
    spoken = set(re.findall(r'event = "(audit\.\w+)"', text))
    declared = {name for name in packaged().events if name.startswith("audit.")}
    assert spoken <= declared
    ours = Path(__file__).parents[3] / "src/llm_research_lab/audit/entries.py"
    kinds = set(re.findall(r'"event_type": "(\w+)"', ours.read_text()))
    assert declared == {f"audit.{kind}" for kind in kinds}


def test_the_spans_of_the_spec_are_declared():
    text = SPEC.read_text()
    text = text[text.index("### 5.1.3") : text.index("#### Jaeger Deployment")]
    names = set(re.findall(r'name = "(\w+)"', text))
    names |= set(re.findall(r'Level::INFO,\s*"(\w+)"', text))
    assert names == {
        "http_request",
        "execute_experiment",
        "load_dataset",
        "model_inference",
        "aggregate_results",
    }
    assert names <= set(packaged().spans)


def test_many_threads_read_at_once_and_each_reads_all():
    texts = [(FOLDER / f"{name}.yaml").read_text("utf-8") for name in NAMES]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: read_declaration(*texts), range(8)))
    finally:
        sys.setswitchinterval(before)
    assert {findings for _, findings in found} == {()}
