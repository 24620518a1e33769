"""A process's metrics are read on a port of their own, never through the API's."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server

from llm_research_lab.vocabulary import UnavailableError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PORTS_TRIED = 20
"""A taken port means the next free one; so many are tried."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """A running exposition: where it is read, and how it ends."""

    server: WSGIServer
    thread: Thread
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address that a Prometheus would scrape."""
        return f"http://{self.host}:{self.port}/metrics"

    def close(self) -> None:
        """Stop serving and free the port."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def expose(registry: CollectorRegistry, host: str, port: int) -> Exposition:
    """Serve the registry's metrics on the port, or on the next free one; 0 takes any."""
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            server, thread = start_http_server(candidate, host, registry)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return Exposition(server, thread, host, int(server.server_port))
    raise UnavailableError(
        f"port {port}",
        f"a free port among the next {PORTS_TRIED}",
        "every one taken",
        "set another port for the metrics",
    )
