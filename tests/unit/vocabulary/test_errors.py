"""Every error of the lab has one root, and says where, expected, got and fix."""

from __future__ import annotations

import pytest

from llm_research_lab import vocabulary
from llm_research_lab.vocabulary import Finding, InvalidError, LabError

KINDS = {
    "LabError": (500, "internal"),
    "InvalidError": (422, "invalid"),
    "NotFoundError": (404, "not-found"),
    "ConflictError": (409, "conflict"),
    "UnauthenticatedError": (401, "unauthenticated"),
    "DeniedError": (403, "denied"),
    "TooLargeError": (413, "too-large"),
    "UnavailableError": (503, "unavailable"),
}


def test_every_kind_has_its_status_and_its_slug():
    exported = {name for name in vocabulary.__all__ if name.endswith("Error")}
    assert exported == set(KINDS)


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_an_error_says_where_expected_got_and_fix(name, kind):
    error = getattr(vocabulary, name)("limit", "1 to 10", "11", "write less")
    assert isinstance(error, LabError)
    assert (error.status, error.slug) == kind
    assert (error.where, error.expected, error.got, error.fix) == (
        "limit",
        "1 to 10",
        "11",
        "write less",
    )
    assert str(error) == "limit: expected 1 to 10, got 11; write less"


def test_the_total_is_the_number_of_findings_unless_more_were_found():
    findings = (Finding("2:1", "type", "not a number", "write one"),)
    assert InvalidError("f", "e", "g", "x").findings == ()
    assert InvalidError("f", "e", "g", "x").total == 0
    assert InvalidError("f", "e", "g", "x", findings).total == 1
    assert InvalidError("f", "e", "g", "x", findings, 400).total == 400
    assert InvalidError("f", "e", "g", "x", findings, 400).findings == findings
