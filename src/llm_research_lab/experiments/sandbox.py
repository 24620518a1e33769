"""A text with ``{{ column }}`` in it becomes a pure function of a row that always ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_research_lab.documents.fields import Place, Reader
from llm_research_lab.documents.readers import text
from llm_research_lab.experiments.templating import TEMPLATE_CHARACTERS, Template
from llm_research_lab.vocabulary import InvalidError


def compile_text(source: str, where: str) -> Callable[[Mapping[str, Any]], str]:
    """Compile a template once; the result renders one row, or raises InvalidError.

    `where` names the template in errors (``prompt``, ``evaluators[0].target``). Values are
    written the plain way: text as it is, null as nothing, all else as JSON. A column whose name is
    no identifier is read as ``{{ row["Capital City"] }}``. InvalidError here says what the template
    asks for that the language does not have.
    """
    return Template(source, where).render


def variables_of(source: str, where: str) -> frozenset[str]:
    """Return the columns that a template needs: those it reads and has no default for."""
    uses = Template(source, where).uses
    return (uses.names - uses.optional - {"row"}) | uses.cells


def template(longest: int = TEMPLATE_CHARACTERS, *, least: int = 1) -> Reader:
    """Text that is a template over a row's columns; what is wrong with it is one finding."""
    written = text(longest, least=least)

    def read(value: Any, place: Place) -> Any:
        if written(value, place) is None:
            return None
        try:
            compile_text(value, place.name)
        except InvalidError as error:
            message = f"{error.where}: expected {error.expected}, got {error.got}"
            place.find("template", message, error.fix)
            return None
        return value

    return read
