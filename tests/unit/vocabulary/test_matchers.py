"""Matchers accept values; an absent label is empty; expressions are RE2's and whole."""

from __future__ import annotations

import pytest

from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import PATTERN_CHARACTERS, Matcher, accepts


@pytest.mark.parametrize(
    ("op", "wanted", "value", "accepted"),
    [
        ("=", "a", "a", True),
        ("=", "a", "b", False),
        ("=", "", "", True),
        ("!=", "a", "b", True),
        ("!=", "a", "a", False),
        ("=~", "a|b", "b", True),
        ("=~", "a", "ab", False),
        ("=~", "a|b", "ab", False),
        ("=~", ".*", "two\nlines", True),
        ("=~", "", "", True),
        ("!~", "a.*", "b", True),
        ("!~", "a.*", "ab", False),
        ("!~", ".+", "", True),
    ],
)
def test_a_matcher_accepts_whole_values(op, wanted, value, accepted):
    assert Matcher("x", op, wanted).matches(value) is accepted


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", r"\1", "(?=a)", "a" * (PATTERN_CHARACTERS + 1)])
def test_an_expression_that_is_not_re2s_is_refused_when_the_matcher_is_made(pattern):
    with pytest.raises(InvalidError):
        Matcher("x", "=~", pattern)


def test_all_matchers_must_accept():
    labels = labels_of({"a": "1", "b": "2"})
    one, two = Matcher("a", "=", "1"), Matcher("c", "=", "")
    assert accepts((one, two), labels)
    assert accepts((), labels)
    assert not accepts((one, Matcher("b", "!=", "2")), labels)


def test_a_hostile_expression_takes_no_time():
    assert not Matcher("x", "=~", "(a*)*b").matches("a" * 100_000)
