"""A time that a layout writes reads back by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.templates import CallError
from llm_research_lab.templates.calendar import format_time
from llm_research_lab.templates.timeparsing import parse_time

SECOND = 1_000_000_000
LAYOUTS = [
    "2006-01-02T15:04:05.999999999Z07:00",
    "Mon, 02 Jan 2006 15:04:05.000000000 -0700",
    "Monday January _2 3:04:05.000000000PM 2006 MST",
    "2006 002 15h04m5s,999999999",
    "1/2/06 03:4:05.999999999 pm -07",
]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(nanos=st.integers(0, 2_000_000_000 * SECOND))
def test_what_a_layout_writes_reads_back(layout, nanos):
    assert parse_time(layout, format_time(nanos, layout)) == nanos


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        ("2006-01-02T15:04:05Z07:00", "1970-01-01T02:00:01.25+02:00", "1970-01-01 00:00:01.25"),
        ("2006-01-02 15:04 -070000", "1970-01-01 00:00 -013015", "1970-01-01 01:30:15"),
        ("06", "69", "1969-01-01 00:00:00"),
        ("06", "68", "2068-01-01 00:00:00"),
        ("2006 __2", "1970  32", "1970-02-01 00:00:00"),
        ("3PM 2006", "12AM 1970", "1970-01-01 00:00:00"),
        ("15:04", "01:02", "0001-01-01 01:02:00"),
        ("2006 plain", "1970 plain", "1970-01-01 00:00:00"),
    ],
)
def test_a_text_is_read_as_its_layout_says(layout, text, expected):
    assert format_time(parse_time(layout, text), "2006-01-02 15:04:05.999999999") == expected


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02", "2023-02-29"),
        ("2006-01-02", "2023-02-01 "),
        ("2006", "x"),
        ("2006 2006", "2023 2023"),
        ("15", "١٢"),
    ],
)
def test_what_is_no_such_time_is_said(layout, text):
    with pytest.raises(CallError, match="parsing time"):
        parse_time(layout, text)
