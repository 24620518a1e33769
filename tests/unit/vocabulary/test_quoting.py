"""A quoted string means what Go says, and what is quoted reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary.quoting import EscapeError, quote, unquote


@given(st.text(), st.booleans(), st.sampled_from("\"'"))
def test_what_is_quoted_reads_back(text, ascii_only, mark):
    quoted = quote(text, mark=mark, ascii_only=ascii_only)
    assert unquote(quoted) == text
    assert quoted.isascii() or not ascii_only


@pytest.mark.parametrize(
    ("quoted", "expected"),
    [
        (r'"a\n\t\x41\101\u00e4\U0001F600\""', 'a\n\tAA\u00e4\U0001f600"'),
        (r"'\'\a\b\f\r\v\\'", "'\a\b\f\r\v\\"),
        (r'"\xc3\xa4\xff"', "\u00e4\ufffd"),
        ("`a\\n\r\n`", "a\\n\n"),
        ('"plain"', "plain"),
    ],
)
def test_a_string_means_what_go_says(quoted, expected):
    assert unquote(quoted) == expected


@pytest.mark.parametrize(
    ("quoted", "escape", "at"),
    [
        (r'"a\q"', r"\q", 2),
        (r'"\777"', r"\777", 1),
        (r'"\ud800"', r"\ud800", 1),
        (r'"\U00110000"', r"\U00110000", 1),
        ("'\\\"'", '\\"', 1),
    ],
)
def test_an_escape_that_go_has_not_is_refused_where_it_stands(quoted, escape, at):
    with pytest.raises(EscapeError, match="invalid syntax") as caught:
        unquote(quoted)
    assert (caught.value.escape, caught.value.at) == (escape, at)


def test_signs_that_do_not_print_are_numbers():
    assert quote("\a\x00\x7f\u0085\u200b\U000e0001\u00e9") == (
        r'"\a\x00\x7f\u0085\u200b\U000e0001' + "\u00e9" + '"'
    )
