"""Matchers accept and are printed as Alertmanager has it."""

import pytest

from llm_research_lab.alerting.notifying.matching import (
    accepted,
    labels_text,
    matcher_text,
    matchers_text,
    matches,
    ordered_matchers,
    reserved,
)
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher


@pytest.mark.parametrize(
    ("op", "pattern", "value", "does"),
    [
        ("=", "a", "a", True),
        ("=", "a", "b", False),
        ("=", "", "", True),
        ("!=", "a", "a", False),
        ("!=", "a", "", True),
        ("=~", "a|b", "b", True),
        ("=~", "a", "ab", False),
        ("=~", ".*", "", True),
        ("=~", "a.b", "a\nb", False),
        ("!~", "a.b", "a\nb", True),
        ("!~", "a.*", "ab", False),
    ],
)
def test_a_matcher_takes_whole_values_and_dots_stop_at_line_breaks(op, pattern, value, does):
    assert matches(Matcher("x", op, pattern), value) is does


def test_all_matchers_must_accept_and_an_absent_label_is_empty():
    labels = labels_of({"a": "1"})
    both = (Matcher("a", "=", "1"), Matcher("b", "=", ""))
    assert accepted(both, labels)
    assert accepted((), labels)
    assert not accepted((*both, Matcher("b", "!=", "")), labels)


def test_matchers_are_ordered_by_name_value_and_operator():
    found = [
        Matcher("a", "=", "1"),
        Matcher("a", "!=", "1"),
        Matcher("a", "=~", "1"),
        Matcher("a", "!~", "1"),
        Matcher("a", "=", "2"),
        Matcher("b", "=", "0"),
    ]
    assert ordered_matchers(reversed(found)) == tuple(found)


def test_matchers_print_as_a_routes_key():
    assert matchers_text(()) == "{}"
    both = (Matcher("a", "=", 'x"\\\n\t'), Matcher("b", "!~", "c|d"))
    assert matchers_text(both) == '{a="x\\"\\\\\\n\t",b!~"c|d"}'


def test_a_name_of_another_alphabet_is_quoted_only_where_it_must_be():
    assert matcher_text(Matcher("ä.b", "=", "x\t")) == 'ä.b="x\t"'
    assert matcher_text(Matcher("a b", "=", "x\t")) == '"a b"="x\\t"'
    assert reserved("a,b")
    assert not reserved("a.b/c")


def test_labels_print_as_a_groups_key():
    labels = labels_of({"b": 'x"y', "a": "1\n"})
    assert labels_text(labels) == '{a="1\\n", b="x\\"y"}'
    assert labels_text(()) == "{}"
    # By what is printed, not by name.
    assert labels_text(labels_of({"a": "1", "a1": "1"})) == '{a1="1", a="1"}'
