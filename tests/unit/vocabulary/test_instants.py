"""An instant is integer milliseconds since 1970 UTC; only its rendering knows a calendar."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary import rfc3339

LAST = 253_402_300_799_999  # the last millisecond of the year 9999
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - not by the code's own name


def test_it_is_written_with_milliseconds_and_z():
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_767_323_045_678) == "2026-01-02T03:04:05.678Z"
    assert rfc3339(LAST) == "9999-12-31T23:59:59.999Z"


@given(st.integers(0, LAST))
def test_no_millisecond_is_lost(instant):
    read = datetime.fromisoformat(rfc3339(instant))
    assert (read - EPOCH) // timedelta(milliseconds=1) == instant


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_texts_sort_as_instants_do(one, other):
    assert (rfc3339(one) < rfc3339(other)) == (one < other)
