"""Any server that speaks OpenAI's chat format, over HTTP; one request a call, retries elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime
from ipaddress import ip_address
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import orjson

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import FailureKind
from llm_research_lab.models.chat_format import KNOWN, GarbageError, answer_in, request_of
from llm_research_lab.models.port import Answer, Call, ProviderError
from llm_research_lab.models.refusals import refusal_of
from llm_research_lab.models.retry_after import retry_after_ms
from llm_research_lab.models.secrets import resolve

OPENAI = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
"""A server that takes no connection in this time takes none."""

BODY_BYTES = 10_000_000
"""More than any answer of a million tokens has; a longer body is not read on."""

ERROR_BYTES = 100_000
"""How much of a failure's body is read for its message."""

UNAUTHORISED = 401


class Bearer(httpx.Auth):
    """Puts the key into the request's header, and shows it nowhere else."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the key."""
        request.headers["Authorization"] = f"Bearer {self._secret}"
        yield request

    def hidden(self, text: str) -> str:
        """The text without the key, should a server have repeated it."""
        return text.replace(self._secret, "***")

    def __repr__(self) -> str:
        return "Bearer(***)"


class OpenAIProvider:
    """Calls one entry's model at its address.

    The key is read at the first call, and again after a 401, so that a rotated one is taken
    without a restart. Redirects are not followed. Proxies of the environment are used, but not
    for loopback. Each call's time limit covers connecting, sending and the whole answer.
    """

    def __init__(self, entry: ModelEntry) -> None:
        url = (entry.base_url or OPENAI).rstrip("/")
        self._entry = entry
        self._url = f"{url}/chat/completions"
        self._host = urlsplit(url).hostname or url
        self._where = f"model {entry.id} at {self._host}"
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._bearer: Bearer | None = None

    def __repr__(self) -> str:
        return f"OpenAIProvider({self._where})"

    async def complete(self, call: Call) -> Answer:
        """Answer the call, or raise ProviderError. Cancellation closes the call's connection."""
        content = self._content(call)
        client = await self._opened()
        started = perf_counter()
        try:
            async with asyncio.timeout(call.timeout_seconds):
                body = await self._ask(client, content)
        except TimeoutError:
            raise self._late(call.timeout_seconds) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._broken(error) from None
        elapsed_ms = (perf_counter() - started) * 1000
        try:
            text, usage = answer_in(body, call)
        except GarbageError as error:
            raise self._garbage(str(error)) from None
        return Answer(text, usage, elapsed_ms)

    async def close(self) -> None:
        """Close the connections; the next call would open them again."""
        client, self._client, self._bearer = self._client, None, None
        if client is not None:
            await client.aclose()

    def _content(self, call: Call) -> bytes:
        unknown = sorted(set(call.parameters) - KNOWN)
        if unknown:
            raise self._refused("parameters of OpenAI's chat format", unknown[0])
        openai_itself = self._host == urlsplit(OPENAI).hostname
        try:
            return orjson.dumps(request_of(call, openai_itself=openai_itself))
        except TypeError as error:
            raise self._refused("what JSON can carry", str(error)) from None

    async def _opened(self) -> httpx.AsyncClient:
        """The client, with its key; made in a thread, since certificates and files are read."""
        async with self._opening:
            if self._entry.secret is not None and self._bearer is None:
                self._bearer = Bearer(await asyncio.to_thread(resolve, self._entry.secret))
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
            return self._client

    def _make(self) -> httpx.AsyncClient:
        slots = self._entry.limits.concurrency
        return httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=slots),
            follow_redirects=False,
            trust_env=not _is_loopback(self._host),
            headers={
                "Accept": "application/json",
                # Compressed, a small body could become a huge one.
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": "llm-research-lab",
            },
        )

    async def _ask(self, client: httpx.AsyncClient, content: bytes) -> bytes:
        """Send once; the body of a success."""
        bearer = self._bearer
        async with client.stream(
            "POST", self._url, content=content, auth=bearer or httpx.Auth()
        ) as response:
            if not response.is_success:
                raise await self._refusal(response, bearer)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self._garbage("a compressed body, which was not asked for")
            body, whole = await _read(response, BODY_BYTES)
        if not whole:
            raise self._garbage(f"a body of more than {BODY_BYTES} bytes")
        return body

    async def _refusal(self, response: httpx.Response, bearer: Bearer | None) -> ProviderError:
        if response.status_code == UNAUTHORISED and self._bearer is bearer:
            self._bearer = None
        try:
            body, _ = await _read(response, ERROR_BYTES)
        except httpx.HTTPError:  # the status has said it already; only its words are missing
            body = b""
        refusal = refusal_of(response.status_code, body)
        return ProviderError(
            refusal.kind,
            self._where,
            "an answer",
            refusal.words if bearer is None else bearer.hidden(refusal.words),
            refusal.fix,
            final=refusal.final,
            retry_after_ms=retry_after_ms(response.headers, datetime.now(UTC)),
            unbilled=True,
        )

    def _late(self, seconds: float) -> ProviderError:
        expected = f"an answer within {seconds:g} s"
        fix = "raise limits.timeout_seconds or ask for fewer tokens"
        return ProviderError("timeout", self._where, expected, "none", fix)

    def _broken(self, error: Exception) -> ProviderError:
        """No connection, one that was cut, or an answer that is not HTTP."""
        kind: FailureKind = "unavailable"
        if isinstance(error, httpx.ConnectTimeout):
            kind = "timeout"
        said = str(error) if self._bearer is None else self._bearer.hidden(str(error))
        got = f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__
        return ProviderError(
            kind,
            self._where,
            "an answer",
            got,
            "check base_url, and that the server runs",
            unbilled=isinstance(error, httpx.ConnectError | httpx.ConnectTimeout),
        )

    def _garbage(self, got: str) -> ProviderError:
        fix = "check that base_url leads to a server of OpenAI's chat format"
        return ProviderError("garbage", self._where, "OpenAI's chat format", got, fix)

    def _refused(self, expected: str, got: str) -> ProviderError:
        fix = "leave it out, or take a provider that has it"
        return ProviderError("refused", self._where, expected, got, fix, final=True)


async def _read(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    """The body up to so many bytes, and whether that is all of it."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), False
    return bytes(body), True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
