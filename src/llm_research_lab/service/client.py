"""A running lab, spoken to over HTTP as every user does: the command line is a client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from llm_research_lab.service.run_files import url_of
from llm_research_lab.service.secret import Secret
from llm_research_lab.vocabulary import Finding, InvalidError, LabError, UnavailableError

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings

_PARTS = ("where", "law", "message", "fix")
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class RefusedError(InvalidError):
    """What the lab answered instead: its problem, with its HTTP status and findings."""

    def __init__(self, problem: dict[str, Any], status: int) -> None:
        findings = tuple(
            Finding(**{part: str(found.get(part, "")) for part in _PARTS})
            for found in problem.get("findings") or ()
        )
        super().__init__(
            str(problem.get("where") or "request"),
            str(problem.get("expected") or "to be served"),
            str(problem.get("got") or problem.get("detail") or problem.get("title") or status),
            str(problem.get("fix") or "see the request in the lab's log"),
            findings,
            problem.get("total"),
        )
        self.status = status


class Client:
    """One connection to one lab. Every answer is JSON; what is not 2xx raises RefusedError."""

    def __init__(self, url: str, key: Secret) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key.reveal()}", "User-Agent": "lab"}
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, trust_env=not _loopback(url)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Read one thing."""
        return self._ask("GET", path, params=_given(query))

    def post(self, path: str, body: Any = None) -> Any:
        """Make or change one thing."""
        return self._ask("POST", path, json=body)

    def delete(self, path: str) -> Any:
        """Take one thing away."""
        return self._ask("DELETE", path)

    def upload(self, path: str, chunks: Iterable[bytes], media_type: str, **query: Any) -> Any:
        """Send a stream of bytes as one body, in constant memory."""
        return self._ask(
            "POST", path, params=_given(query), content=chunks, headers={"Content-Type": media_type}
        )

    def items(self, path: str, limit: int | None = None, **query: Any) -> Iterator[Any]:
        """Walk a list through its pages, up to so many items; None is all."""
        given, cursor = 0, None
        while limit is None or given < limit:
            size = 100 if limit is None else min(100, limit - given)
            page = self.get(path, **{**query, "limit": size, "cursor": cursor})
            yield from page["items"]
            given += len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            answer = self._http.request(method, path, **request)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise LabError(
                "what was typed",
                "names and text that a request can carry",
                str(error),
                "leave out control characters, and save the text as UTF-8",
            ) from error
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"the lab at {self.url}",
                "an answer",
                str(error) or type(error).__name__,
                "see that it runs: lab status, lab doctor; or start it: lab up",
            ) from error
        if not answer.is_success:
            raise RefusedError(_problem(answer), answer.status_code)
        return answer.json() if answer.content else None


def connect(settings: Settings) -> Client:
    """Speak to the lab that the settings name, or to the one that runs on the data directory."""
    url = settings.url or running_url(settings.data_dir)
    if url is None:
        raise UnavailableError(
            f"data directory {settings.data_dir}",
            "a lab that runs on it",
            "none",
            f"start one: lab up --data-dir {settings.data_dir}; or name another with LAB_URL",
        )
    return Client(url, key_of(settings))


def running_url(data_dir: Path) -> str | None:
    """Where the lab of the directory listens, by run/api.json of a process that lives."""
    return url_of(data_dir, "api")


def key_of(settings: Settings) -> Secret:
    """Give the key that the settings name, or the directory's own admin key."""
    if settings.key:
        return settings.key
    file = settings.key_file or settings.data_dir / "keys" / "admin.key"
    try:
        return Secret.from_file(file)
    except OSError as error:
        raise LabError(
            str(file), "an API key", error.strerror or str(error), "set LAB_KEY_FILE or LAB_KEY"
        ) from error


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """Read problem+json; what a proxy says instead becomes its detail."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"detail": f"{answer.status_code} {answer.text[:200]}", "where": str(answer.url.path)}


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _loopback(url: str) -> bool:
    """A lab on this machine is never asked through a company's proxy."""
    return httpx.URL(url).host in {"127.0.0.1", "::1", "localhost"}
