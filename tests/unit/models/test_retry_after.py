"""A wish to wait is read in every form that providers write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.models.retry_after import LONGEST_MS, retry_after_ms

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "150", "retry-after": "9"}, 150),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9000),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30_000),
        ({"retry-after": "Thursday, 01-Jan-26 12:00:30 GMT"}, 30_000),
        ({"retry-after": "Thu Jan  1 12:00:30 2026"}, 30_000),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Thu, 01 Jan 99999999 12:00:30 GMT"}, None),
        ({"retry-after": "1e300"}, LONGEST_MS),
    ],
)
def test_each_form_has_its_milliseconds(headers, wish):
    assert retry_after_ms(headers, NOW) == wish


def test_a_date_is_counted_from_the_servers_own_clock():
    headers = {
        "date": "Thu, 01 Jan 2026 13:00:00 GMT",
        "retry-after": "Thu, 01 Jan 2026 13:00:05 GMT",
    }
    assert retry_after_ms(headers, NOW) == 5000


@given(st.integers(0, 86_400))
def test_a_date_and_its_seconds_say_the_same(seconds):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    by_date = retry_after_ms({"retry-after": date}, NOW)
    assert by_date == retry_after_ms({"retry-after": str(seconds)}, NOW) == seconds * 1000


@given(st.text())
def test_no_text_breaks_the_reading(written):
    wish = retry_after_ms({"retry-after": written, "date": written}, NOW)
    assert wish is None or 0 <= wish <= LONGEST_MS
