from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.commands.paging import Page, cursor_of, cut, read_cursor
from llm_research_lab.vocabulary import InvalidError

KEY = (float, type(None))


@given(st.none() | st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**63 - 1))
def test_a_cursor_gives_back_what_was_written(key, sample):
    assert read_cursor(cursor_of("list", key, sample), "list", KEY, int) == [key, sample]


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_other_text_is_refused_and_never_breaks(text):
    with pytest.raises(InvalidError) as refused:
        read_cursor(text, "list", str)
    assert refused.value.where == "query parameter cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        cursor_of("other", "a"),
        cursor_of("list"),
        cursor_of("list", "a", "b"),
        cursor_of("list", 1),
        cursor_of("list", "a")[:-1],
    ],
)
def test_a_cursor_of_another_list_or_shape_is_refused(cursor):
    with pytest.raises(InvalidError):
        read_cursor(cursor, "list", str)


@pytest.mark.parametrize("number", [-1])
def test_a_negative_number_is_never_read(number):
    with pytest.raises(InvalidError):
        read_cursor(cursor_of("list", number), "list", int)


def test_no_cursor_is_the_beginning():
    assert read_cursor(None, "list", str) is None


@given(st.integers(0, 20), st.integers(1, 10))
def test_pages_cut_from_one_row_more_give_every_row_once(length, limit):
    rows, seen, cursor = list(range(length)), [], None
    while True:
        mark = read_cursor(cursor, "list", int)
        start = mark[0] + 1 if mark else 0
        page = Page(cursor, limit)
        found = cut(
            rows[start : start + limit + 1],
            page,
            lambda row: row,
            lambda row: cursor_of("list", row),
        )
        seen += found["items"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
        assert len(found["items"]) == limit
    assert seen == rows
