"""A small HTTP/1.1 client whose own cost is low: latencies are the server's.

Open loop: every request has an intended time, and its latency runs from that time, so a server
that stalls is charged for all who waited. Source: Tene, "How NOT to Measure Latency".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Request:
    """`kind` names it in the counts."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Done:
    kind: str
    status: int
    seconds: float


class Connection:
    """One keep-alive connection; opened again when the server closes it."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.shared = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def send(self, request: Request) -> int:
        """The status, after the last byte of the answer."""
        if self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        assert self.reader is not None
        own = "".join(f"{k}: {v}\r\n" for k, v in request.headers.items())
        length = f"Content-Length: {len(request.body)}\r\n" if request.method != "GET" else ""
        head = (
            f"{request.method} {request.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"{self.shared}{own}{length}\r\n"
        )
        self.writer.write(head.encode() + request.body)
        answer = (await self.reader.readuntil(HEAD_END)).lower()
        status = int(answer[9:12])
        if b"transfer-encoding: chunked" in answer:
            while (size := int(await self.reader.readline(), 16)) > 0:
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        else:
            at = answer.find(b"content-length:")
            if at >= 0:
                await self.reader.readexactly(int(answer[at + 15 :].split(b"\r\n", 1)[0]))
        if b"connection: close" in answer:
            self.writer.close()
        return status

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


async def open_loop(
    url: str,
    headers: dict[str, str],
    make: Callable[[int], Request],
    *,
    rate: float,
    seconds: float,
    connections: int,
) -> list[Done]:
    """Send `rate` requests a second for so long, whatever the server does."""
    start = time.perf_counter() + 0.1
    total = int(rate * seconds)
    turn = iter(range(total))
    done: list[Done] = []

    async def work() -> None:
        line = Connection(url, headers)
        for number in turn:
            intended = start + number / rate
            await asyncio.sleep(max(0.0, intended - time.perf_counter()))
            request = make(number)
            status = await line.send(request)
            done.append(Done(request.kind, status, time.perf_counter() - intended))
        line.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return done


async def closed_loop(
    url: str,
    headers: dict[str, str],
    make: Callable[[int], Request],
    *,
    clients: int,
    seconds: float,
) -> list[Done]:
    """As many clients as fast as they are answered."""
    end = time.perf_counter() + seconds
    done: list[Done] = []

    async def work(number: int) -> None:
        line = Connection(url, headers)
        turn = number
        while (now := time.perf_counter()) < end:
            request = make(turn)
            status = await line.send(request)
            done.append(Done(request.kind, status, time.perf_counter() - now))
            turn += clients
        line.close()

    await asyncio.gather(*(work(number) for number in range(clients)))
    return done
