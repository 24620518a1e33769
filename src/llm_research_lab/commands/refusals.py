"""Findings become one error: the first is its headline, twenty are shown, all are counted."""

from __future__ import annotations

from collections.abc import Sequence

from llm_research_lab.vocabulary import Finding, InvalidError

SHOWN = 20


def refused(findings: Sequence[Finding], total: int | None = None) -> InvalidError:
    """Make the error of at least one finding; `total` counts those that were not kept, too."""
    first = findings[0]
    return InvalidError(
        first.where,
        first.law,
        first.message,
        first.fix,
        tuple(findings[:SHOWN]),
        len(findings) if total is None else total,
    )
