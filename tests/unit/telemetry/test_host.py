"""The host's readings are declared, once a series, and true of this machine."""

from __future__ import annotations

import os

from llm_research_lab.signals.admitting import Refused, admit
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.host import read_host


def test_every_reading_is_declared_for_the_ops_process():
    metrics = declaration().metrics
    for name, values, _ in read_host():
        assert not isinstance(admit(metrics[name], "ops", values, set()), Refused), name


def test_no_series_is_read_twice():
    series = [(name, values) for name, values, _ in read_host()]
    assert len(series) == len(set(series))


def test_processors_memory_and_the_root_are_there():
    read = {(name, values): value for name, values, value in read_host()}
    idle = [
        v
        for (n, labels), v in read.items()
        if n == "node_cpu_seconds_total" and labels[1] == "idle"
    ]
    assert len(idle) == os.cpu_count()
    total = read["node_memory_MemTotal_bytes", ()]
    assert 0 < read["node_memory_MemAvailable_bytes", ()] < total
    roots = [
        labels
        for name, labels in read
        if name == "node_filesystem_avail_bytes" and labels[2] == "/"
    ]
    assert len(roots) == 1
    assert (
        read["node_filesystem_avail_bytes", roots[0]] < read["node_filesystem_size_bytes", roots[0]]
    )


def test_counters_only_grow():
    before = {(n, v): x for n, v, x in read_host() if n.endswith("_total")}
    for name, values, value in read_host():
        if name.endswith("_total"):
            assert value >= before.get((name, values), 0.0)
