"""Every error of the lab has one root, and says where, expected, got and fix."""

from __future__ import annotations

from dataclasses import dataclass


class LabError(Exception):
    """An error that a person can act on: where, what was expected, what was got, what to do.

    The command line prints the fields in this order; the API renders them as
    ``application/problem+json``. ``status`` is the HTTP status that the API answers with and
    ``slug`` the stable last part of the problem's type.

    Source: RFC 9457 (problem details).
    """

    status = 500
    slug = "internal"

    def __init__(self, where: str, expected: str, got: str, fix: str) -> None:
        super().__init__(f"{where}: expected {expected}, got {got}; {fix}")
        self.where = where
        self.expected = expected
        self.got = got
        self.fix = fix


class InvalidError(LabError):
    """The input breaks a rule of its kind; `findings` holds the first twenty, `total` all."""

    status = 422
    slug = "invalid"

    def __init__(  # noqa: PLR0917 - LabError's four, and two
        self,
        where: str,
        expected: str,
        got: str,
        fix: str,
        findings: tuple[Finding, ...] = (),
        total: int | None = None,
    ) -> None:
        super().__init__(where, expected, got, fix)
        self.findings = findings
        self.total = len(findings) if total is None else total


class NotFoundError(LabError):
    """Nothing of that name exists, or nothing that the caller may see."""

    status = 404
    slug = "not-found"


class ConflictError(LabError):
    """The request contradicts what is already there."""

    status = 409
    slug = "conflict"


class UnauthenticatedError(LabError):
    """No key, or none that is known and alive."""

    status = 401
    slug = "unauthenticated"


class DeniedError(LabError):
    """The key's role does not hold the action. Always leaves an audit entry."""

    status = 403
    slug = "denied"


class TooLargeError(LabError):
    """The input is over a limit that is there to keep the service alive."""

    status = 413
    slug = "too-large"


class UnavailableError(LabError):
    """The lab cannot serve this now and may later: a full disk, a locked database."""

    status = 503
    slug = "unavailable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place: `where` (line, column, field), the law, and the mend."""

    where: str
    law: str
    message: str
    fix: str
