"""``exact``: the answer is the target."""

from __future__ import annotations

from llm_research_lab.documents.readers import flag
from llm_research_lab.experiments.evaluators.kind import (
    CASE_SENSITIVE,
    STRIP,
    Kind,
    Option,
    Options,
    Render,
    Row,
    Score,
)
from llm_research_lab.experiments.evaluators.wording import form


def _exact(target: Render, options: Options, where: str) -> Score:  # noqa: ARG001 - as all kinds
    """1 when the answer is the target, else 0.

    Blanks around them do not count, case does; an empty target is met by an empty answer alone.
    Accented letters are the same however they are encoded.

    Source: HELM, `exact_match` (both stripped, case kept).
    """
    case_sensitive, strip = options["case_sensitive"], options["strip"]

    def score(answer: str, row: Row) -> float:
        expected = form(target(row), case_sensitive=case_sensitive, strip=strip)
        return float(form(answer, case_sensitive=case_sensitive, strip=strip) == expected)

    return score


EXACT = Kind(_exact, (Option("case_sensitive", True, CASE_SENSITIVE, flag), STRIP))
