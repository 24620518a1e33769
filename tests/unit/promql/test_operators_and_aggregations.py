"""Operators and aggregations over a grid answer at each instant as they would at that one alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql import instant_twins as twin

from llm_research_lab.promql import Annotations, Options
from llm_research_lab.promql.aggregating import aggregate
from llm_research_lab.promql.binary import binary
from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.floats import format_float, format_open_metrics
from llm_research_lab.promql.hashing import hash_of, xxh64
from llm_research_lab.promql.nodes import Aggregation, Binary, Matching, Number, Span
from llm_research_lab.promql.values import Block, ScalarValue, StringValue
from llm_research_lab.vocabulary.labels import labels_of

NAN, INF = math.nan, math.inf
SPAN = Span(0, 0)
ZERO = Number(0, SPAN)
STEPS = 3
VALUES = st.sampled_from([0.0, 1.0, 2.0, -3.0, 0.1, 1e16, NAN, INF, -INF])
LABELS = st.fixed_dictionaries(
    {"__name__": st.sampled_from("mn")}, optional={name: st.sampled_from("xy") for name in "abc"}
).map(labels_of)


@st.composite
def blocks(draw, values=VALUES):
    labels = draw(st.lists(LABELS, unique=True, max_size=5))
    cells = st.lists(values, min_size=STEPS, max_size=STEPS)
    here = st.lists(st.booleans(), min_size=STEPS, max_size=STEPS).filter(any)
    rows = [(draw(cells), draw(here)) for _ in labels]
    return Block(
        tuple(labels),
        np.array([row for row, _ in rows], dtype=np.float64).reshape(-1, STEPS),
        np.array([row for _, row in rows], dtype=np.bool_).reshape(-1, STEPS),
    )


def at(block, step):
    return {
        labels: float(block.values[row, step])
        for row, labels in enumerate(block.labels)
        if block.present[row, step]
    }


def same(got, expected, close=False):
    assert got.keys() == expected.keys()
    for labels, value in expected.items():
        if close:
            assert got[labels] == pytest.approx(value, nan_ok=True)
        else:
            assert got[labels] == value or (math.isnan(value) and math.isnan(got[labels]))


NAMES = st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(tuple)


@st.composite
def matchings(draw):
    card = draw(st.sampled_from(["one-to-one", "many-to-one", "one-to-many"]))
    on, names = draw(st.booleans()), draw(NAMES)
    include = () if card == "one-to-one" else draw(NAMES)
    return Matching(card, on, names, tuple(n for n in include if not (on and n in names)))


OPERATORS = st.sampled_from([*twin.COMPUTED, *twin.COMPARED])


@given(blocks(), blocks(), OPERATORS, st.booleans(), matchings())
def test_two_vectors_meet_at_each_instant_alone(left, right, op, boolean, matching):
    boolean = boolean and op in twin.COMPARED
    expr = Binary(op, ZERO, ZERO, SPAN, matching, boolean)
    try:
        expected = [
            twin.join(op, at(left, t), at(right, t), boolean, matching) for t in range(STEPS)
        ]
    except twin.RefusedError:
        with pytest.raises(ExpressionError):
            binary(expr, left, right, Options(), Annotations())
        return
    got = binary(expr, left, right, Options(), Annotations())
    # Two libraries of mathematics may differ in the last digit of these.
    close = op in {"atan2", "^"}
    for t in range(STEPS):
        same(at(got, t), expected[t], close)


@given(blocks(), blocks(), st.sampled_from(["and", "or", "unless"]), st.booleans(), NAMES)
def test_sets_are_of_the_series_there_at_each_instant(left, right, op, on, names):
    matching = Matching("many-to-many", on, names)
    expr = Binary(op, ZERO, ZERO, SPAN, matching)
    try:
        expected = [twin.sets(op, at(left, t), at(right, t), matching) for t in range(STEPS)]
    except twin.RefusedError:
        with pytest.raises(ExpressionError, match="same labelset"):
            binary(expr, left, right, Options(), Annotations())
        return
    got = binary(expr, left, right, Options(), Annotations())
    for t in range(STEPS):
        same(at(got, t), expected[t])


def aggregated(  # noqa: PLR0917 - what an aggregation has
    op, block, grouping, no, param, compat=3
):
    expr = Aggregation(op, ZERO, ZERO, grouping, no, SPAN)
    value = None if param is None else ScalarValue(np.full(STEPS, float(param)))
    return aggregate(expr, block, value, Options(compat=compat), Annotations())


PHIS = st.sampled_from([-1.0, 0.0, 0.3, 0.5, 1.0, 2.0, NAN])


@given(
    blocks(), st.sampled_from([*twin.GATHER]), NAMES, st.booleans(), PHIS, st.sampled_from([2, 3])
)
def test_a_group_is_gathered_at_each_instant_alone(  # noqa: PLR0917 - what an aggregation has
    block, op, grouping, no, phi, compat
):
    got = aggregated(op, block, grouping, no, phi, compat)
    for t in range(STEPS):
        same(at(got, t), twin.gather(op, at(block, t), grouping, no, phi, compat))


@given(blocks(st.integers(-9, 9).map(float)), NAMES, st.booleans(), st.sampled_from([2, 3]))
def test_an_average_is_the_sum_over_the_count(block, grouping, no, compat):
    got = aggregated("avg", block, grouping, no, None, compat)
    for t in range(STEPS):
        sums = twin.gather("sum", at(block, t), grouping, no, None, 3)
        counts = twin.gather("count", at(block, t), grouping, no, None, 3)
        same(at(got, t), {k: sums[k] / counts[k] for k in sums}, close=True)


CHOICES = [("limitk", 2), ("limitk", 0), ("limit_ratio", 0.5), ("limit_ratio", -0.5)]


@given(blocks(), st.sampled_from(CHOICES), NAMES, st.booleans())
def test_series_are_chosen_at_each_instant_alone(block, choice, grouping, no):
    got = aggregated(choice[0], block, grouping, no, choice[1])
    for t in range(STEPS):
        same(at(got, t), twin.choose(choice[0], at(block, t), grouping, no, choice[1]))


@given(blocks(), st.sampled_from(["topk", "bottomk"]), st.integers(-1, 4), NAMES, st.booleans())
def test_the_kept_are_as_many_and_as_great_as_the_best(block, op, k, grouping, no):
    got = aggregated(op, block, grouping, no, k)
    for t in range(STEPS):
        expected = twin.choose(op, at(block, t), grouping, no, k)
        mine = at(got, t)
        assert mine.items() <= at(block, t).items() or any(math.isnan(v) for v in mine.values())
        for key, members in twin.groups(expected, grouping, no).items():
            values = [v for _, v in twin.groups(mine, grouping, no)[key]]
            assert sorted(map(repr, values)) == sorted(repr(v) for _, v in members)


@given(blocks(), NAMES, st.booleans())
def test_values_are_counted_under_their_text(block, grouping, no):
    grouping = tuple(name for name in grouping if name != "a")
    expr = Aggregation("count_values", ZERO, ZERO, grouping, no, SPAN)
    got = aggregate(expr, block, StringValue("a"), Options(), Annotations())
    for t in range(STEPS):
        expected = {}
        for labels, value in at(block, t).items():
            marked = labels_of({**dict(labels), "a": format_float(value)})
            key = twin.group_of(marked, grouping if no else (*grouping, "a"), no)
            expected[key] = expected.get(key, 0.0) + 1
        same(at(got, t), expected)


@pytest.mark.parametrize(
    ("value", "f", "g"),
    [
        (1e6, "1000000", "1e+06"),
        (1e19, "10000000000000000000", "1e+19"),
        (123456.0, "123456", "123456"),
        (-1234567.5, "-1234567.5", "-1.2345675e+06"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "0.00001", "1e-05"),
        (-0.0, "-0", "-0"),
        (NAN, "NaN", "NaN"),
        (INF, "+Inf", "+Inf"),
        (-INF, "-Inf", "-Inf"),
    ],
)
def test_a_float_is_written_as_go_writes_it(value, f, g):
    assert (format_float(value), format_float(value, "g")) == (f, g)


def test_a_whole_float_in_a_label_has_a_point():
    shown = [format_open_metrics(value) for value in (1.0, 0.5, 1e7, INF, NAN)]
    assert shown == ["1.0", "0.5", "1e+07", "+Inf", "NaN"]


def test_xxh64_is_the_published_one():
    assert xxh64(b"") == 0xEF46DB3751D8E999
    assert xxh64(b"a") == 0xD24EC4F1A98C6E5B
    assert xxh64(b"abc") == 0x44BC2CF5AD770999
    assert xxh64(b"as") == 0x1C330FB2D66BE179
    assert xxh64(b"asdf") == 0x415872F599CEA71E
    long = b"Call me Ishmael. Some years ago--never mind how long precisely-"
    assert xxh64(long) == 0x02A2E85470D6FD96
    assert hash_of((("a", "b"),)) == xxh64(b"a\xffb\xff")
