"""A server of OpenAI's chat format on loopback that behaves, or misbehaves, as it is told.

    with OpenAIServer(Reply(status=500), Reply(text="Paris")) as server:
        ...  # server.url is the base_url; server.requests is what came

Each request takes the next reply; the last one is repeated. It runs in a thread of its own, so
tests of one event loop and tests of whole processes can both use it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `body` wins over `text`; `raw` wins over all and need not be HTTP.

    `delay_ms` passes before the first byte, `header_pause_ms` between the lines of the head,
    `body_pause_ms` between the halves of the body. `cut` closes the connection after so many
    bytes of the body, though the head promised all of it. `endless` goes on without an end.
    """

    text: str | None = "Paris"
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 1})
    status: int = 200
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    delay_ms: float = 0
    header_pause_ms: float = 0
    body_pause_ms: float = 0
    cut: int | None = None
    endless: bool = False
    raw: bytes | None = None

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        if self.status >= 300:
            return json.dumps({"error": {"message": f"scripted {self.status}"}}).encode()
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        found: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
        return json.dumps(found | ({} if self.usage is None else {"usage": self.usage})).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """What came: `headers` with names in small letters, `body` as JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class OpenAIServer:
    """Serves while the `with` lasts. `dropped` counts clients that went before their answer."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies) or [Reply()]
        self.requests: list[Request] = []
        self.dropped = 0
        self.connections = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._client, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
                self.requests.append(request)
                if not await self._answer(reply, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped += 1
        except asyncio.CancelledError:  # the server ends
            return
        finally:
            writer.close()

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection may go on."""
        if reply.delay_ms and await _gone(reader, reply.delay_ms / 1000):
            raise ConnectionResetError
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        content = reply.content()
        length = 10**12 if reply.endless else len(content)
        fixed = [("Content-Type", "application/json"), ("Content-Length", str(length))]
        for line in [f"HTTP/1.1 {reply.status} Scripted"] + [
            f"{name}: {value}" for name, value in [*fixed, *reply.headers]
        ]:
            writer.write(f"{line}\r\n".encode("latin-1"))
            await _flushed(writer, reply.header_pause_ms)
        writer.write(b"\r\n")
        if reply.cut is not None:
            writer.write(content[: reply.cut])
            await writer.drain()
            return False
        half = len(content) // 2
        writer.write(content[:half])
        await _flushed(writer, reply.body_pause_ms)
        writer.write(content[half:])
        await writer.drain()
        while reply.endless:
            writer.write(b" " * 65_536)
            await writer.drain()
        return True


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, json.loads(body) if body else None)


async def _flushed(writer: asyncio.StreamWriter, pause_ms: float) -> None:
    if pause_ms:
        await writer.drain()
        await asyncio.sleep(pause_ms / 1000)


async def _gone(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the client closes the connection within the time."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(1) == b""
    except TimeoutError:
        return False


def refused_url() -> str:
    """A base_url where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
