"""The runner's own instruments, under the names and labels of catalog/signals/metrics.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATIONS = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds. Source: docs/spec, 5.1.1, experiment_duration_seconds."""

_SIZES = ((100, "xs"), (1_000, "s"), (10_000, "m"), (100_000, "l"))

_STATUS = {"completed": "success", "failed": "failure", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class RunnerInstruments:
    """What this runner did, and what waits for all runners together."""

    samples: Counter
    failures: Counter
    leases: Counter
    experiments: Counter
    seconds: Histogram
    active: Gauge
    queue_depth: Gauge
    samples_pending: Gauge
    slots: Gauge
    slots_busy: Gauge

    def finished(self, experiment_type: str, failure_kind: str | None) -> None:
        """Count a sample that has its one result now."""
        outcome = "scored" if failure_kind is None else "failed"
        self.samples.labels(experiment_type, outcome).inc()
        if failure_kind is not None:
            self.failures.labels(failure_kind).inc()

    def ended(self, status: str, experiment_type: str, samples: int, seconds: float) -> None:
        """Count an experiment that has ended, by this runner's hand."""
        self.experiments.labels(_STATUS[status], experiment_type).inc()
        self.seconds.labels(experiment_type, size_of(samples)).observe(seconds)

    def waiting(self, queued: int, running: int, samples: int) -> None:
        """Show what waits in the database, as of now."""
        self.queue_depth.set(queued)
        self.active.set(running)
        self.samples_pending.set(samples)


def size_of(samples: int) -> str:
    """Give the word for so many samples, as the declaration has it."""
    return next((word for limit, word in _SIZES if samples < limit), "xl")


def runner_instruments(registry: CollectorRegistry) -> RunnerInstruments:
    """Declare the instruments in the registry of the process."""

    def counter(name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=registry)

    def gauge(name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=registry)

    return RunnerInstruments(
        counter(
            "experiment_samples_total",
            "Samples that have their one result.",
            "experiment_type",
            "outcome",
        ),
        counter(
            "experiment_sample_failures_total",
            "Samples that ended without an answer or a score.",
            "kind",
        ),
        counter("experiment_leases_total", "Leases of chunks, by what became of them.", "outcome"),
        counter("experiment_total", "Experiments that ended.", "status", "experiment_type"),
        Histogram(
            "experiment_duration_seconds",
            "Time from an experiment's first lease to its end, failed ones too.",
            ("experiment_type", "dataset_size"),
            buckets=DURATIONS,
            registry=registry,
        ),
        gauge("experiment_active_count", "Experiments running, over all runners."),
        gauge(
            "experiment_queue_depth",
            "Experiments waiting for their first lease, over all runners.",
        ),
        gauge(
            "experiment_samples_pending",
            "Samples of running and waiting experiments without a result, over all runners.",
        ),
        gauge("runner_slots", "Samples that this runner may work on at once."),
        gauge("runner_slots_busy", "Samples that this runner works on now."),
    )
