"""``contains``: the target stands in the answer."""

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
from llm_research_lab.vocabulary import InvalidError


def _contains(target: Render, options: Options, where: str) -> Score:
    """1 when the target stands somewhere in the answer, else 0.

    Case does not count unless asked: a model writes a word large because a sentence begins with
    it, not because it means another. Parts of words count: `Oman` stands in `Romania`. An empty
    target stands in everything and proves nothing, so it cannot be scored.

    Source: Inspect, `includes` (a substring, `ignore_case=True`, both case-folded).
    """
    case_sensitive, strip = options["case_sensitive"], options["strip"]

    def score(answer: str, row: Row) -> float:
        wanted = form(target(row), case_sensitive=case_sensitive, strip=strip)
        if not wanted:
            raise InvalidError(
                f"{where}, target", "a text to look for", "an empty one", "use exact for no answer"
            )
        return float(wanted in form(answer, case_sensitive=case_sensitive, strip=strip))

    return score


CONTAINS = Kind(_contains, (Option("case_sensitive", False, CASE_SENSITIVE, flag), STRIP))
