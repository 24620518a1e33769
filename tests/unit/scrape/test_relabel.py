"""Relabelling."""

from hashlib import md5

import pytest

from llm_research_lab.scrape.relabel import ACTIONS, Relabel, relabel
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import labels_of

LABELS = labels_of({"a": "foo", "b": "bar", "c": "baz", "mixed": "ǅÄßİa"})


def applied(**given):
    got = relabel(LABELS, [Relabel(**given)])
    return None if got is None else dict(got)


@pytest.mark.parametrize(
    ("replacement", "value"),
    [
        ("$1", "oo"),
        ("${1}x", "oox"),
        ("$1x", ""),
        ("$$1", "$1"),
        ("$name-$2", "b-b"),
        ("${99999999999999999999}y", "y"),
        ("$", "$"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_replace_expands_groups_as_go_does(replacement, value):
    got = applied(
        source_labels=("a", "b"),
        regex="f(o+);(?P<name>b).*",
        target_label="t",
        replacement=replacement,
    )
    assert got.get("t", "") == value


def test_replace_joins_by_the_separator_matches_all_and_leaves_what_does_not_match():
    joined = applied(source_labels=("a", "b", "none"), separator="-", target_label="t")
    assert joined["t"] == "foo-bar-"
    assert applied(source_labels=("a",), regex="fo", target_label="t") == dict(LABELS)
    assert applied(source_labels=("a",), regex="(.*)", target_label="t_${1}")["t_foo"] == "foo"
    assert applied(source_labels=("a",), regex="(z)?foo", target_label="${1}") == dict(LABELS)
    assert "a" not in applied(source_labels=("none",), target_label="a")


def test_keep_and_drop_ask_the_expression_their_equals_the_label():
    assert applied(action="keep", source_labels=("a",), regex="f.*")
    assert applied(action="keep", source_labels=("a",), regex="b.*") is None
    assert applied(action="drop", source_labels=("a",), regex="f.*") is None
    assert applied(action="drop", source_labels=("a",), regex="b.*")
    assert applied(action="keepequal", source_labels=("a",), target_label="b") is None
    assert applied(action="keepequal", source_labels=("a",), target_label="a")
    assert applied(action="dropequal", source_labels=("a",), target_label="a") is None
    assert applied(action="dropequal", source_labels=("a",), target_label="b")


def test_hashmod_takes_the_last_eight_bytes_of_md5():
    number = int.from_bytes(md5(b"foo;bar").digest()[8:], "big") % 1000
    got = applied(action="hashmod", source_labels=("a", "b"), target_label="t", modulus=1000)
    assert got["t"] == str(number)
    # Prometheus, model/relabel/relabel_test.go: {a: foo, b: bar, c: baz}, source c, modulus 1000
    got = applied(action="hashmod", source_labels=("c",), target_label="d", modulus=1000)
    assert got["d"] == "976"


def test_labels_are_mapped_dropped_and_kept_by_name():
    assert applied(action="labelmap", regex="(a|b)", replacement="x_$1")["x_a"] == "foo"
    assert set(applied(action="labeldrop", regex="a|mixed")) == {"b", "c"}
    assert set(applied(action="labelkeep", regex="a|mixed")) == {"a", "mixed"}


def test_letters_change_their_case_one_for_one():
    upper = applied(action="uppercase", source_labels=("mixed",), target_label="t")
    lower = applied(action="lowercase", source_labels=("mixed",), target_label="t")
    assert upper["t"] == "ǄÄßİA"
    assert lower["t"][:3] == "ǆäß"


def test_rules_follow_one_another_until_one_drops():
    rules = [
        Relabel(source_labels=("a",), target_label="b"),
        Relabel(action="drop", source_labels=("b",), regex="foo"),
        Relabel(action="hashmod", source_labels=("b",), target_label="t", modulus=1),
    ]
    assert relabel(LABELS, rules) is None
    assert relabel(LABELS, []) == LABELS


@pytest.mark.parametrize(
    "given",
    [
        {"regex": "("},
        {"action": "hashmod", "target_label": "t"},
        {"action": "hashmod", "modulus": 3},
        {"action": "replace"},
    ],
)
def test_a_rule_that_prometheus_refuses_is_refused(given):
    with pytest.raises(InvalidError):
        Relabel(**given)


def test_all_of_prometheus_actions_are_here():
    assert len(ACTIONS) == 11
