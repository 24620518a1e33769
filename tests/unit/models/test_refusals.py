"""A status has one kind; what asking again cannot mend is final."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.models.refusals import SHOWN, refusal_of


def body(**error):
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "content", "kind", "final"),
    [
        *[(status, b"", "refused", True) for status in (301, 307, 400, 401, 403, 404, 422, 451)],
        (400, body(code="context_length_exceeded"), "too_long", True),
        (400, body(type="exceed_context_size_error"), "too_long", True),
        (408, b"", "timeout", False),
        (409, b"", "unavailable", False),
        (413, b"", "too_long", True),
        (429, b"", "rate_limited", False),
        (429, body(code="insufficient_quota"), "refused", True),
        *[(status, b"", "unavailable", False) for status in (500, 502, 503, 504, 529)],
        (600, b"", "garbage", False),
    ],
)
def test_each_status_has_its_kind(status, content, kind, final):
    found = refusal_of(status, content)
    assert (found.kind, found.final) == (kind, final)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (body(message="no such\nmodel\x1b[31m"), "status 404: no such model [31m"),
        (b'{"error": "plain"}', "status 404: plain"),
        (b'{"message": "bare"}', "status 404: bare"),
        (b"<html>lost</html>", "status 404: <html>lost</html>"),
        (b"[1]", "status 404: [1]"),
        (b"", "status 404"),
    ],
)
def test_the_servers_own_words_are_said_on_one_line(content, words):
    assert refusal_of(404, content).words == words


def test_each_mend_fits_its_refusal():
    assert "redirects are not followed" in refusal_of(302, b"").fix
    assert "key" in refusal_of(401, b"").fix
    assert "shorten the prompt" in refusal_of(413, b"").fix
    assert refusal_of(500, b"").fix != refusal_of(400, b"").fix


@given(st.integers(100, 999), st.binary(max_size=2000))
def test_no_body_breaks_the_reading_or_floods_the_error(status, content):
    found = refusal_of(status, content)
    assert len(found.words) <= SHOWN + 20
    assert "\n" not in found.words
