"""Findings are counted all and kept the first twenty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from llm_research_lab.experiments.rows.row import Row
from llm_research_lab.vocabulary import Finding

KEPT = 20
"""What a person reads at once. Source: the answers' `findings`."""


@dataclass(slots=True)
class Findings:
    """What was found so far."""

    first: list[Finding] = field(default_factory=list)
    total: int = 0

    def add(self, finding: Finding) -> None:
        """Count one more."""
        self.total += 1
        if len(self.first) < KEPT:
            self.first.append(finding)

    def add_of(self, rows: Iterable[Row]) -> None:
        """Count those that stand in the place of rows."""
        for row in rows:
            if row.finding is not None:
                self.add(row.finding)
