"""A template is parsed once and rendered often; both say where a mistake is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llm_research_lab.templates.builtins import BUILTINS
from llm_research_lab.templates.errors import ExecutionError
from llm_research_lab.templates.evaluating import Limits, Page, Source
from llm_research_lab.templates.executing import execute
from llm_research_lab.templates.nodes import Body
from llm_research_lab.templates.parsing import Parsed, parse
from llm_research_lab.templates.values import Function
from llm_research_lab.vocabulary.quoting import quote


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: its own body, and those that it defines by name."""

    name: str
    text: str
    body: Body
    defined: Mapping[str, Body]
    functions: Mapping[str, Function]

    def render(self, data: Any, *, limits: Limits | None = None) -> str:
        """Write the template with `data` as its dot. Raises ExecutionError."""
        return execute(self._source(limits), self.body, data)

    def render_defined(self, name: str, data: Any, *, limits: Limits | None = None) -> str:
        """Write a template that this one defines. Raises ExecutionError."""
        body = self.defined.get(name)
        if body is None:
            raise ExecutionError(
                f"template: no template {quote(name)} associated with template {quote(self.name)}"
            )
        return execute(self._source(limits), body, data, name=name)

    def _source(self, limits: Limits | None) -> Source:
        defined = {self.name: self.body, **self.defined}
        page = Page(self.name, self.text)
        return Source(page, defined, self.functions, limits or Limits())


@lru_cache(maxsize=256)
def parsed(text: str, functions: frozenset[str]) -> Parsed:
    """Read a text that may call these functions, or remember it. Raises InvalidError."""
    return parse(text, functions)


def parse_template(
    text: str, *, functions: Mapping[str, Function], name: str = "template"
) -> Template:
    """Read a template that may call Go's own functions and these.

    `name` stands in messages. Raises InvalidError, where ``line:column``.
    """
    read = parsed(text, frozenset(BUILTINS) | frozenset(functions))
    return Template(name, text, read.body, read.defined, dict(functions))
