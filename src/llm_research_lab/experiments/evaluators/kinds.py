"""The one table of evaluators: reading, checks and docs derive from it."""

from __future__ import annotations

from collections.abc import Mapping

from llm_research_lab.experiments.evaluators.choice import CHOICE
from llm_research_lab.experiments.evaluators.contains import CONTAINS
from llm_research_lab.experiments.evaluators.exact import EXACT
from llm_research_lab.experiments.evaluators.f1 import F1
from llm_research_lab.experiments.evaluators.kind import Kind
from llm_research_lab.experiments.evaluators.numeric import NUMERIC
from llm_research_lab.experiments.evaluators.regex import REGEX

KINDS: Mapping[str, Kind] = {
    "exact": EXACT,
    "contains": CONTAINS,
    "regex": REGEX,
    "numeric": NUMERIC,
    "choice": CHOICE,
    "f1": F1,
}
"""In the order in which they are shown."""
