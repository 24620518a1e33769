"""No request may cost more than its bounds: host, headers, address, body bytes, time."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_research_lab.api.problems import RequestError
from llm_research_lab.vocabulary import TooLargeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_UPLOAD = re.compile(r"/v1/datasets/[^/]+")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a request.

    `hosts` are names that the lab answers to besides loopback's: a page of another site whose name
    was pointed at 127.0.0.1 (DNS rebinding) is refused. `upload` bounds the body of a dataset,
    `idle_seconds` the silence of a sender, `upload_seconds` a dataset's way in.
    """

    hosts: frozenset[str] = frozenset()
    body_bytes: int = 1 << 20
    upload_bytes: int = 1 << 30
    header_count: int = 100
    header_bytes: int = 32 << 10
    target_bytes: int = 8 << 10
    seconds: float = 30.0
    idle_seconds: float = 30.0
    upload_seconds: float = 3600.0


class LimitsMiddleware:
    """Refuses what is over a bound, as early as it can be seen."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.hosts = LOOPBACK | {host.lower() for host in limits.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; raises RequestError or TooLargeError, which Faults renders."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._check_head(scope)
        upload = scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]) is not None
        bound = self.limits.upload_bytes if upload else self.limits.body_bytes
        _check_length(scope, bound)
        seconds = self.limits.upload_seconds if upload else self.limits.seconds
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                await self.app(scope, self._counted(receive, bound), watched)
        except TimeoutError:
            if begun or not deadline.expired():
                raise
            raise _late(seconds) from None

    def _check_head(self, scope: Scope) -> None:
        headers = scope["headers"]
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > self.limits.header_count or size > self.limits.header_bytes:
            raise RequestError(
                431,
                "too-large",
                "headers",
                f"at most {self.limits.header_count} headers of {self.limits.header_bytes} bytes",
                f"{len(headers)} headers of {size} bytes",
                "send fewer headers",
            )
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if target > self.limits.target_bytes:
            raise RequestError(
                414,
                "too-large",
                "address",
                f"at most {self.limits.target_bytes} bytes",
                f"{target} bytes",
                "send a shorter query",
            )
        self._check_host(headers)

    def _check_host(self, headers: list[tuple[bytes, bytes]]) -> None:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None:
            got = repr(hosts[0][:60]) if hosts else "none"
            raise RequestError(
                400, "bad-request", "header Host", "one host name", got, "send one Host header"
            )
        if match[1].lower() not in self.hosts:
            raise RequestError(
                421,
                "misdirected",
                "header Host",
                "a name that this lab answers to",
                repr(match[1][:60]),
                "use localhost, or add the name to the setting `hosts`",
            )

    def _counted(self, receive: Receive, bound: int) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            try:
                async with asyncio.timeout(self.limits.idle_seconds):
                    message = await receive()
            except TimeoutError:
                raise _silent(self.limits.idle_seconds) from None
            taken += len(message.get("body", b""))
            if taken > bound:
                raise _too_long(bound, f"more than {bound} bytes")
            return message

        return counted


def _check_length(scope: Scope, bound: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > bound:
            raise _too_long(bound, f"{int(value)} bytes")


def _too_long(bound: int, got: str) -> TooLargeError:
    return TooLargeError("body", f"at most {bound} bytes", got, "send less, or in several parts")


def _silent(seconds: float) -> RequestError:
    return RequestError(
        408, "timeout", "body", f"a next part within {seconds:g} s", "silence", "send it again"
    )


def _late(seconds: float) -> RequestError:
    return RequestError(
        503,
        "timeout",
        "the request",
        f"an answer within {seconds:g} s",
        "none yet",
        "try again later, with the same Idempotency-Key if it was a POST",
    )
