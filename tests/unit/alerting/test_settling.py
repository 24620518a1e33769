"""Long ranges and circles: pieces, guesses and steps write the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from tests.unit.alerting.test_past import _all

from llm_research_lab.alerting.rules.graph import circles, mutual_reads
from llm_research_lab.alerting.rules.past import PIECE_MS, SHORT, evaluate_past
from llm_research_lab.alerting.rules.read import read_rules
from llm_research_lab.alerting.rules.running import Asked, Past
from llm_research_lab.promql import Columns, Need, Options
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import accepts

HOUR = 3_600_000
UP = tuple(labels_of({"__name__": "up", "job": job}) for job in "abc")


def _asked(text: str, step_ms: int, count: int, *more: Columns) -> tuple[Asked, list[Need]]:
    """Give what asks for rules over samples that go up and down, and the needs that were read."""
    read, findings = read_rules(f"groups: [{{name: g, interval: {step_ms}ms, rules: [{text}]}}]")
    assert read is not None, findings
    times = np.arange(count, dtype=np.int64) * step_ms
    waves = [(times // step_ms) // (5 + 3 * row) % 2 for row in range(len(UP))]
    columns = Columns(UP, times, np.array(waves, np.float64))
    asked: list[Need] = []

    def fetch(need: Need) -> list[Columns]:
        asked.append(need)
        found = []
        for one in (columns, *more):
            rows = [row for row, labels in enumerate(one.labels) if accepts(need.matchers, labels)]
            low, high = one.times.searchsorted((need.from_ms, need.to_ms + 1)).tolist()
            if rows and low < high:
                cut = np.ascontiguousarray(one.values[rows, low:high])
                found.append(
                    Columns(tuple(one.labels[row] for row in rows), one.times[low:high], cut)
                )
        return found

    options = Options(lookback_ms=max(300_000, 3 * step_ms))
    return Asked(read.groups, fetch, options), asked


LONG = """
{record: short, expr: 'sum by (job) (up)'},
{record: far, expr: 'avg_over_time(short[10d])'},
{record: both, expr: 'far + on (job) up'},
{record: no, expr: 'count_over_time(up[5d:1ms])'},
{alert: A, expr: 'both > 0.6', for: 3h}
"""


def test_a_range_longer_than_a_piece_is_the_same_as_stepped_and_reads_the_past_once() -> None:
    asked, needs = _asked(LONG, HOUR, 24 * 20)
    end = 24 * 20 * HOUR
    assert end > 2 * PIECE_MS
    whole = evaluate_past(asked, 0, end)
    assert whole.failures
    assert sum(need.from_ms <= 0 for need in needs) < 12
    assert _all(whole) == _all(evaluate_past(replace(asked, stepped=True), 0, end))


CIRCLES = {
    "counted": ("{alert: A, expr: up == 0, for: 1m}, {alert: B, expr: count(ALERTS) > 3}", 1),
    "own": ("{record: r, expr: 'max by (job) (r or up)'}", 1),
    "mutual": (
        "{record: r, expr: 'up unless s == 1'}, {record: s, expr: 'max by (job) (r) or up * 2'}",
        0,
    ),
    "counter": ("{record: r, expr: 'r + 1 or sum by (job) (up)'}", 0),
    "in turns": ("{record: r, expr: 'up unless r'}", 0),
    "range": ("{record: r, expr: 'sum_over_time(r[1m]) or up'}", 0),
    "earlier": ("{record: r, expr: 'r offset 1m or up'}", 0),
}


@pytest.mark.parametrize(("text", "guessed"), CIRCLES.values(), ids=CIRCLES)
def test_a_circle_is_what_its_steps_are(text: str, guessed: int) -> None:
    count = 5 * SHORT
    asked, _ = _asked(text, 15_000, count)
    end, evaluated = count * 15_000, []
    options = replace(asked.options, check=lambda: evaluated.append(1))
    whole = evaluate_past(replace(asked, options=options), 0, end)
    assert (len(evaluated) < 3 * count) == guessed, "an evaluation asks more than twice"
    stepped = evaluate_past(replace(asked, stepped=True), 0, end)
    assert _all(whole) == _all(stepped)
    pieces = evaluate_past(asked, 0, end // 3)
    evaluate_past(asked, end // 3 + 1, end, pieces)
    assert _all(pieces) == _all(whole)


def _open_end(past: Past) -> None:
    """Leave a series that nobody ends: the rule did not write it, and might go on with it."""
    labels = labels_of({"__name__": "r", "job": "a"})
    past.written.extend(labels, np.array([-15_000]), np.array([7.0]), None)


def _nothing(_: Past) -> None:
    pass


@pytest.mark.parametrize("before", [_open_end, _nothing])
def test_what_others_wrote_of_a_circles_series_is_stepped(before: Callable[[Past], None]) -> None:
    labels = labels_of({"__name__": "r", "job": "a"})
    given = Columns((labels,), np.array([-30_000, -20_000]), np.array([[3.0, 4.0]]))
    more: Sequence[Columns] = () if before is _open_end else (given,)
    asked, _ = _asked("{record: r, expr: 'up unless r > 5'}", 15_000, 2 * SHORT, *more)
    end, found = 2 * SHORT * 15_000, []
    for one in (asked, replace(asked, stepped=True)):
        past = Past()
        before(past)
        found.append(_all(evaluate_past(one, 0, end, past)))
    assert found[0] == found[1]


def test_a_circle_of_two_groups_is_not_guessed() -> None:
    text = "groups: [{name: a, rules: [{record: r, expr: s}]}, {name: b, rules: [{record: s, expr: r}]}]"
    read, _ = read_rules(text)
    assert read is not None
    (circle,) = circles(read.groups)
    assert circle.stepped
    assert mutual_reads(read.groups, circle) is None


def test_an_interval_as_long_as_the_look_back_is_stepped() -> None:
    asked, _ = _asked("{record: r, expr: 'r or up'}", HOUR, 2 * SHORT)
    asked = replace(asked, options=replace(asked.options, lookback_ms=HOUR))
    whole = evaluate_past(asked, 0, 2 * SHORT * HOUR)
    assert _all(whole) == _all(evaluate_past(replace(asked, stepped=True), 0, 2 * SHORT * HOUR))


@pytest.mark.parametrize("compat", [2, 3])
@pytest.mark.parametrize("apart", [-15_000, 0, 15_000])
def test_a_circle_sees_what_it_wrote_as_long_ago_as_a_selector_looks_back(
    compat: Literal[2, 3], apart: int
) -> None:
    asked, _ = _asked(CIRCLES["own"][0], 15_000, 3 * SHORT)
    asked = replace(asked, options=replace(asked.options, compat=compat))
    begin = asked.options.lookback_ms + apart
    found = []
    for one in (asked, replace(asked, stepped=True)):
        past = evaluate_past(one, 0, 0)
        found.append(_all(evaluate_past(one, begin, 2 * SHORT * 15_000, past)))
    assert found[0] == found[1]
