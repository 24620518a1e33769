"""Types fit: every function, operator and aggregation gets what it takes.

Source: Prometheus, promql/parser/parse.go (checkAST).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from llm_research_lab.promql.cursor import DEPTH, too_deep
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.functions import (
    AGGREGATION_PARAMS,
    EDGES,
    RENAMED,
    SIGNATURES,
    Signature,
)
from llm_research_lab.promql.lexing import shown
from llm_research_lab.promql.nodes import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Matching,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
    Unary,
    ValueType,
)
from llm_research_lab.promql.places import refusal
from llm_research_lab.promql.walking import walk_depths

SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})

_NAMES: dict[ValueType, str] = {
    "scalar": "a scalar",
    "string": "a string",
    "vector": "an instant vector",
    "matrix": "a range vector",
}


def type_of(expr: Expr) -> ValueType:
    """Give the type of the expression's value. The expression is one that `parse` gave."""
    while isinstance(expr, (Paren, Unary)):
        expr = expr.expr
    if isinstance(expr, Binary):
        both = {type_of(expr.left), type_of(expr.right)}
        return "scalar" if both == {"scalar"} else "vector"
    if isinstance(expr, Call):
        return SIGNATURES[expr.function].returns
    if isinstance(expr, Number):
        return "scalar"
    if isinstance(expr, String):
        return "string"
    return "matrix" if isinstance(expr, (Range, Subquery)) else "vector"


def checked(expr: Expr, text: str, *, experimental: bool) -> Expr:
    """Settle each matching of the expression, or raise ExpressionError at its first fault."""
    for found, depth in walk_depths(expr):
        if depth > DEPTH:
            raise too_deep(text, found.span.start)
    return _Checker(text, experimental).check(expr)[0]


Typed = tuple[Expr, ValueType]


