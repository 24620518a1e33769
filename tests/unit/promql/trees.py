"""Hypothesis makes expressions as `parse` gives them: types fit, matchings settled, no places."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

from hypothesis import strategies as st

from llm_research_lab.promql import (
    SIGNATURES,
    Aggregation,
    At,
    Binary,
    Call,
    LengthNode,
    Matching,
    Number,
    Paren,
    Range,
    Selector,
    Span,
    String,
    Subquery,
    Unary,
)
from llm_research_lab.promql.functions import AGGREGATION_PARAMS, EDGES
from llm_research_lab.promql.lexing import AGGREGATORS
from llm_research_lab.promql.parsing import PRECEDENCE
from llm_research_lab.promql.printing import print_matcher
from llm_research_lab.vocabulary.matchers import Matcher

NOWHERE = Span(0, 0)
SETS = ["and", "or", "unless"]
COMPARISONS = ["==", "!=", "<", ">", "<=", ">="]
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2", "bitand", "bitor", "bitxor"]
LENGTH_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "neg": 2, "^": 3}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
label_names = st.sampled_from(
    ["a", "job", "le", "by", "on", "sum", "offset", "Inf_", "a.b", "ä", '"']
)
metric_names = st.sampled_from(
    [
        "up",
        "a:b",
        ":c",
        "sum",
        "and",
        "offset",
        "by",
        "fill",
        "start",
        "anchored",
        "step",
        "without",
    ]
)
numbers = st.floats() | st.sampled_from([0.0, -1.0, 5.0, 1e-7, 1e21, 123456789.0])
milliseconds = st.integers(1, 10**11)


def bare(value):
    """The same without places."""
    if isinstance(value, tuple):
        return tuple(bare(one) for one in value)
    if not is_dataclass(value):
        return value
    if isinstance(value, Span):
        return NOWHERE
    return replace(value, **{one.name: bare(getattr(value, one.name)) for one in fields(value)})


def same(one, other):
    """Whether two expressions say the same; NaN is NaN."""
    return repr(bare(one)) == repr(bare(other))


def wrapped(node, when):
    """In parentheses where it would read otherwise."""
    if not when:
        return node
    if isinstance(node, LengthNode):
        return LengthNode("paren", (node,), NOWHERE)
    return Paren(node, NOWHERE)


def length_rank(node):
    return LENGTH_PRECEDENCE.get(node.op, 9) if isinstance(node, LengthNode) else 9


def length_of_two(parts):
    op, left, right = parts
    rank = LENGTH_PRECEDENCE[op]
    left_worse = length_rank(left) < rank or (length_rank(left) == rank and op == "^")
    right_worse = length_rank(right) < rank or (length_rank(right) == rank and op != "^")
    right_worse = right_worse and getattr(right, "op", "") != "neg"
    return LengthNode(op, (wrapped(left, left_worse), wrapped(right, right_worse)), NOWHERE)


def length_functions(inner):
    both = st.tuples(inner, inner)
    none = st.sampled_from(["step", "range"]).map(lambda op: LengthNode(op, (), NOWHERE))
    two = st.tuples(st.sampled_from(["min", "max"]), both)
    return none | two.map(lambda parts: LengthNode(parts[0], parts[1], NOWHERE))


def arithmetic(inner):
    two = st.tuples(st.sampled_from("+-*/%^"), inner, inner).map(length_of_two)
    minus = inner.map(
        lambda node: LengthNode("neg", (wrapped(node, length_rank(node) < 3),), NOWHERE)
    )
    return two | minus | length_functions(inner)


seconds = milliseconds.map(lambda one: one / 1000)
length_leaves = seconds | seconds.map(lambda one: LengthNode("duration", (one,), NOWHERE))
length_nodes = st.recursive(length_leaves, arithmetic, max_leaves=4)


def is_literal(node):
    if not isinstance(node, LengthNode):
        return True
    return node.op in {"duration", "paren", "neg"} and is_literal(node.operands[0])


ranges = milliseconds | length_nodes.filter(lambda node: not is_literal(node))


def as_offset(node):
    """As after `offset`: arithmetic in parentheses, a sign before."""
    if node.op == "neg" and length_rank(node.operands[0]) < 9:
        node = LengthNode("neg", (LengthNode("paren", node.operands, NOWHERE),), NOWHERE)
    return wrapped(node, length_rank(node) < 9 and node.op != "neg")


offsets = (
    st.just(0)
    | st.integers(-(10**11), 10**11)
    | length_nodes.filter(lambda node: not is_literal(node)).map(as_offset)
)
aligns = st.just(0) | milliseconds
ats = (
    st.none()
    | st.builds(At, st.just("time"), st.integers(-(10**13), 10**13))
    | st.sampled_from([At("start"), At("end")])
)
patterns = st.sampled_from(["a|b", "4..", ".+", "", "(x)?"])
matchers = st.builds(Matcher, label_names, st.sampled_from(["=", "!="]), words) | st.builds(
    Matcher, label_names, st.sampled_from(["=~", "!~"]), patterns
)


def series(parts):
    name, found = parts
    found = tuple(sorted(found, key=print_matcher))
    if name is None:
        named = Matcher("__name__", "=", "my.metric")
        return None, tuple(sorted((*found, named), key=print_matcher))
    return name, (*found, Matcher("__name__", "=", name))


selected = st.tuples(st.none() | metric_names, st.lists(matchers, max_size=3)).map(series)


def selectors(edges):
    return st.builds(
        lambda pair, offset, at, edge, align: Selector(*pair, NOWHERE, offset, at, edge, align),
        selected,
        offsets,
        ats,
        st.sampled_from(edges),
        aligns,
    )


def rank(expr):
    """How tightly it binds as an operand on the left."""
    if isinstance(expr, Binary):
        return PRECEDENCE[expr.op]
    signed = isinstance(expr, Unary) or (isinstance(expr, Number) and str(expr.value)[0] == "-")
    return 5 if signed or (isinstance(expr, Number) and expr.value == float("inf")) else 9


def of_two(op, left, right, matching, bool_modifier):
    own = PRECEDENCE[op]
    left_worse = rank(left) < own or (isinstance(left, Binary) and rank(left) == own and op == "^")
    right_worse = isinstance(right, Binary) and (
        rank(right) < own or (rank(right) == own and op != "^")
    )
    return Binary(
        op, wrapped(left, left_worse), wrapped(right, right_worse), NOWHERE, matching, bool_modifier
    )


def signed(parts):
    """A sign before anything but a number, which would take it in."""
    op, expr = parts
    worse = isinstance(expr, Number) or (isinstance(expr, Binary) and expr.op != "^")
    return Unary(op, wrapped(expr, worse), NOWHERE)


def with_bool(ops, always):
    return (
        st.sampled_from(ops)
        .flatmap(
            lambda op: st.tuples(
                st.just(op), st.just(True) if always and op in COMPARISONS else st.booleans()
            )
        )
        .map(lambda pair: (pair[0], pair[1] and pair[0] in COMPARISONS))
    )


@st.composite
def matchings(draw, op):
    on, names = draw(st.booleans()), tuple(draw(st.lists(label_names, max_size=2)))
    if op in SETS:
        return Matching("many-to-many", on, names)
    card = draw(st.sampled_from(["one-to-one", "many-to-one", "one-to-many"]))
    include = () if card == "one-to-one" else tuple(draw(st.lists(label_names, max_size=2)))
    include = tuple(name for name in include if not (on and name in names))
    fills = st.none() | numbers
    return Matching(card, on, names, include, draw(fills), draw(fills))


@st.composite
def calls(draw, returns, depth):
    names = [name for name, one in SIGNATURES.items() if one.returns == returns and name != "info"]
    found = SIGNATURES[draw(st.sampled_from(names))]
    most = min(found.least + 2, 9 if found.most is None else found.most)
    count = draw(st.integers(found.least, most))
    edges = ["", *[edge for edge, known in EDGES.items() if found.name in known]]
    types = [found.args[min(place, len(found.args) - 1)] for place in range(count)]
    return Call(found.name, tuple(draw(of_type(one, depth - 1, edges)) for one in types), NOWHERE)


@st.composite
def scalars(draw, depth):
    kind = draw(st.integers(0, 4 if depth > 0 else 1))
    if kind == 0:
        return Number(draw(numbers), NOWHERE)
    if kind == 1:
        return Number(draw(milliseconds) / 1000, NOWHERE, duration=True)
    if kind == 2:
        return draw(calls("scalar", depth))
    inner = scalars(depth - 1)
    if kind == 3:
        return draw(st.tuples(st.sampled_from("+-"), inner).map(signed))
    op, bool_modifier = draw(with_bool([*ARITHMETIC, *COMPARISONS], always=True))
    return of_two(op, draw(inner), draw(inner), None, bool_modifier)


@st.composite
def aggregations(draw, depth):
    op = draw(st.sampled_from(sorted(AGGREGATORS)))
    param = draw(of_type(AGGREGATION_PARAMS[op], depth - 1)) if op in AGGREGATION_PARAMS else None
    grouping = tuple(draw(st.lists(label_names, max_size=2)))
    return Aggregation(op, draw(vectors(depth - 1)), param, grouping, draw(st.booleans()), NOWHERE)


@st.composite
def vectors(draw, depth):
    kind = draw(st.integers(0, 6)) if depth > 0 else 0
    if kind in {0, 6}:
        return draw(selectors(["", "anchored", "smoothed"]))
    if kind == 1:
        return draw(calls("vector", depth))
    if kind == 2:
        return draw(aggregations(depth))
    if kind == 3:
        return draw(st.tuples(st.sampled_from("+-"), vectors(depth - 1)).map(signed))
    left, right = draw(st.permutations([vectors(depth - 1), scalars(depth - 1)]))
    op, bool_modifier = draw(with_bool([*ARITHMETIC, *COMPARISONS], always=False))
    if kind == 4:
        return of_two(op, draw(left), draw(right), None, bool_modifier)
    op, bool_modifier = draw(with_bool([*SETS, *ARITHMETIC, *COMPARISONS], always=False))
    both = draw(vectors(depth - 1)), draw(vectors(depth - 1))
    return of_two(op, *both, draw(matchings(op)), bool_modifier)


@st.composite
def matrices(draw, depth, edges=("",)):
    if depth <= 0 or draw(st.booleans()):
        return Range(draw(selectors(edges)), draw(ranges), NOWHERE)
    inner = draw(vectors(depth - 1))
    inner = wrapped(inner, isinstance(inner, (Binary, Unary)))
    step = draw(st.none() | ranges)
    when = draw(offsets), draw(ats), draw(aligns), draw(st.booleans())
    return Subquery(inner, draw(ranges), step, NOWHERE, *when)


def of_type(wanted, depth, edges=("",)):
    if wanted == "matrix":
        return matrices(depth, edges)
    if wanted == "string":
        return st.builds(String, words, st.just(NOWHERE))
    return scalars(depth) if wanted == "scalar" else vectors(depth)


expressions = st.sampled_from(["scalar", "vector", "matrix", "string"]).flatmap(
    lambda wanted: of_type(wanted, 3)
)
