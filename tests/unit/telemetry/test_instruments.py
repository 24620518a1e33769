"""Nothing is emitted that is not declared; what is declared is there from the start."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from llm_research_lab.signals.declaration import PROCESSES
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import SILENT, Instruments

TOTAL = "api_request_total"
KEY = ("GET", "/v1/x", "200")


def made(process="api", strict=False):
    registry = CollectorRegistry()
    return Instruments.of(declaration(), process, registry, strict=strict), registry


def series(registry, name):
    return [
        sample.labels
        for family in registry.collect()
        for sample in family.samples
        if sample.name == name
    ]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_has_every_metric_that_names_it_and_no_other(process):
    _, registry = made(process, strict=True)
    kinds = {one.name: one.kind for one in declaration().metrics_of(process)}
    found = {
        f"{one.name}_total" if one.type == "counter" else one.name: one.type
        for one in registry.collect()
    }
    assert found == kinds


def test_closed_sets_begin_at_zero():
    _, registry = made()
    labels = {"action": "delete", "outcome": "failure"}
    assert registry.get_sample_value("audit_log_entries_total", labels) == 0
    assert registry.get_sample_value("authentication_failures_total", {"user": "unknown"}) == 0


def test_a_second_lookup_is_the_dictionarys_own():
    instruments, _ = made()
    family = instruments.counter(TOTAL)
    first = family[KEY]
    assert dict.__getitem__(family, KEY) is first


def test_a_refused_value_is_counted_and_leaves_nothing():
    instruments, registry = made("runner")
    instruments["experiment_total"]["strange", "evaluation"].inc()
    assert registry.get_sample_value("telemetry_refused_total", {"signal": "metric"}) == 1
    assert all(one["status"] != "strange" for one in series(registry, "experiment_total"))


def test_under_test_a_refused_value_is_an_error():
    instruments, _ = made("runner", strict=True)
    with pytest.raises(ValueError, match="experiment_status has no value 'strange'"):
        instruments["experiment_total"]["strange", "evaluation"]
    with pytest.raises(ValueError, match="got 1"):
        instruments["experiment_total"][("success",)]


def test_a_metric_of_another_process_is_no_metric():
    instruments, _ = made("runner")
    with pytest.raises(KeyError):
        instruments[TOTAL]


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=50))
def test_random_methods_and_statuses_add_no_series(pairs):
    instruments, registry = made(strict=True)
    total = instruments.counter(TOTAL)
    for method, status in pairs:
        total[method, "unmatched", status].inc()
    sets = declaration().metrics[TOTAL].labels
    for labels in series(registry, TOTAL):
        assert labels["method"] in sets["method"].values
        assert labels["status"] in sets["status"].values
    counted = sum(one.value for f in registry.collect() for one in f.samples if one.name == TOTAL)
    assert counted == len(pairs)


def test_a_strangers_values_leave_nothing_in_the_family():
    instruments, _ = made()
    clients = instruments.counter("api_client_requests_total")
    before = len(clients)
    for number in range(1000):
        clients[(f"agent {number}",)].inc()
    assert len(clients) == before


def test_a_bound_holds_when_threads_race_for_it():
    instruments, _ = made("runner")
    family = instruments.counter("model_inference_retries_total")
    ready = threading.Barrier(8)

    def fill(start):
        ready.wait()
        for number in range(start, start + 60):
            family[f"m{number}", "echo"].inc()

    threads = [threading.Thread(target=fill, args=(n * 60,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(family) == 101
    assert family["other", "echo"]._value.get() == 480 - 100


def test_buckets_are_the_declarations():
    instruments, registry = made("runner")
    instruments.histogram("model_inference_tokens_total")["m", "input"].observe(70)
    bounds = {
        float(one["le"]) for one in series(registry, "model_inference_tokens_total_bucket")
    } - {float("inf")}
    assert bounds == set(declaration().metrics["model_inference_tokens_total"].buckets)


def test_what_was_counted_elsewhere_is_added_and_never_raises():
    instruments, registry = made(strict=True)
    instruments.tally(
        [
            ("audit_log_entries_total", ("create", "success"), 2),
            ("audit_log_entries_total", ("created", "success"), 2),
            ("experiment_leases_total", ("taken",), 1),
        ]
    )
    labels = {"action": "create", "outcome": "success"}
    assert registry.get_sample_value("audit_log_entries_total", labels) == 2
    assert registry.get_sample_value("telemetry_refused_total", {"signal": "metric"}) == 2


def test_the_silent_twin_takes_everything():
    for name in (TOTAL, "anything"):
        child = SILENT[name][("a", "b")]
        child.inc()
        child.dec()
        child.set(3)
        child.observe(1, {"trace_id": "a"})
    SILENT.broken(ValueError())
    SILENT.tally([("anything", (), 1)])
    SILENT.read_at_scrape(lambda: ())
    assert len(SILENT[TOTAL]) <= 1
