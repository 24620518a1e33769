"""A kind of evaluator is one value: its words, its options, and how it becomes a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm_research_lab.documents.fields import Reader
from llm_research_lab.documents.readers import flag

Row = Mapping[str, Any]
Render = Callable[[Row], str]
"""A compiled template: a row's text, or InvalidError."""

Score = Callable[[str, Row], float]
"""A number for an answer and its row: pure; InvalidError when it cannot be scored."""

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its default, what it means, how it is read; a default of None may be null."""

    name: str
    default: Any
    doc: str
    read: Reader


def _no_templates(_: Options) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """`compile` takes the target's render, all options, and what errors call the evaluator.

    `templates` gives those of the options that are templates over the row too.
    """

    compile: Callable[[Render, Options, str], Score]
    options: tuple[Option, ...] = ()
    templates: Callable[[Options], Sequence[str]] = _no_templates

    @property
    def doc(self) -> str:
        """What the kind does: its docstring."""
        return self.compile.__doc__ or ""


CASE_SENSITIVE = "Whether `Paris` and `paris` are two things."
STRIP = Option("strip", True, "Take blanks and line ends off both ends first.", flag)
