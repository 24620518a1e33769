"""A process's metrics are read on a port of their own, never through the API's."""

from __future__ import annotations

import errno
import gzip
import socket
import socketserver
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from llm_research_lab.telemetry.rendering import OPENMETRICS_TYPE, TEXT_TYPE, openmetrics, text
from llm_research_lab.vocabulary import UnavailableError

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

PORTS_TRIED = 20
"""A taken port means the next free one; so many are tried."""

PATH = "/metrics"

IDLE_SECONDS = 120
"""A scraper's connection is kept between two scrapes of a minute."""

LEVEL = 1
"""gzip's fastest: names repeat so much that more effort saves little."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """A running exposition: where it is read, and how it ends."""

    server: ThreadingHTTPServer
    thread: Thread
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address that a Prometheus would scrape."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{PATH}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def expose(registry: Collector, host: str, port: int) -> Exposition:
    """Serve the registry's metrics on the port, or on the next free one; 0 takes any."""
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            server = _Server(registry, host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
            thread.start()
            return Exposition(server, thread, host, int(server.server_address[1]))
    raise UnavailableError(
        f"port {port}",
        f"a free port among the next {PORTS_TRIED}",
        "every one taken",
        "set another port for the metrics",
    )


def baked(registry: Collector, accept: str, encodings: str) -> tuple[bytes, dict[str, str]]:
    """Render what the scraper asks for: the body, and the headers that say how it is to be read."""
    wants = _accepts(accept, "application/openmetrics-text")
    body = openmetrics(registry) if wants else text(registry)
    headers = {"Content-Type": OPENMETRICS_TYPE if wants else TEXT_TYPE}
    if _accepts(encodings, "gzip"):
        body = gzip.compress(body, LEVEL)
        headers["Content-Encoding"] = "gzip"
    return body, headers


def _accepts(header: str, wanted: str) -> bool:
    """Whether the header names it without refusing it. Source: RFC 9110, 12.4.2 and 12.5."""
    for part in header.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        if name == wanted:
            return not any(one.replace(" ", "") in {"q=0", "q=0.0"} for one in parameters)
    return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a scraper's idle connection must not hold up the process's end

    def __init__(self, registry: Collector, host: str, port: int) -> None:
        self.registry = registry
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the host's full name: a name server may take seconds."""
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer a scrape."""
        if self.path.partition("?")[0] != PATH:
            self._answer(404, b"see /metrics\n", {"Content-Type": "text/plain"})
            return
        accept = self.headers.get("Accept", "")
        encodings = self.headers.get("Accept-Encoding", "")
        self._answer(200, *baked(self.server.registry, accept, encodings))

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing: scrapes are many and say nothing."""
