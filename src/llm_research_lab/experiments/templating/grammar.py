"""What is not on this list is not in the language; what is, is rewritten to charge its work."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from llm_research_lab.experiments.templating.budget import BITS
from llm_research_lab.experiments.templating.filters import FILTERS, METHODS

TEMPLATE_CHARACTERS = 1 << 16
"""The longest template."""

TESTS = frozenset(
    "defined undefined none string number integer float boolean mapping sequence odd even "  # noqa: SIM905 - a list would be thirty lines
    "divisibleby in true false eq ne lt le gt ge == != < <= > >= equalto".split()
)

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.With, nodes.Assign),
    *(nodes.AssignBlock, nodes.Name, nodes.Const, nodes.TemplateData, nodes.Tuple, nodes.List),
    *(nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test),
    *(nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare),
    *(nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub),
    *(nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
)
_RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_BINARY = {
    nodes.Add: "_add",
    nodes.Sub: "_sub",
    nodes.Mul: "_mul",
    nodes.Div: "_div",
    nodes.FloorDiv: "_floordiv",
    nodes.Mod: "_mod",
    nodes.Pow: "_pow",
}


@dataclass(frozen=True, slots=True)
class Uses:
    """What a template reads: names, `cells` of ``row["…"]``, and the names that it can do without.

    `optional` names stand somewhere under ``default`` or ``is defined``; such cells are left out.
    """

    names: frozenset[str]
    cells: frozenset[str]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing of a template that the language does not have."""

    line: int
    got: str
    fix: str


def refusals(tree: nodes.Template) -> Iterator[Refusal]:
    """Find everything in the tree that is outside the language, in no fixed order."""
    for node in (tree, *tree.find_all(nodes.Node)):
        found = _refused(node)
        if found is not None:
            yield Refusal(node.lineno or 1, *found)


def _refused(node: nodes.Node) -> tuple[str, str] | None:
    if not isinstance(node, _ALLOWED):
        return f"{{% {type(node).__name__.lower()} %}}", "use if, for, set and with alone"
    if isinstance(node, nodes.For) and node.recursive:
        return "a recursive loop", "write nested loops"
    if isinstance(node, nodes.Filter | nodes.Test):
        return _refused_word(node)
    if isinstance(node, nodes.Call):
        return _refused_call(node)
    return _refused_leaf(node)


def _refused_leaf(node: nodes.Node) -> tuple[str, str] | None:
    if isinstance(node, nodes.Const):
        return _refused_constant(node.value)
    name = _name_of(node)
    if name.startswith("_") or (isinstance(node, nodes.Name) and name in _RESERVED):
        return f"the name {name}", "a template reads columns and their fields, nothing of Python"
    return None


