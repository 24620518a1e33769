"""A pipeline fails on a figure of a comparison: ``new-night-pages>0``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt

from llm_research_lab.vocabulary import InvalidError

_OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": ge,
    "<=": le,
    "==": eq,
    ">": gt,
    "<": lt,
}
_CONDITION = re.compile(r"\s*([a-z-]+)\s*(>=|<=|==|>|<)\s*(-?[0-9]{1,9})\s*")


def failed(condition: str, figures: Mapping[str, int]) -> bool:
    """Whether the condition holds; names are the figures', with dashes. Raises InvalidError."""
    found = _CONDITION.fullmatch(condition)
    known = ", ".join(sorted(name.replace("_", "-") for name in figures))
    if found is None:
        expected = "a figure, one of > >= == <= <, a whole number"
        raise InvalidError("--fail-on", expected, repr(condition), "write new-night-pages>0, say")
    name = found[1].replace("-", "_")
    if name not in figures:
        raise InvalidError("--fail-on", f"one of {known}", found[1], "name one of them")
    return _OPERATORS[found[2]](figures[name], int(found[3]))
