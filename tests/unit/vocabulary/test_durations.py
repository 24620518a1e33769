"""Durations are milliseconds, read and written as Prometheus does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.durations import LONGEST_MS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("100ms", 100),
        ("1s", 1_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("2w", 1_209_600_000),
        ("1y", 31_536_000_000),
        ("1y2w3d4h5m6s7ms", 31_536_000_000 + 1_209_600_000 + 273_906_007),
        ("90m", 5_400_000),
    ],
)
def test_texts_are_read(text, milliseconds):
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "5x", "m", "1m1h", "1m1m", "-5m", " 5m", "1.5h", "400y"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidError):
        parse_duration(text)


@given(st.integers(0, LONGEST_MS))
def test_what_is_written_reads_back(milliseconds):
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (5_400_000, "1h30m"),
        (86_400_000, "1d"),
        (90_000_000, "25h"),
        (604_800_000, "1w"),
        (-60_000, "-1m"),
        (1_500, "1s500ms"),
    ],
)
def test_texts_are_written_largest_unit_first(milliseconds, text):
    assert format_duration(milliseconds) == text
