"""What is read at a scrape is checked like what is counted; one broken reader costs its own."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from llm_research_lab import __version__
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.instruments import Instruments
from llm_research_lab.telemetry.process import Pauses, ProcessReader, read_interpreter
from llm_research_lab.vocabulary import UnavailableError


def scraped(*readers, strict=True):
    registry = CollectorRegistry()
    made = Instruments.of(declaration(), "api", registry, strict=strict)
    made.read_at_scrape(*readers)
    return registry.get_sample_value, registry


def test_a_reading_is_shown_as_it_is_now():
    level = [3.0]
    value, _ = scraped(lambda: [("db_writes_waiting", (), level[0])])
    assert value("db_writes_waiting") == 3
    level[0] = 0
    assert value("db_writes_waiting") == 0


def test_a_counter_that_is_read_has_its_ending_once():
    value, _ = scraped(lambda: [("log_lines_dropped_total", (), 7)])
    assert value("log_lines_dropped_total") == 7


def test_the_newest_hundred_versions_are_named_and_one_stands_for_the_rest():
    sizes = [("dataset_size_bytes", (f"d{n}", "v1"), n) for n in range(130)]
    value, registry = scraped(lambda: sizes)
    families = [one for one in registry.collect() if one.name == "dataset_size_bytes"]
    assert len(families[0].samples) == 101
    assert value("dataset_size_bytes", {"dataset_name": "d99", "dataset_version": "v1"}) == 99


def test_a_reader_that_breaks_costs_its_own_readings_and_is_counted():
    def locked():
        yield "db_size_bytes", (), 3
        raise UnavailableError("database", "the lock", "locked", "wait")

    value, _ = scraped(locked, lambda: [("db_writes_waiting", (), 1)])
    assert value("db_writes_waiting") == 1
    labels = {"error_type": "unavailable", "component": "api", "severity": "error"}
    assert value("error_total", labels) >= 1
    assert value("db_size_bytes") is None


@pytest.mark.parametrize(
    "reading",
    [("api_request_total", ("GET", "/", "200"), 1), ("memory_usage_bytes", ("runner",), 1)],
)
def test_a_reading_that_is_not_declared_is_refused(reading):
    value, registry = scraped(lambda: [reading], strict=False)
    list(registry.collect())
    assert value("telemetry_refused_total", {"signal": "metric"}) >= 1
    with pytest.raises(ValueError, match=reading[0]):
        list(scraped(lambda: [reading])[1].collect())


def test_the_process_tells_of_itself():
    value, _ = scraped(ProcessReader("api").read, read_interpreter)
    assert value("lab_build_info", {"version": __version__}) == 1
    assert value("process_resident_memory_bytes") == value(
        "memory_usage_bytes", {"component": "api"}
    )
    assert 1e6 < value("process_resident_memory_bytes") < value("process_virtual_memory_bytes")
    assert value("process_cpu_seconds_total") > 0
    assert value("process_threads") >= 1
    assert 3 <= value("process_open_fds") <= value("process_max_fds")
    assert value("process_start_time_seconds") > 1.6e9
    before = value("python_gc_collections_total", {"generation": "2"})
    gc.collect()
    assert value("python_gc_collections_total", {"generation": "2"}) == before + 1


def test_a_process_without_a_bound_on_files_has_none(tmp_path):
    own = tmp_path / "self"
    (own / "fd").mkdir(parents=True)
    (own / "limits").write_text("Max open files            unlimited            unlimited\n")
    (own / "stat").write_text("1 (a) b) " + " ".join(str(n) for n in range(50)))
    (tmp_path / "stat").write_text("cpu 1\nbtime 1000\n")
    found = {name: value for name, _, value in ProcessReader("api", Path(tmp_path)).read()}
    assert found["process_max_fds"] == float("inf")
    assert found["process_threads"] == 17


def test_the_collectors_pauses_add_up_while_they_are_watched():
    pauses = Pauses()
    pauses.watch()
    gc.collect()
    pauses.close()
    after = list(pauses.seconds)
    gc.collect()
    assert after[2] > 0
    assert pauses.seconds == after
    assert [values for _, values, _ in pauses.read()] == [("0",), ("1",), ("2",)]
