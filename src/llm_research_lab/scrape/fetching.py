"""A target is asked over HTTP, within its time and its bound of bytes.

Source: Prometheus, scrape/scrape.go, targetScraper.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from llm_research_lab.scrape.jobs import Credentials, Job, Tls
from llm_research_lab.scrape.targets import Target
from llm_research_lab.vocabulary import LabError

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
USER_AGENT = "llm-research-lab"

_OK = 200


@dataclass(frozen=True, slots=True)
class Fetched:
    """A target's answer, unpacked."""

    body: bytes
    content_type: str


class FetchError(LabError):
    """The target did not give its metrics: no connection, no time, another status, too much."""

    slug = "scrape-failed"


class Fetcher:
    """One a job: keeps its connections. Files of certificates are read when it is made."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._asking = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._client = httpx.AsyncClient(
            verify=_context(job.tls),
            follow_redirects=job.follow_redirects,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=300),
            timeout=None,  # noqa: S113 - the whole request has one
        )

    async def fetch(self, target: Target) -> Fetched:
        """Ask the target once. Raises FetchError."""
        seconds = target.timeout_ms / 1000
        self._asking += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._asked(target, seconds)
        except TimeoutError:
            raise _failed(target, f"an answer within {seconds:g} s", "none") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise _failed(target, "an answer", f"{type(error).__name__}: {error}") from None
        finally:
            self._asking -= 1
            if not self._asking:
                self._idle.set()

    async def _asked(self, target: Target, seconds: float) -> Fetched:
        """Read the answer piece by piece, and stop where it is too much."""
        headers = await asyncio.to_thread(_headers, self.job, seconds)
        server = self.job.tls.server_name
        extensions = {"sni_hostname": server} if server else {}
        most = self.job.bounds.body_bytes
        async with self._client.stream(
            "GET", target.url, headers=headers, extensions=extensions
        ) as answer:
            if answer.status_code != _OK:
                got = f"HTTP status {answer.status_code} {answer.reason_phrase}"
                raise _failed(target, "HTTP status 200", got)
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if most and len(body) > most:
                    raise _failed(target, f"at most {most} bytes (body_size_limit)", "more")
            return Fetched(bytes(body), answer.headers.get("content-type", ""))

    async def close(self) -> None:
        """Close the connections, once nobody waits for an answer."""
        await self._idle.wait()
        await self._client.aclose()


def _failed(target: Target, expected: str, got: str) -> FetchError:
    return FetchError(target.url, expected, got, "look whether the target runs and is reachable")


def _headers(job: Job, seconds: float) -> list[tuple[str, str]]:
    """Write the request's head; a secret's file is read each time."""
    found = [
        ("Accept", ACCEPT),
        ("Accept-Encoding", "gzip" if job.compression else "identity"),
        ("User-Agent", USER_AGENT),
        ("X-Prometheus-Scrape-Timeout-Seconds", f"{seconds:g}"),
        *job.headers,
    ]
    if job.credentials is not None:
        found.append(("Authorization", _authorization(job.credentials)))
    return found


def _authorization(credentials: Credentials) -> str:
    """Write who we are. Raises OSError when the secret's file cannot be read."""
    secret = credentials.secret
    if credentials.secret_file:
        secret = Path(credentials.secret_file).read_text(encoding="utf-8").strip()
    if credentials.type == "Basic":
        request = httpx.Request("GET", "http://localhost")
        flow = httpx.BasicAuth(credentials.username, secret).auth_flow(request)
        return next(flow).headers["Authorization"]
    return f"{credentials.type} {secret}"


def _context(tls: Tls) -> ssl.SSLContext:
    """Make the rules of TLS. Raises OSError when a file is missing or no certificate."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file or None)
    return context
