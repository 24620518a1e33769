"""Every error leaves as ``application/problem+json``, in the same fields, with the request's id.

Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from starlette.responses import Response

from llm_research_lab.vocabulary import InvalidError, LabError

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:llm-research-lab:problem:"

TITLES = {
    "invalid": "The input breaks a rule of its kind",
    "not-found": "Nothing of that name exists",
    "method-not-allowed": "This address does not answer that method",
    "conflict": "The request contradicts what is already there",
    "unauthenticated": "No key, or none that is known and alive",
    "denied": "The key's role does not hold the action",
    "too-large": "The input is over a limit",
    "unavailable": "The lab cannot serve this now and may later",
    "bad-request": "The request is not HTTP as the lab speaks it",
    "misdirected": "This lab does not answer to that host name",
    "media-type": "The body is not of a type that is read here",
    "timeout": "The request took longer than it may",
    "internal": "The lab broke; it is not the request's fault",
}


class RequestError(LabError):
    """A request that is refused before any command sees it; status and slug are its own."""

    def __init__(  # noqa: PLR0917 - LabError's four, and two
        self, status: int, slug: str, where: str, expected: str, got: str, fix: str
    ) -> None:
        super().__init__(where, expected, got, fix)
        self.status = status
        self.slug = slug


def problem(error: LabError, request_id: str) -> dict[str, Any]:
    """Describe the error; findings stand only where input was checked."""
    described: dict[str, Any] = {
        "type": TYPE + error.slug,
        "title": TITLES.get(error.slug, "Error"),
        "status": error.status,
        "detail": str(error),
        "where": error.where,
        "expected": error.expected,
        "got": error.got,
        "fix": error.fix,
        "request_id": request_id,
    }
    if isinstance(error, InvalidError):
        described["findings"] = [asdict(finding) for finding in error.findings[:20]]
        described["total"] = error.total
    return described


def problem_response(
    error: LabError, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Render the error."""
    extra = dict(headers or {})
    if error.status == 401:  # noqa: PLR2004
        extra["WWW-Authenticate"] = "Bearer"
    if error.status == 503:  # noqa: PLR2004
        extra["Retry-After"] = "1"
    body = orjson.dumps(clean(problem(error, request_id)))
    return Response(body, error.status, extra, MEDIA_TYPE)


def clean(value: Any) -> Any:
    r"""Make every text encodable: what cannot be UTF-8 is shown as ``\udXXX``."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


def internal(request_id: str) -> LabError:
    """Say that the lab broke, and nothing of how; the log has it under the request's id."""
    return LabError(
        "the lab",
        "an answer",
        "an error of its own",
        f"try again; if it stays, look for request {request_id} in the log",
    )
