"""Several texts make one set of templates: a later definition stands for an earlier one.

Source: Go, text/template (Parse, AddParseTree: one of white space replaces none); html/template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llm_research_lab.templates.builtins import BUILTINS
from llm_research_lab.templates.errors import place
from llm_research_lab.templates.evaluating import Limits, Page, Source
from llm_research_lab.templates.executing import execute
from llm_research_lab.templates.html import ESCAPERS, escape
from llm_research_lab.templates.html.errors import EscapingError
from llm_research_lab.templates.nodes import Body
from llm_research_lab.templates.parsing import is_blank
from llm_research_lab.templates.template import parsed
from llm_research_lab.templates.values import Function
from llm_research_lab.vocabulary.errors import InvalidError

_MAIN = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """Templates by name, the main one's is empty, and the page that each stands on."""

    main: Page
    bodies: Mapping[str, Body]
    pages: Mapping[str, Page]

    def render(
        self, data: Any, functions: Mapping[str, Function], limits: Limits | None = None
    ) -> str:
        """Write the main template with `data` as its dot. Raises ExecutionError."""
        known = {**functions, **ESCAPERS}
        source = Source(self.main, self.bodies, known, limits or Limits(), self.pages)
        return execute(source, self.bodies[_MAIN], data, name=_MAIN)


@lru_cache(maxsize=128)
def read_pages(
    text: str, files: tuple[str, ...], functions: frozenset[str], *, html: bool
) -> Pages:
    """Read the main text and those that define templates for it. Raises InvalidError.

    Its place is ``line:column``, after ``files[0]:`` and so on in a file's text.
    """
    known = frozenset(BUILTINS) | functions
    bodies: dict[str, Body] = {}
    pages: dict[str, Page] = {}
    texts = [Page(f"files[{at}]", one) for at, one in enumerate(files)]
    main = Page(_MAIN, text)
    for page in (*texts, main):
        try:
            read = parsed(page.text, known)
        except InvalidError as error:
            where = located(page.name, error.where)
            raise InvalidError(where, error.expected, error.got, error.fix) from None
        own = {_MAIN: read.body} if page is main else {}
        for name, body in (own | read.defined).items():
            if name not in bodies or not is_blank(body):
                bodies[name], pages[name] = body, page
    return _escaped(main, bodies, pages) if html else Pages(main, bodies, pages)


def _escaped(main: Page, bodies: dict[str, Body], pages: dict[str, Page]) -> Pages:
    try:
        escaped = escape(bodies, _MAIN)
    except EscapingError as error:
        page = pages[error.name]
        line, column = place(page.text, min(error.at, len(page.text)))
        where = located(page.name, f"{line}:{column + 1}")
        expected = "a template whose actions stand where HTML lets them be escaped"
        fix = "close what is open, quote attributes, and let branches end alike"
        raise InvalidError(where, expected, error.message, fix) from None
    origins = {name: pages[origin] for name, origin in escaped.origins.items()}
    return Pages(main, escaped.bodies, origins)


def located(page: str, where: str) -> str:
    """Give the place on a page."""
    return f"{page}:{where}" if page else where
