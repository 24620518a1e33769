"""Instants are read as people type them; a range fits a chart."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.cli.metrics.spans import (
    FAR_MS,
    NICE_MS,
    POINTS,
    between,
    fitting,
    grid,
    instant,
)
from llm_research_lab.promql.values import Grid
from llm_research_lab.vocabulary import InvalidError, LabError

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-1h", NOW - 3_600_000),
        ("-1d12h", NOW - 36 * 3_600_000),
        ("-5", -5_000),
        ("-1.5", -1_500),
        ("1700000000.25", 1_700_000_000_250),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T23:13:20.5+01:00", NOW + 500),
    ],
)
def test_an_instant_is_read(text, expected):
    assert instant(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "-1parsec", "-", "1h", "nan", "inf"])
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(LabError):
        instant(text, NOW)


def test_a_query_is_at_one_instant_unless_it_has_a_start():
    assert grid("1700000000", None, None, None) == Grid(NOW, NOW, 0)
    before = time.time_ns() // 1_000_000
    assert before <= grid(None, None, None, None).start_ms <= time.time_ns() // 1_000_000
    assert grid(None, "1700000000", "1700003600", "1m") == Grid(NOW, NOW + 3_600_000, 60_000)
    made = grid(None, "-1h", None, None)
    assert (made.end_ms - made.start_ms, made.step_ms) == (3_600_000, 15_000)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ((None, None, "now", None), "--from"),
        ((None, None, None, "1m"), "--from"),
        (("now", "-1h", None, None), "--at"),
        ((None, "-1h", "-2h", None), "--to"),
        ((None, "-1h", None, "0s"), "step"),
        ((None, "-1h", None, "-1m"), "-1m"),
        ((None, "-1h", None, "x"), "x"),
    ],
)
def test_what_does_not_fit_together_is_refused(given, where):
    with pytest.raises(InvalidError, match=where):
        grid(*given)


def test_a_span_without_ends_is_everything():
    assert between(None, None) == (-FAR_MS, FAR_MS)
    assert between("1", "2") == (1_000, 2_000)
    with pytest.raises(InvalidError, match="--to"):
        between("2", "1")


@given(st.integers(0, NICE_MS[-1] * POINTS))
def test_a_range_has_no_more_steps_than_a_chart_shows(length_ms):
    step = fitting(length_ms)
    assert step in NICE_MS
    assert length_ms // step <= POINTS
    assert step == NICE_MS[0] or length_ms // NICE_MS[NICE_MS.index(step) - 1] > POINTS


def test_the_longest_range_has_the_longest_step():
    assert fitting(1 << 60) == NICE_MS[-1]
