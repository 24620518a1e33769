"""Every request is counted once, when its last byte has gone or its client has."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. Source: docs/spec, 5.1.1, api_request_duration_seconds."""

UNKNOWN = "unknown"
"""The one path of all requests that match no route: a stranger cannot make new series."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CANCELLED = "499"
"""The status of a request whose client left before the answer began. Source: nginx."""


@dataclass(frozen=True, slots=True)
class RequestInstruments:
    """The API's own instruments; `path` is always a route's template or ``unknown``."""

    total: Counter
    seconds: Histogram
    in_flight: Gauge

    def started(self, method: str, path: str) -> None:
        """A request has come in."""
        self.in_flight.labels(method, path).inc()

    def ended(self, method: str, path: str, status: str, seconds: float) -> None:
        """Count the request once, whatever its end was."""
        self.in_flight.labels(method, path).dec()
        self.total.labels(method, path, status).inc()
        self.seconds.labels(method, path, status).observe(seconds)


def request_instruments(registry: CollectorRegistry) -> RequestInstruments:
    """Declare the instruments in the registry.

    Source: docs/spec, 5.1.1, API metrics (its middleware's raw path and second observation apart).
    """
    labels = ("method", "path")
    return RequestInstruments(
        Counter(
            "api_request_total",
            "Requests answered, by method, route and status.",
            (*labels, "status"),
            registry=registry,
        ),
        Histogram(
            "api_request_duration_seconds",
            "Time from a request's first byte to its answer's last, in seconds.",
            (*labels, "status"),
            buckets=BUCKETS,
            registry=registry,
        ),
        Gauge(
            "api_request_in_flight",
            "Requests that have come in and are not yet answered.",
            labels,
            registry=registry,
        ),
    )
