"""A trace is shown as a forest: every span once, below its parent, by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.telemetry.trees import bar, extent, folded, slowest, trees, walk


def span(key, parent=None, start=0, took=1, name="x", failure=None, trace="t"):  # noqa: PLR0917 - a test table
    return {
        "span_id": key,
        "parent_id": parent,
        "start_ns": start,
        "took_ns": took,
        "name": name,
        "failure": failure,
        "trace_id": trace,
    }


def shown(branches):
    return [(depth, branch.span["span_id"]) for depth, branch in walk(branches)]


def test_children_stand_below_their_parents_by_time():
    spans = [span("c", "a", 3), span("b", "a", 2), span("a", None, 1), span("d", "b", 5)]
    assert shown(trees(spans)) == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_one_whose_parent_is_not_here_stands_at_the_top():
    assert shown(trees([span("b", "gone", 2), span("a", None, 1)])) == [(0, "a"), (0, "b")]


@given(st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=12))
def test_every_span_is_there_once_even_in_a_circle(parents):
    spans = [
        span(str(n), None if parent is None else str(parent)) for n, parent in enumerate(parents)
    ]
    assert sorted(key for _, key in shown(trees(spans))) == sorted(
        str(n) for n in range(len(spans))
    )


def test_of_many_alike_the_failed_and_the_longest_stay_and_the_others_are_counted():
    calls = [span(f"c{n}", "a", n, took=n, name="chat") for n in range(20)]
    calls[0]["failure"] = "timeout"
    found = folded(trees([span("a", None), *calls, span("b", "a", 30, name="other")]), 3)
    assert shown(found) == [(0, "a"), (1, "c0"), (1, "c18"), (1, "c19"), (1, "b")]
    assert [branch.hidden for branch in found[0].below] == [0, 0, 17, 0]


def test_the_slowest_are_traces_by_their_longest_span():
    spans = [
        span("a", took=5, trace="1"),
        span("b", took=9, trace="1"),
        span("c", took=7, trace="2"),
        span("d", took=1, trace="3"),
    ]
    assert [one["span_id"] for one in slowest(spans, 2)] == ["b", "c"]


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 60))
def test_a_bar_is_never_longer_than_the_line_and_never_nothing(start, took, total, width):
    drawn = bar(span("a", start=start, took=took), 0, total, width)
    assert 1 <= drawn.count("█") <= len(drawn) <= width


def test_a_bar_is_where_its_span_was():
    spans = [span("a", start=100, took=100), span("b", "a", 150, 25)]
    start, total = extent(spans)
    assert (start, total) == (100, 100)
    assert bar(spans[0], start, total, 8) == "█" * 8
    assert bar(spans[1], start, total, 8) == "    ██"