@dataclass(frozen=True, slots=True)
class _Checker:
    """The text that errors point into, and what is allowed."""

    text: str
    experimental: bool

    def refuse(self, expr: Expr, expected: str, got: str, fix: str) -> ExpressionError:
        return refusal(self.text, expr.span.start, expected, got, fix)

    def check(self, expr: Expr) -> Typed:
        """Check the inner first; give the expression and its type."""
        if isinstance(expr, Binary):
            return self.binary(expr)
        if isinstance(expr, Call):
            return self.call(expr)
        if isinstance(expr, Aggregation):
            return self.aggregation(expr)
        if isinstance(expr, (Paren, Unary)):
            return self.wrapped(expr)
        if isinstance(expr, Subquery):
            return replace(expr, expr=self.demand(expr.expr, "vector", "a subquery")), "matrix"
        if isinstance(expr, (Range, Selector)):
            self.selects(expr.selector if isinstance(expr, Range) else expr)
        return expr, type_of(expr)

    def demand(self, expr: Expr, wanted: ValueType, whose: str) -> Expr:
        """Check the expression, and that it is of the type."""
        inner, got = self.check(expr)
        if got != wanted:
            fix = f"give {_NAMES[wanted]}"
            if (wanted, got) == ("matrix", "vector"):
                fix = "add a range such as [5m], or [5m:] after an expression"
            raise self.refuse(expr, f"{_NAMES[wanted]} in {whose}", _NAMES[got], fix)
        return inner

    def selects(self, selector: Selector) -> None:
        """Refuse a selector of everything."""
        if all(matcher.matches("") for matcher in selector.matchers):
            raise self.refuse(
                selector,
                "a metric name or a matcher that does not accept the empty value",
                "a selector of all series",
                "name the metric, or a label that must be there",
            )

    def wrapped(self, expr: Paren | Unary) -> Typed:
        inner, got = self.check(expr.expr)
        if isinstance(expr, Unary) and got not in {"scalar", "vector"}:
            raise self.refuse(
                expr,
                f'a scalar or an instant vector after "{expr.op}"',
                _NAMES[got],
                "remove the sign",
            )
        return replace(expr, expr=inner), got

    def aggregation(self, expr: Aggregation) -> Typed:
        param = expr.param
        if param is not None:
            param = self.demand(param, AGGREGATION_PARAMS[expr.op], f"{expr.op}'s parameter")
        return replace(expr, expr=self.demand(expr.expr, "vector", expr.op), param=param), "vector"

    def call(self, expr: Call) -> Typed:
        signature = self.signature(expr)
        args, whose = [], f"the call of {expr.function}"
        for place, arg in enumerate(expr.args):
            if expr.function == "info" and place == 1:
                self.labels_alone(arg)
                args.append(arg)
                continue
            wanted = signature.args[min(place, len(signature.args) - 1)]
            args.append(self.demand(arg, wanted, whose))
            self.edges(arg, expr.function)
        return replace(expr, args=tuple(args)), signature.returns

    def signature(self, expr: Call) -> Signature:
        """Give the function's signature; the number of arguments fits."""
        signature = SIGNATURES.get(expr.function)
        if signature is None:
            near = difflib.get_close_matches(expr.function[:60], SIGNATURES, 1)
            now = RENAMED.get(expr.function) or next(iter(near), "")
            fix = f"write {now}" if now else "see the functions of PromQL"
            raise self.refuse(expr, "a function of PromQL", shown(expr.function), fix)
        if signature.experimental and not self.experimental:
            raise self.refuse(
                expr,
                "what Prometheus has by default",
                f"the function {expr.function}, which is experimental",
                "allow experimental functions, or write it without",
            )
        least, most, got = signature.least, signature.most, len(expr.args)
        if got < least or (most is not None and got > most):
            count = f"{least}" if most == least else f"{least} or more" if most is None else ""
            raise self.refuse(
                expr,
                f"{count or f'{least} to {most}'} arguments of {expr.function}",
                str(got),
                "see its signature",
            )
        return signature

    def labels_alone(self, arg: Expr) -> None:
        """Refuse what is no selector of labels; one of everything is fine here."""
        if not isinstance(arg, Selector) or arg.name is not None:
            raise self.refuse(
                arg,
                "label matchers in braces, without a metric name, as info's second argument",
                "another expression",
                'write {label="value"}',
            )

    def edges(self, arg: Expr, function: str) -> None:
        """Refuse anchored and smoothed where the function does not know them."""
        while isinstance(arg, Paren):
            arg = arg.expr
        edges = arg.selector.edges if isinstance(arg, Range) else ""
        if edges and function not in EDGES[edges]:
            known = ", ".join(sorted(EDGES[edges]))
            raise self.refuse(
                arg,
                f"a range without {edges}",
                f"{edges} modifier can only be used with: {known} - not with {function}",
                f"remove {edges}",
            )

    def binary(self, expr: Binary) -> Typed:
        left, left_type = self.check(expr.left)
        right, right_type = self.check(expr.right)
        for side, kind in ((expr.left, left_type), (expr.right, right_type)):
            if kind not in {"scalar", "vector"}:
                raise self.refuse(
                    side,
                    f'a scalar or an instant vector beside "{expr.op}"',
                    _NAMES[kind],
                    "use a function over the range" if kind == "matrix" else "remove the string",
                )
        vectors = (left_type, right_type).count("vector")
        self.bool_fits(expr, vectors)
        if vectors == 2:  # noqa: PLR2004 - both
            return replace(expr, left=left, right=right, matching=self.meeting(expr)), "vector"
        self.no_meeting(expr)
        both: ValueType = "vector" if vectors else "scalar"
        return replace(expr, left=left, right=right, matching=None), both

    def bool_fits(self, expr: Binary, vectors: int) -> None:
        """``bool`` stands at comparisons, and must between scalars."""
        if expr.bool_modifier and expr.op not in COMPARISONS:
            raise self.refuse(expr, "bool at a comparison", f'it at "{expr.op}"', "remove bool")
        if expr.op in COMPARISONS and not vectors and not expr.bool_modifier:
            raise self.refuse(
                expr,
                "bool between two scalars",
                f'"{expr.op}" without it',
                f"write {expr.op} bool",
            )

    def no_meeting(self, expr: Binary) -> None:
        """Refuse a set operator, matching labels or a fill where a side is a scalar."""
        if expr.op in SET_OPERATORS:
            raise self.refuse(
                expr,
                f"instant vectors on both sides of {expr.op}",
                "a scalar",
                "write vector(…) around it",
            )
        written = expr.matching or Matching("one-to-one")
        if written.labels or (written.fill_left, written.fill_right) != (None, None):
            raise self.refuse(
                expr,
                "instant vectors on both sides, where their matching is written",
                "a scalar",
                "remove the matching",
            )

    def meeting(self, expr: Binary) -> Matching:
        """Settle the matching of two vectors."""
        matching = expr.matching or Matching("one-to-one")
        if expr.op in SET_OPERATORS:
            return self.set_meeting(expr, matching)
        twice = sorted(set(matching.labels) & set(matching.include)) if matching.on else []
        if twice:
            raise self.refuse(
                expr,
                "a label in on or in the group modifier",
                f"{twice[0]} in both",
                "remove it from one",
            )
        return matching

    def set_meeting(self, expr: Binary, matching: Matching) -> Matching:
        if matching.card != "one-to-one":
            raise self.refuse(
                expr, f"no grouping at {expr.op}", "a group modifier", "remove the group modifier"
            )
        if matching.fill_left is not None or matching.fill_right is not None:
            raise self.refuse(expr, f"no filling at {expr.op}", "a fill", "remove the fill")
        return replace(matching, card="many-to-many")
