"""Instruments and their exposition, beside prometheus_client's own, in the same run.

A hot path looks its instrument up by label values and counts; the goal is one and a half times what
prometheus_client's bound children take, which look nothing up. `labels()` is what they take when
they do. /metrics is rendered with 10,000 series, as Prometheus asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from bench.table import Row, verdict
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.exposition import baked
from llm_research_lab.telemetry.instruments import Instruments

TIMES = 100_000
ROUNDS = 7
SERIES = 10_000
KEY = ("GET", "/v1/experiments/{experiment_id}", "200")
LABELS = ("method", "path", "status")
FACTOR = 1.5
SCRAPE_MS = 100
ACCEPT = "application/openmetrics-text; version=1.0.0"


def measure() -> list[Row]:
    registry = CollectorRegistry()
    instruments = Instruments.of(declaration(), "api", registry, strict=True)
    return [*_counter(instruments), *_histogram(instruments), *_scrape()]


def _counter(instruments: Instruments) -> list[Row]:
    family = instruments.counter("api_request_total")
    theirs = Counter("theirs_total", "Theirs.", LABELS, registry=CollectorRegistry())
    bound = theirs.labels(*KEY)

    def ours():
        family[KEY].inc()

    def held():
        bound.inc()

    def found():
        theirs.labels(*KEY).inc()

    return _beside("Counter increment, label lookup included", ours, held, found)


def _histogram(instruments: Instruments) -> list[Row]:
    family = instruments.histogram("api_request_duration_seconds")
    buckets = declaration().metrics["api_request_duration_seconds"].buckets
    registry = CollectorRegistry()
    theirs = Histogram("theirs", "Theirs.", LABELS, buckets=buckets, registry=registry)
    bound = theirs.labels(*KEY)

    def ours():
        family[KEY].observe(0.004)

    def held():
        bound.observe(0.004)

    def found():
        theirs.labels(*KEY).observe(0.004)

    return _beside("Histogram observation, label lookup included", ours, held, found)


def _beside(what: str, *works: Callable[[], object]) -> list[Row]:
    """Measure all in turns, so that what disturbs one disturbs the others."""
    rounds = [[_microseconds(work) for work in works] for _ in range(ROUNDS)]
    ours, bound, labels = (median(one) for one in zip(*rounds, strict=True))
    factor = ours / bound
    return [
        Row(
            what,
            f"≤ {FACTOR:g} times a bound child",
            f"{ours:.2f} µs, {factor:.2f} times",
            verdict(factor <= FACTOR),
            f"bound child {bound:.2f} µs, with `labels()` {labels:.2f} µs",
        )
    ]


def _microseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - started) / TIMES * 1e6


def _scrape() -> list[Row]:
    """Histograms with labels, as most series are; a sixth of their observations have exemplars."""
    registry = CollectorRegistry()
    bounds = [0.001, 0.01, 0.1, 1, 10, 100]
    waits = Histogram("wait_seconds", "Waits.", LABELS, buckets=bounds, registry=registry)
    for number in range(SERIES // (len(bounds) + 3)):
        child = waits.labels("GET", f"/v1/things/{number}", "200")
        child.observe(0.05)
        child.observe(7, {"trace_id": f"{number:032x}"})
    plain = Counter("things_total", "Things.", ["name"], registry=registry)
    while (series := sum(len(one.samples) for one in registry.collect())) < SERIES:
        for number in range(series, SERIES, 2):
            plain.labels(str(number)).inc()
    rounds = [
        (
            _milliseconds(lambda: baked(registry, ACCEPT, "gzip")),
            _milliseconds(lambda: baked(registry, "", "")),
            _milliseconds(lambda: generate_latest(registry)),
        )
        for _ in range(ROUNDS)
    ]
    ours, text, theirs = (median(one) for one in zip(*rounds, strict=True))
    return [
        Row(
            f"/metrics with {SERIES:,} series (OpenMetrics, exemplars, gzip)",
            f"≤ {SCRAPE_MS} ms",
            f"{ours:.0f} ms",
            verdict(ours <= SCRAPE_MS),
            f"text {text:.0f} ms; prometheus_client's own text {theirs:.0f} ms",
        )
    ]


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
