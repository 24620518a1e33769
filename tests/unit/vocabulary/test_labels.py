"""Labels are sorted pairs without empty values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary.labels import label, labels_of, only, without

PAIRS = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=5)


@given(PAIRS)
def test_labels_are_sorted_and_hold_every_value_that_is_not_empty(pairs):
    labels = labels_of(pairs)
    assert list(labels) == sorted(labels)
    assert dict(labels) == {name: value for name, value in pairs.items() if value}


def test_a_later_pair_of_a_name_wins():
    assert labels_of([("a", "1"), ("b", "2"), ("a", "3")]) == (("a", "3"), ("b", "2"))


@given(PAIRS, st.lists(st.text(max_size=3), max_size=3))
def test_without_and_only_part_the_labels(pairs, names):
    labels = labels_of(pairs)
    assert sorted(without(labels, names) + only(labels, names)) == list(labels)
    assert {name for name, _ in only(labels, names)} <= set(names)


@given(PAIRS, st.text(max_size=3))
def test_a_label_that_is_absent_is_empty(pairs, name):
    assert label(labels_of(pairs), name) == pairs.get(name, "")
