"""A taken port means the next free one; the socket that was bound is the socket that serves."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from llm_research_lab.telemetry.exposition import PORTS_TRIED
from llm_research_lab.vocabulary import InvalidError, UnavailableError

BACKLOG = 2_048
"""Connections that wait to be accepted. Source: uvicorn's default."""

HIGHEST = 65_535
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - these are recognised, not bound
"""What a client on this machine calls a socket that listens on every address."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket, the port it got and the one that was wanted."""

    listener: socket.socket
    host: str
    port: int
    wanted: int

    @property
    def moved(self) -> bool:
        """Whether the wanted port was taken, which is to be said aloud."""
        return self.wanted not in {0, self.port}

    @property
    def url(self) -> str:
        """Where a client on this machine reaches it."""
        return url_of(self.host, self.port)


def bind(host: str, port: int) -> Bound:
    """Listen on the port, or on the next free one; 0 takes any.

    Connections are taken in from now on, and wait for whoever accepts them. Raises
    UnavailableError when all that were tried are taken, InvalidError when the host or the port is
    not this process's to have.
    """
    for candidate in range(port, min(port + PORTS_TRIED, HIGHEST + 1)):
        try:
            listener = _listen(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _refused(host, candidate, error) from error
        else:
            return Bound(listener, host, listener.getsockname()[1], port)
    raise UnavailableError(
        f"port {port}",
        f"a free port among the next {PORTS_TRIED}",
        "every one taken",
        "name another with --port, or 0 for any",
    )


def bound_of(listener: socket.socket, host: str) -> Bound:
    """Take over a socket that another process has bound."""
    port = listener.getsockname()[1]
    return Bound(listener, host, port, port)


def url_of(host: str, port: int) -> str:
    """Write the address of a socket as a URL."""
    name = ANYWHERE.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not held by TIME_WAIT
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _refused(host: str, port: int, error: OSError) -> InvalidError:
    got = error.strerror or str(error)
    if error.errno == errno.EACCES:
        return InvalidError(
            f"port {port}", "a port that you may bind", got, "name one above 1023 with --port"
        )
    return InvalidError(
        "setting host", "an address of this machine", f"{host!r}: {got}", "use 127.0.0.1"
    )
