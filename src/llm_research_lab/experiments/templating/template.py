"""A template is compiled once, and then renders rows: the same row, the same text, in bounds."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType, TracebackType
from typing import Any

import jinja2
from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.meta import TrackingCodeGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS

from llm_research_lab.experiments.templating.budget import Budget, LimitError
from llm_research_lab.experiments.templating.filters import FILTERS, called
from llm_research_lab.experiments.templating.grammar import (
    TEMPLATE_CHARACTERS,
    TESTS,
    Rewriting,
    Uses,
    cells,
    encodes,
    optional,
    refusals,
)
from llm_research_lab.experiments.templating.operators import (
    BUDGET,
    NUMBER_TESTS,
    OPERATORS,
    written,
)
from llm_research_lab.vocabulary import InvalidError

_RENDER_FAILURES = (
    *(TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError),
    RecursionError,
)
_COMPILE_FAILURES = (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError)
_SHOWN = 200


def _environment() -> ImmutableSandboxedEnvironment:
    """Make the one environment: no loader, no globals, no folding of constants."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=written,
        optimized=False,
        autoescape=False,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update({**FILTERS, **OPERATORS, "_call": called})
    environment.tests = {name: JINJA_TESTS[name] for name in TESTS} | NUMBER_TESTS
    return environment


_ENVIRONMENT = _environment()


class Template:
    """One compiled template. Rendering is safe from many threads at once."""

    __slots__ = ("_compiled", "uses", "where")

    def __init__(self, source: str, where: str) -> None:
        self.where = where
        try:
            self.uses, code = _compiled(_parsed(source, where))
        except _COMPILE_FAILURES as error:
            raise _too_involved(where, error) from error
        self._compiled = jinja2.Template.from_code(_ENVIRONMENT, code, {}, None)

    def render(self, row: Mapping[str, Any]) -> str:
        """Return the text for one row; InvalidError says at which line it failed, and why."""
        values = {"row": dict(row), **row, BUDGET: Budget()}
        try:
            context = self._compiled.new_context(values)
            return "".join(self._compiled.root_render_func(context))
        except _RENDER_FAILURES as error:
            line = self._line(error.__traceback__)
            raise _failed(f"{self.where}, line {line}", error) from error

    def _line(self, traceback: TracebackType | None) -> int:
        line = 1
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == "<template>":
                line = self._compiled.get_corresponding_lineno(traceback.tb_lineno)
            traceback = traceback.tb_next
        return line


def _compiled(tree: nodes.Template) -> tuple[Uses, CodeType]:
    read, may_lack = cells(tree), optional(tree)
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    tree = Rewriting().visit(tree)
    names = _undeclared(tree)
    whole = "row" in names and "row" not in stored
    uses = Uses(names, read if whole else frozenset(), may_lack & names)
    return uses, _ENVIRONMENT.compile(tree)


def _undeclared(tree: nodes.Template) -> frozenset[str]:
    """Find the names that rendering looks up; `jinja2.meta` has it, but folds constants in place.

    What it folds would be worked out now, without a budget.
    """
    tracker = TrackingCodeGenerator(_ENVIRONMENT)
    tracker.optimizer = None
    tracker.visit(tree)
    return frozenset(tracker.undeclared_identifiers)


def _parsed(source: str, where: str) -> nodes.Template:
    if len(source) > TEMPLATE_CHARACTERS:
        raise InvalidError(
            where,
            f"a template of at most {TEMPLATE_CHARACTERS:,} characters",
            f"{len(source):,}",
            "move the data into the dataset",
        )
    if not encodes(source):
        raise InvalidError(where, "text", "half of a character", "write the character itself")
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise InvalidError(
            f"{where}, line {error.lineno}",
            "a Jinja2 template",
            str(error.message),
            "mend it there",
        ) from error
    for refusal in refusals(tree):
        raise InvalidError(
            f"{where}, line {refusal.line}",
            "a template over the row's columns",
            refusal.got,
            refusal.fix,
        )
    return tree


def _too_involved(where: str, error: BaseException) -> InvalidError:
    got = f"one that cannot be compiled ({type(error).__name__}: {str(error)[:100]})"
    return InvalidError(where, "a template of moderate depth", got, "write it in simpler parts")


def _failed(where: str, error: BaseException) -> InvalidError:
    if isinstance(error, UndefinedError):
        return InvalidError(where, "a defined value", str(error)[:_SHOWN], "name a column")
    if isinstance(error, LimitError):
        return InvalidError(where, "a rendering within its limits", str(error), "do less in it")
    reason = f"{type(error).__name__}: {str(error)[:_SHOWN]}"
    return InvalidError(where, "a row that the template can render", reason, "mend the template")
