"""Every function has a signature, and what it allows is what is accepted."""

from __future__ import annotations

import pytest

from llm_research_lab.promql import SIGNATURES, ExpressionError, children, parse, walk
from llm_research_lab.promql.functions import EDGES

ARGUMENTS = {"scalar": "1", "string": '"a"', "vector": "x", "matrix": "x[5m]"}


def called(signature, count):
    types = [signature.args[min(place, len(signature.args) - 1)] for place in range(count)]
    args = [ARGUMENTS[one] for one in types]
    if signature.name == "info":
        args[1:] = ['{a="b"}'] * (count - 1)
    return f"{signature.name}({', '.join(args)})"


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=lambda one: one.name)
def test_as_many_arguments_are_taken_as_the_signature_says(signature):
    most = signature.least + 3 if signature.most is None else signature.most
    for count in range(most + 2):
        if signature.least <= count <= most or (
            signature.args and signature.most is None and count > most
        ):
            assert len(children(parse(called(signature, count), experimental=True))) == count
        elif signature.args or count == 0:
            with pytest.raises(ExpressionError, match="arguments of"):
                parse(called(signature, count), experimental=True)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("time", 0, 0),
        ("hour", 0, 1),
        ("round", 1, 2),
        ("label_join", 3, None),
        ("rate", 1, 1),
        ("histogram_quantiles", 3, 12),
        ("info", 1, 2),
        ("sort_by_label", 1, None),
    ],
)
def test_how_many_arguments_a_function_takes(name, least, most):
    assert (SIGNATURES[name].least, SIGNATURES[name].most) == (least, most)


def test_the_functions_are_prometheus_3_s():
    assert len(SIGNATURES) == 91
    assert sorted(one.name for one in SIGNATURES.values() if one.experimental) == [
        "double_exponential_smoothing",
        "end",
        "first_over_time",
        "histogram_quantiles",
        "info",
        "integral",
        "mad_over_time",
        "max_of",
        "min_of",
        "range",
        "sort_by_label",
        "sort_by_label_desc",
        "start",
        "start_timestamp",
        "step",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    ]


@pytest.mark.parametrize("edges", ["anchored", "smoothed"])
@pytest.mark.parametrize(
    "name", [one.name for one in SIGNATURES.values() if one.args == ("matrix",)]
)
def test_edges_are_for_the_functions_that_know_them(name, edges):
    text = f"{name}(x[5m] {edges})"
    if name in EDGES[edges]:
        parse(text, experimental=True)
    else:
        with pytest.raises(
            ExpressionError, match=f"{edges} modifier can only be used with: .* - not with {name}"
        ):
            parse(text, experimental=True)


def test_a_walk_meets_the_outer_before_the_inner_and_left_before_right():
    text = "topk(2, -a) + abs((b)) or quantile_over_time(1, c[5m]) + max_over_time(d[5m:])"
    met = [text[one.span.start : one.span.end] for one in walk(parse(text))]
    assert met == [
        text,
        "topk(2, -a) + abs((b))",
        "topk(2, -a)",
        "2",
        "-a",
        "a",
        "abs((b))",
        "(b)",
        "b",
        "quantile_over_time(1, c[5m]) + max_over_time(d[5m:])",
        "quantile_over_time(1, c[5m])",
        "1",
        "c[5m]",
        "c",
        "max_over_time(d[5m:])",
        "d[5m:]",
        "d",
    ]
