"""Every request is counted once, when its last byte has gone or its client has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.spans import exemplar

if TYPE_CHECKING:
    from llm_research_lab.telemetry.instruments import Instruments

UNMATCHED = "unmatched"
"""The one path of all requests that match no route: a stranger cannot make new series."""

OTHER = "other"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CANCELLED = "499"
"""The status of a request whose client left before the answer began. Source: nginx."""

SERVER_ERROR = "500"

ERRORS: Mapping[str, str] = {
    "400": "bad-request",
    "401": "unauthenticated",
    "403": "denied",
    "404": "not-found",
    "405": "method-not-allowed",
    "408": "timeout",
    "409": "conflict",
    "413": "too-large",
    "414": "too-large",
    "415": "media-type",
    "421": "misdirected",
    "422": "invalid",
    "431": "too-large",
    CANCELLED: "cancelled",
    SERVER_ERROR: "internal",
    "503": "unavailable",
}
"""The problem's slug by the status that goes with it."""

FIRST_ERROR = "400"


class RequestInstruments:
    """The API's own instruments; `path` is always a route's template or ``unmatched``."""

    def __init__(self, instruments: Instruments) -> None:
        self.on = instruments.process is not None
        self._total = instruments.counter("api_request_total")
        self._seconds = instruments.histogram("api_request_duration_seconds")
        self._in_flight = instruments.gauge("api_request_in_flight")
        self._clients = instruments.counter("api_client_requests_total")
        self._errors = instruments.counter("error_total")

    def started(self, method: str, path: str) -> None:
        """A request has come in."""
        self._in_flight[method, path].inc()

    def refused(self, seconds: float) -> None:
        """Count what was refused before it was a request: its method and path are unknown."""
        self.started(OTHER, UNMATCHED)
        self.ended(OTHER, UNMATCHED, FIRST_ERROR, seconds, OTHER)

    def ended(self, method: str, path: str, status: str, seconds: float, agent_class: str) -> None:
        """Count the request once, whatever its end was."""
        self._in_flight[method, path].dec()
        self._total[method, path, status].inc()
        self._seconds[method, path, status].observe(seconds, exemplar())
        self._clients[(agent_class,)].inc()
        if status >= FIRST_ERROR:
            severity = "error" if status >= SERVER_ERROR else "warning"
            self._errors[ERRORS.get(status, OTHER), "api", severity].inc()
