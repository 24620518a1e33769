"""A text is one expression, or an error that points at the first thing wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promql.trees import NOWHERE, bare, same

from llm_research_lab.promql import (
    At,
    Binary,
    ExpressionError,
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
    parse,
    print_expr,
    type_of,
)
from llm_research_lab.promql.cursor import DEPTH
from llm_research_lab.vocabulary.matchers import Matcher


def x(name="x", **fields):
    return Selector(name, (Matcher("__name__", "=", name),), NOWHERE, **fields)


def refused(text, *, experimental=True):
    with pytest.raises(ExpressionError) as caught:
        parse(text, experimental=experimental)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("+1", 1.0),
        ("--1", 1.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-1_0", 1e-10),
        ("1_000.5_0", 1000.5),
        ("010", 8.0),
        ("0_17", 15.0),
        ("08", 8.0),
        ("0777777777777777777777777777", 777777777777777777777777777.0),
        ("0x1F", 31.0),
        ("0X_1f", 31.0),
        ("0x1.8p1", 3.0),
        ("0x.8P-1", 0.25),
        ("0x1p99999", math.inf),
        ("1e999", math.inf),
        ("inf", math.inf),
        ("-Inf", -math.inf),
        ("NaN", math.nan),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("-1500ms", -1.5),
    ],
)
def test_a_numeral_means_what_go_says(text, value):
    found = parse(text)
    assert isinstance(found, Number)
    assert repr(found.value) == repr(value)


@pytest.mark.parametrize("text", ["5m", "-1h30m", "0s"])
def test_a_number_written_as_a_duration_says_so(text):
    found = parse(text)
    assert isinstance(found, Number)
    assert found.duration
    assert print_expr(found) == text


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("1__0", 1),
        ("1_", 1),
        ("5mm", 1),
        ("5m1", 1),
        ("0x", 1),
        ("1 + 1m1h", 5),
        ("1m1m", 1),
        ("0xffffffffffffffff", 1),
        ("400y", 1),
        ("12ab", 1),
        ("0b1", 1),
        ("1.5m", 1),
    ],
)
def test_a_bad_numeral_is_refused_where_it_stands(text, column):
    assert refused(text).where == f"1:{column}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a"', "a"),
        (r"'a'", "a"),
        (r"`a\n`", r"a\n"),
        ("`a\nb\r`", "a\nb"),
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r"'\''", "'"),
        (r'"\x41\101\u00e4\U0001F600é"', "AAä😀é"),
        (r'"\xc3\xa4"', "ä"),
        (r'"a\xff"', "a\N{REPLACEMENT CHARACTER}"),
        ('""', ""),
        ('"#"', "#"),
    ],
)
def test_a_string_means_what_go_says(text, value):
    assert bare(parse(text)) == String(value, NOWHERE)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (r'"a\z"', 3),
        (r'"\400"', 2),
        (r'"\ud800"', 2),
        (r'"\U00110000"', 2),
        (r'"\x4"', 2),
        (r'"\'"', 2),
        ('"a', 1),
        ("'a\nb'", 1),
        ("`a", 1),
        (r'"\\\q"', 4),
    ],
)
def test_a_bad_string_is_refused_where_it_is_wrong(text, column):
    assert refused(text).where == f"1:{column}"


def test_comments_and_blanks_are_nothing():
    assert same(parse("# all\n sum # of\r\n\t( x ) # these"), parse("sum(x)"))


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a or b or c", "(a or b) or c"),
        ("a and b unless c", "(a and b) unless c"),
        ("a and b == c", "a and (b == c)"),
        ("a < b + c", "a < (b + c)"),
        ("a - b + c", "(a - b) + c"),
        ("a + b * c", "a + (b * c)"),
        ("a * b atan2 c % d / e", "(((a * b) atan2 c) % d) / e"),
        ("a + b bitand c bitor d bitxor e ^ f", "a + (((b bitand c) bitor d) bitxor (e ^ f))"),
        ("a * b ^ c", "a * (b ^ c)"),
        ("a ^ b ^ c", "a ^ (b ^ c)"),
        ("-a ^ b", "-(a ^ b)"),
        ("-a * b", "(-a) * b"),
        ("a ^ -b * c", "(a ^ (-b)) * c"),
        ("a + b offset 5m", "a + (b offset 5m)"),
        ("A AND B", "A and B"),
    ],
)
def test_operators_bind_as_in_prometheus(text, same_as):
    def unwrapped(value):
        if isinstance(value, Paren):
            return unwrapped(value.expr)
        if isinstance(value, Binary):
            sides = unwrapped(value.left), unwrapped(value.right)
            return Binary(value.op, *sides, NOWHERE, value.matching)
        if isinstance(value, Unary):
            return Unary(value.op, unwrapped(value.expr), NOWHERE)
        return bare(value)

    one, other = (parse(each, experimental=True) for each in (text, same_as))
    assert unwrapped(one) == unwrapped(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", x()),
        ("x:y", x("x:y")),
        ("x offset 5m", x(offset=300_000)),
        ("x offset -5m", x(offset=-300_000)),
        ("x offset +300", x(offset=300_000)),
        ("x offset 0s offset 1s", x(offset=1000)),
        ("x @ 1.5", x(at=At("time", 1500))),
        ("x @ -1m", x(at=At("time", -60_000))),
        ("x @ +0.0005", x(at=At("time", 1))),
        ("x @ start() offset 1s", x(at=At("start"), offset=1000)),
        ("x offset 1s @ END ( )", x(at=At("end"), offset=1000)),
        ("x smoothed", x(edges="smoothed")),
        ("x[5m]", Range(x(), 300_000, NOWHERE)),
        ("x[4.18]", Range(x(), 4_180, NOWHERE)),
        ("x[(5m)]", Range(x(), 300_000, NOWHERE)),
        ("x[--5m]", Range(x(), 300_000, NOWHERE)),
        (
            "x[5m] anchored @ 1 offset 1s",
            Range(x(edges="anchored", at=At("time", 1000), offset=1000), 300_000, NOWHERE),
        ),
        ("x[5m:]", Subquery(x(), 300_000, None, NOWHERE)),
        ("x[5m:30s] @ end() offset 1s", Subquery(x(), 300_000, 30_000, NOWHERE, 1000, At("end"))),
        ("x[5m::]", Subquery(x(), 300_000, None, NOWHERE, aligned=True)),
        ("x[5m::30s]", Subquery(x(), 300_000, 30_000, NOWHERE, aligned=True)),
        ("x align 30s", x(align=30_000)),
        ("x offset 1s align 5", x(offset=1000, align=5_000)),
        ("x[5m] align 30s", Range(x(align=30_000), 300_000, NOWHERE)),
        ("x[5m:] align 1m", Subquery(x(), 300_000, None, NOWHERE, align=60_000)),
    ],
)
def test_a_selector_and_its_modifiers(text, expected):
    assert bare(parse(text, experimental=True)) == expected


def test_a_quoted_name_in_braces_is_a_matcher_of_the_name():
    found = parse('{"my.metric", "label.name"=~"x", a!="b",}')
    assert isinstance(found, Selector)
    assert found.name is None
    assert found.matchers == (
        Matcher("__name__", "=", "my.metric"),
        Matcher("label.name", "=~", "x"),
        Matcher("a", "!=", "b"),
    )


def test_words_in_braces_are_labels_and_never_keywords():
    found = parse('x{sum="a",offset!~"b",Inf=~"c"}')
    assert isinstance(found, Selector)
    assert [matcher.name for matcher in found.matchers] == ["sum", "offset", "Inf", "__name__"]


@pytest.mark.parametrize(
    "name",
    [
        "sum",
        "by",
        "offset",
        "start",
        "end",
        "without",
        "fill",
        "step",
        "range",
        "and",
        "or",
        "unless",
        "anchored",
        "align",
        "bitand",
        "limitk",
    ],
)
def test_a_keyword_is_a_metric_where_an_expression_begins(name):
    assert bare(parse(name)) == x(name)


@pytest.mark.parametrize("name", ["bool", "on", "ignoring", "group_left", "group_right", "atan2"])
def test_some_keywords_are_never_metrics(name):
    assert refused(f"({name})").where == "1:2"


def length(text):
    found = parse(f"x[{text}]", experimental=True)
    assert isinstance(found, Range)
    return bare(found.range)


def node(op, *operands):
    return LengthNode(op, operands, NOWHERE)


def lasting(value):
    return node("duration", value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m+2*3s", node("+", lasting(60.0), node("*", 2.0, lasting(3.0)))),
        ("2^3^4", node("^", 2.0, node("^", 3.0, 4.0))),
        ("-1m ^ 2", node("neg", node("^", lasting(60.0), 2.0))),
        ("step()", node("step")),
        ("RANGE()", node("range")),
        ("min(1, 2)", node("min", 1.0, 2.0)),
        ("min_of(1, 2)", node("min", 1.0, 2.0)),
        ("max_of(step(), 5s)", node("max", node("step"), lasting(5.0))),
        ("(1 - 2) % 3", node("%", node("paren", node("-", 1.0, 2.0)), 3.0)),
        ("1/2", node("/", 1.0, 2.0)),
    ],
)
def test_arithmetic_of_durations_is_a_tree(text, expected):
    assert length(text) == expected


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("x offset 1m + 1m", "(x offset 1m) + 1m"),
        ("x offset -2 ^ 2", "(x offset -2) ^ 2"),
        ("x offset step() * 0", "(x offset step()) * 0"),
    ],
)
def test_after_offset_a_literal_or_a_function_ends_the_duration(text, same_as):
    found, other = parse(text, experimental=True), parse(same_as, experimental=True)
    assert isinstance(found, Binary)
    assert isinstance(other, Binary)
    assert isinstance(other.left, Paren)
    assert bare(found.left) == bare(other.left.expr)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", Matching("one-to-one")),
        ("a and b", Matching("many-to-many")),
        ("a or on (x) b", Matching("many-to-many", True, ("x",))),
        ("a / ignoring (x, y,) b", Matching("one-to-one", False, ("x", "y"))),
        ("a / on () group_left b", Matching("many-to-one", True)),
        ("a / on (x) group_right (y) b", Matching("one-to-many", True, ("x",), ("y",))),
        ("a + fill (0) b", Matching("one-to-one", fill_left=0.0, fill_right=0.0)),
        ("a + fill_left (-1) b", Matching("one-to-one", fill_left=-1.0)),
        (
            "a > bool on (x) group_left fill_right (5m) fill_left (+Inf) b",
            Matching("many-to-one", True, ("x",), (), math.inf, 300.0),
        ),
        ('a / on ("b.c") fill', Matching("one-to-one", True, ("b.c",))),
    ],
)
def test_a_matching_of_two_vectors_is_settled(text, expected):
    found = parse(text, experimental=True)
    assert isinstance(found, Binary)
    assert found.matching == expected
    assert found.bool_modifier == ("bool" in text)


@pytest.mark.parametrize("text", ["a + 1", "1 + a", "1 + 2", "1 + on () 2", "1 + ignoring() a"])
def test_without_two_vectors_there_is_no_matching(text):
    found = parse(text)
    assert isinstance(found, Binary)
    assert found.matching is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "scalar"),
        ('"a"', "string"),
        ("x", "vector"),
        ("x[5m]", "matrix"),
        ("x[5m:]", "matrix"),
        ("-(x)", "vector"),
        ("1 + time()", "scalar"),
        ("1 + x", "vector"),
        ("x + 1", "vector"),
        ("rate(x[5m])", "vector"),
        ("sum(x)", "vector"),
        ("(x[5m])", "matrix"),
    ],
)
def test_every_expression_has_a_type(text, expected):
    assert type_of(parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "first_over_time(x[5m])",
        "limitk(1, x)",
        "limit_ratio(0.5, x)",
        "step()",
        "x smoothed",
        "x[5m] anchored",
        "x align 5m",
        "x[5m::5m]",
        "a bitand b",
        "x[5m + 5m]",
        "x offset (5m)",
        "x offset step()",
        "a + fill(0) b",
        "info(x)",
    ],
)
def test_what_is_experimental_must_be_allowed(text):
    parse(text, experimental=True)
    assert "experimental" in refused(text, experimental=False).got


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "1:1"),
        ("  # nothing", "1:12"),
        ("sum(", "1:5"),
        ("sum)", "1:4"),
        ("x y", "1:3"),
        ("x\n\n + ü", "3:4"),
        ("x{", "1:3"),
        ("x{,}", "1:3"),
        ("x{a}", "1:4"),
        ("x{a=}", "1:5"),
        ("x{a=b}", "1:5"),
        ('x{a="b" c="d"}', "1:9"),
        ('x{a=~"("}', "1:6"),
        ('x{a*"b"}', "1:4"),
        ('x{a:b="c"}', "1:4"),
        ('x{__name__="y"}', "1:1"),
        ('x{"y"}', "1:1"),
        ("{}", "1:1"),
        ('{a=~".*",b=""}', "1:1"),
        ("x]", "1:2"),
        ("x[", "1:3"),
        ("x[]", "1:3"),
        ("x[5m", "1:5"),
        ("x[5m y]", "1:6"),
        ("x[5m:5m y]", "1:9"),
        ('x["5m"]', "1:3"),
        ("x[0]", "1:3"),
        ("x[-5m]", "1:3"),
        ("x[5m:0s]", "1:6"),
        ("x[5m / 0]", "1:6"),
        ("x[5m % (0)]", "1:6"),
        ("x[(5m]", "1:6"),
        ("x[step]", "1:7"),
        ("x[min(1)]", "1:8"),
        ("x[1e30]", "1:3"),
        ("x[NaN]", "1:3"),
        ("(x)[5m]", "1:4"),
        ("x[5m][5m]", "1:6"),
        ("x offset 5m[5m]", "1:12"),
        ("x @ 1 [5m]", "1:7"),
        ("x smoothed[5m]", "1:11"),
        ("x align 5m[5m]", "1:11"),
        ("x align", "1:8"),
        ("x align -5m", "1:9"),
        ("x align 5m align 5m", "1:12"),
        ("x[5m: :5m]", "1:7"),
        ("x offset", "1:9"),
        ("x offset y", "1:10"),
        ("x offset 1m offset 2m", "1:13"),
        ("sum(x) offset 1m", "1:8"),
        ("x @", "1:4"),
        ("x @ y", "1:5"),
        ("x @ Inf", "1:5"),
        ("x @ 1 @ 2", "1:7"),
        ("x @ start", "1:10"),
        ("1 @ 1", "1:3"),
        ("x smoothed anchored", "1:12"),
        ("x[5m:] anchored", "1:8"),
        ("sum(x)", None),
        ("sum(x, y)", "1:1"),
        ("topk(x)", "1:1"),
        ("sum()", "1:1"),
        ("sum by x (y)", "1:8"),
        ("sum by (x y) (z)", "1:11"),
        ("sum by (x:y) (z)", "1:9"),
        ("sum by (without) (z)", "1:9"),
        ('sum by ("") (z)', "1:9"),
        ("sum by (inf) (z)", "1:9"),
        ("sum(x) by (a) by (b)", "1:15"),
        ("sum(x,)", "1:7"),
        ("abs(x y)", "1:7"),
        ("x:y(1)", "1:4"),
        ("nothing(1)", "1:1"),
        ("1 + (2", "1:7"),
        ("a +", "1:4"),
        ("a = b", "1:3"),
        ("a !b", "1:3"),
        ("a + fill(x) b", "1:10"),
        ("a + fill(1 b", "1:12"),
        ("a + fill(1) fill(2) b", "1:13"),
        ("a + fill_left(1) fill(2) b", "1:18"),
        ("a + fill_left(1) fill_left(2) b", "1:18"),
        ("a </ 5", "1:3"),
        ("a >/ b", "1:3"),
    ],
)
def test_an_error_points_at_the_first_thing_wrong(text, where):
    if where is None:
        parse(text)
        return
    assert refused(text).where == where


@pytest.mark.parametrize(
    ("text", "where", "expected", "got"),
    [
        ("1 == 2", "1:1", "bool between two scalars", '"==" without it'),
        ("a + bool b", "1:1", "bool at a comparison", 'it at "+"'),
        ("a and 1", "1:1", "instant vectors on both sides of and", "a scalar"),
        ("1 + on (x) a", "1:1", "instant vectors on both sides", "a scalar"),
        ("1 + fill(1) a", "1:1", "instant vectors on both sides", "a scalar"),
        ("a and on (x) group_left b", "1:1", "no grouping at and", "a group modifier"),
        ("a or fill(1) b", "1:1", "no filling at or", "a fill"),
        ("a + on (x) group_left (x) b", "1:1", "a label in on or in the group", "x in both"),
        ("x[5m] + 1", "1:1", 'beside "+"', "a range vector"),
        ('x + "a"', "1:5", 'beside "+"', "a string"),
        ("-x[5m]", "1:1", 'after "-"', "a range vector"),
        ('1 + -"a"', "1:5", 'after "-"', "a string"),
        ("rate(x)", "1:6", "a range vector in the call of rate", "an instant vector"),
        ("abs(1)", "1:5", "an instant vector in the call of abs", "a scalar"),
        ("sum(1)", "1:5", "an instant vector in sum", "a scalar"),
        ("topk(x, x)", "1:6", "a scalar in topk's parameter", "an instant vector"),
        ("count_values(1, x)", "1:14", "a string in count_values's parameter", "a scalar"),
        ("time()[5m:]", "1:1", "an instant vector in a subquery", "a scalar"),
        ("abs()", "1:1", "1 arguments of abs", "0"),
        ("round(x, 1, 2)", "1:1", "1 to 2 arguments of round", "3"),
        ('label_join(x, "a")', "1:1", "3 or more arguments of label_join", "2"),
        ("info(x, y)", "1:9", "label matchers in braces", "another expression"),
        ('info(x, ({a="b"}))', "1:9", "label matchers in braces", "another expression"),
        (
            "resets((x[5m] smoothed))",
            "1:9",
            "a range without smoothed",
            "smoothed modifier can only be used with: delta, increase, rate - not with resets",
        ),
        ("holt_winters(x[5m], 1, 1)", "1:1", "a function of PromQL", '"holt_winters"'),
    ],
)
def test_types_fit(text, where, expected, got):
    error = refused(text)
    assert error.where == where
    assert expected in error.expected
    assert error.got == got


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("ratee(x[5m])", "write rate"),
        ("qqqqq(x)", "see the functions of PromQL"),
        ("holt_winters(x[5m], 1, 1)", "write double_exponential_smoothing"),
    ],
)
def test_an_unknown_function_has_a_suggestion(text, fix):
    assert refused(text).fix == fix


def test_info_takes_a_selector_of_everything():
    assert print_expr(parse("info(x, {})", experimental=True)) == "info(x, {})"


def test_a_trim_is_said_to_be_unsupported():
    assert "native histograms, and those are not supported" in refused("a </ 5").got


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "-" * 20_000 + "1",
        "1" + "+1" * 20_000,
        "2" + "^2" * 20_000,
        "x" + "[5m:]" * 10_000,
        "x[" + "(" * 20_000,
        "x[5m" + "+5m" * 10_000 + "]",
        "abs(" * 10_000,
        "(" * 90 + "1" + "+1" * 90 + ")+1" * 90,
    ],
    ids=lambda text: text[:6],
)
def test_deep_nesting_ends_with_an_error(text):
    assert f"{DEPTH} nested" in refused(text).expected


def test_nesting_within_the_bound_is_fine():
    deep = DEPTH - 1
    text = "sum(" * deep + "x" + ")" * deep
    chain = " or ".join(["x"] * DEPTH)
    for one in (text, chain, "-(" * (deep // 2) + "x" + ")" * (deep // 2)):
        assert print_expr(under(300, parse, one)) == one


def under(frames, work, *inputs):
    """Call the work from so many frames further down, as a server would."""
    return work(*inputs) if frames == 0 else under(frames - 1, work, *inputs)


def test_a_long_text_ends_with_an_error():
    assert "262144 characters" in refused("1" + " " * 300_000).expected


def test_a_long_name_is_cut_in_the_message():
    assert len(refused("x" * 1000 + "(1)").got) < 70


def test_places_are_characters_of_the_text():
    text = "sum by (a) (rate(x[5m] offset 1m)) + -y"
    found = parse(text)
    assert isinstance(found, Binary)
    assert found.span == Span(0, len(text))
    assert text[found.left.span.start : found.left.span.end] == "sum by (a) (rate(x[5m] offset 1m))"
    assert text[found.right.span.start : found.right.span.end] == "-y"


@given(st.text(max_size=30) | st.text("x1m(){}[],=~!\"'`+-*/%^<>@ :#\\\n.", max_size=30))
def test_any_text_is_an_expression_or_an_error_with_a_place(text):
    try:
        found = parse(text, experimental=True)
    except ExpressionError as error:
        line, column = map(int, error.where.split(":"))
        assert line <= text.count("\n") + 1
        assert column <= len(text) + 1
    else:
        assert same(parse(print_expr(found), experimental=True), found)
