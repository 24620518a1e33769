"""An expression is a tree of frozen nodes, each with its place in the text.

The tree says what was written; `plan` says what it needs, `evaluate` what it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llm_research_lab.vocabulary.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of the expression's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LengthNode:
    """Arithmetic in a duration: milliseconds are known when step and range are (`lengths.resolve`).

    `op`: + - * / % ^ of two, neg of one, step and range of none, min and max of two.
    Leaves are numbers of seconds, as Prometheus computes them.
    """

    op: str
    operands: tuple[LengthNode | float, ...]
    span: Span


Length = int | LengthNode
"""A duration: milliseconds, or an expression of them."""


@dataclass(frozen=True, slots=True)
class At:
    """The ``@`` modifier: a fixed instant, or the query's start or end."""

    kind: Literal["time", "start", "end"]
    time_ms: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `duration` when it was written as one (``5m`` is 300)."""

    value: float
    span: Span
    duration: bool = False


@dataclass(frozen=True, slots=True)
class String:
    """A string."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector. `matchers` hold the name's matcher too when `name` is given."""

    name: str | None
    matchers: tuple[Matcher, ...]
    span: Span
    offset: Length = 0
    at: At | None = None
    edges: Literal["", "anchored", "smoothed"] = ""
    align: Length = 0
    """The instant looked at is the last multiple of this; 0: any."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range vector selector; offset, @ and edges are its selector's."""

    selector: Selector
    range: Length
    span: Span


@dataclass(frozen=True, slots=True)
class Subquery:
    """``expr[range:step]``; `step` None means the default evaluation interval.

    The steps are absolute multiples of `step`; with `aligned`, ``expr[range::step]``, they are
    counted back from the instant.
    """

    expr: Expr
    range: Length
    step: Length | None
    span: Span
    offset: Length = 0
    at: At | None = None
    align: Length = 0
    aligned: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments."""

    function: str
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Aggregation:
    """``op by|without (grouping) (param, expr)``; `by` without names is the empty grouping."""

    op: str
    expr: Expr
    param: Expr | None
    grouping: tuple[str, ...]
    without: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Matching:
    """How two vectors meet. `on` False means ignoring; `fill_*` None means no filling."""

    card: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two; `matching` is None unless both are vectors."""

    op: str
    left: Expr
    right: Expr
    span: Span
    matching: Matching | None = None
    bool_modifier: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    """``+`` or ``-`` of one."""

    op: Literal["+", "-"]
    expr: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression in parentheses."""

    expr: Expr
    span: Span


Expr = Number | String | Selector | Range | Subquery | Call | Aggregation | Binary | Unary | Paren

ValueType = Literal["scalar", "string", "vector", "matrix"]