def _name_of(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    return node.attr if isinstance(node, nodes.Getattr) else ""


def _refused_constant(value: Any) -> tuple[str, str] | None:
    if isinstance(value, str) and not encodes(value):
        return "half of a character", "write the character itself"
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is too large", "write a smaller one"
    if isinstance(value, int) and value.bit_length() > BITS:
        return "a number that is too large", "write a smaller one"
    return None


def encodes(text: str) -> bool:
    """Whether UTF-8 has bytes for the text: it holds no half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refused_word(node: nodes.Filter | nodes.Test) -> tuple[str, str] | None:
    known = frozenset(FILTERS) if isinstance(node, nodes.Filter) else TESTS
    kind = type(node).__name__.lower()
    if node.node is None:
        return "a filter without a value", "write {{ value | filter }}"
    if node.dyn_args or node.dyn_kwargs:
        return "arguments with *", "write the arguments out"
    if node.name not in known:
        return f"the {kind} {node.name}", f"use one of: {', '.join(sorted(known))}"
    return None


def _refused_call(node: nodes.Call) -> tuple[str, str] | None:
    if node.dyn_args or node.dyn_kwargs:
        return "arguments with *", "write the arguments out"
    if isinstance(node.node, nodes.Name) and node.node.name == "range":
        return None if node.args and not node.kwargs else ("range()", "write range(10)")
    if isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS:
        return None
    called = _name_of(node.node) or "an expression"
    return f"a call of {called}", f"call range or a method of: {', '.join(sorted(METHODS))}"


class Rewriting(NodeTransformer):
    """Rewrites a tree of the language so that every value read or made is charged."""

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802 - Jinja2's visitor
        """Charge a name that is read."""
        return _charged(node) if node.ctx == "load" else node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Expr:  # noqa: N802
        """Count literal text as output, each time that it is written."""
        return nodes.Const(node.data, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        """Charge each round by what the body holds."""
        cost = _weight(node)
        self.generic_visit(node)
        node.iter = _operator("_each", node.iter, nodes.Const(cost))
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802
        """Turn ``range(…)`` and ``value.method(…)`` into operators."""
        callee = node.node
        if isinstance(callee, nodes.Getattr):
            value, name = self.visit(callee.node), nodes.Const(callee.attr)
            node.node = nodes.Const(None)
            self.generic_visit(node)
            return _charged(_operator("_call", value, name, *node.args, keywords=node.kwargs))
        self.generic_visit(node)
        return _operator("_range", *node.args)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802
        """Turn ``value.field`` into a look-up in plain data, or in a fact of the loop."""
        if not (isinstance(node.node, nodes.Name) and node.node.name == "loop"):
            self.generic_visit(node)
        return _charged(_operator("_item", node.node, nodes.Const(node.attr)))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        """Turn ``value[key]`` and ``value[a:b]`` into look-ups in plain data."""
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            parts = (node.arg.start, node.arg.stop, node.arg.step)
            return _charged(
                _operator("_slice", node.node, *(part or nodes.Const(None) for part in parts))
            )
        return _charged(_operator("_item", node.node, node.arg))

    def visit_Filter(self, node: nodes.Filter) -> nodes.Expr:  # noqa: N802
        """Charge what a filter makes; its value and arguments charge themselves."""
        self.generic_visit(node)
        return _charged(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        """Join texts the plain way."""
        self.generic_visit(node)
        return _charged(_operator("_concat", *node.nodes))

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        """Visit the children, then turn arithmetic into operators."""
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, nodes.BinExpr) and type(node) in _BINARY:
            return _charged(_operator(_BINARY[type(node)], node.left, node.right))
        if isinstance(node, nodes.Neg | nodes.Pos):
            return _operator("_neg" if isinstance(node, nodes.Neg) else "_pos", node.node)
        if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict):
            return _charged(node) if getattr(node, "ctx", "load") == "load" else node
        return node


def _weight(node: nodes.For) -> int:
    """Count a loop's nodes, in units of work; what it writes is charged as it is written."""
    return 1 + sum(1 for _ in node.find_all(nodes.Node))


def _charged(node: nodes.Expr) -> nodes.Filter:
    return _operator("_read", node)


def _operator(
    name: str, value: nodes.Node, *arguments: nodes.Expr, keywords: list[Any] | None = None
) -> nodes.Filter:
    made = nodes.Filter(value, name, list(arguments), keywords or [], None, None)
    return made.set_lineno(value.lineno or 1)  # type: ignore[return-value]


def cells(tree: nodes.Template) -> frozenset[str]:
    """Return the columns that are read as ``row["…"]`` or ``row.…`` and have no default."""
    methods = {id(call.node) for call in tree.find_all(nodes.Call)}
    found = {
        _cell(node)
        for node in tree.find_all((nodes.Getitem, nodes.Getattr))
        if id(node) not in methods
    }
    return frozenset(name for name in found - set(map(_cell, _spared(tree))) if name is not None)


def _cell(node: nodes.Node) -> str | None:
    """Name the column, when the node is ``row["…"]`` or ``row.…``."""
    if not isinstance(node, nodes.Getitem | nodes.Getattr):
        return None
    if not (isinstance(node.node, nodes.Name) and node.node.name == "row"):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    key = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return key if isinstance(key, str) else None


def optional(tree: nodes.Template) -> frozenset[str]:
    """Return the names that stand under ``default`` or are tested for being defined."""
    return frozenset(node.name for node in _spared(tree) if isinstance(node, nodes.Name))


def _spared(tree: nodes.Template) -> Iterator[nodes.Expr]:
    words = {"default", "d", "defined", "undefined"}
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        if isinstance(node, nodes.Filter | nodes.Test) and node.name in words and node.node:
            yield node.node
