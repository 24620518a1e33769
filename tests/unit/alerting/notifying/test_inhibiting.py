"""Inhibition: while the cause fires, its consequences are not told of."""

import pytest

from llm_research_lab.alerting.notifying.configuration import InhibitRule
from llm_research_lab.alerting.notifying.inhibiting import Inhibitor
from llm_research_lab.alerting.notifying.reasons import InhibitedBy
from llm_research_lab.alerting.notifying.values import Alert
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

SOURCE, TARGET = (Matcher("s", "=", "1"),), (Matcher("t", "=", "1"),)
RULE = InhibitRule(SOURCE, TARGET, ("e",))


def one(**labels):
    return labels_of(labels)


def inhibitor(*rules, fires=(), ends=100, now=0):
    found = Inhibitor(tuple(rules))
    for labels in fires:
        found.put(Alert(labels, 0, ends), now)
    return found


@pytest.mark.parametrize(
    ("source", "target", "inhibits"),
    [
        (one(s="1", e="x"), one(t="1", e="x"), True),
        (one(s="1", e="x"), one(t="1", e="y"), False),
        (one(s="1"), one(t="1"), True),
        (one(s="1", e="x"), one(t="1"), False),
        (one(s="1"), one(t="1", e="x"), False),
        (one(s="2", e="x"), one(t="1", e="x"), False),
        (one(s="1", e="x"), one(t="2", e="x"), False),
        # The target is a source too: a source that is no target inhibits it.
        (one(s="1", e="x"), one(s="1", t="1", e="x"), True),
        # The source is a target too, the target is no source.
        (one(s="1", t="1", e="x"), one(t="1", e="x"), True),
        # Both are both.
        (one(s="1", t="1", e="x", n="1"), one(s="1", t="1", e="x", n="2"), False),
        # One alert alone.
        (one(s="1", t="1", e="x"), one(s="1", t="1", e="x"), False),
    ],
)
def test_a_source_inhibits_the_targets_that_agree_with_it(source, target, inhibits):
    found = inhibitor(RULE, fires=(source,)).inhibited(target, 0)
    assert found == (InhibitedBy(0, (source,)) if inhibits else None)


def test_a_source_that_is_over_inhibits_nothing():
    found = inhibitor(RULE, fires=(one(s="1"),), ends=10)
    assert found.inhibited(one(t="1"), 9)
    assert not found.inhibited(one(t="1"), 10)
    # It fires again.
    found.put(Alert(one(s="1"), 0, 30), 20)
    assert found.inhibited(one(t="1"), 20)


def test_the_first_rule_that_inhibits_is_named_with_all_its_sources():
    other = InhibitRule((Matcher("s", "=", "2"),), TARGET)
    sources = one(s="2", n="2"), one(s="2", n="1")
    found = inhibitor(RULE, other, fires=sources)
    assert found.inhibited(one(t="1"), 0) == InhibitedBy(1, tuple(sorted(sources)))
    found.put(Alert(one(s="1"), 0, 100), 0)
    assert found.inhibited(one(t="1"), 0) == InhibitedBy(0, (one(s="1"),))


def test_several_labels_must_agree():
    rule = InhibitRule(SOURCE, TARGET, ("e", "f"))
    found = inhibitor(rule, fires=(one(s="1", e="1", f="2"),))
    assert found.inhibited(one(t="1", e="1", f="2"), 0)
    assert not found.inhibited(one(t="1", e="1", f="1"), 0)
    assert not found.inhibited(one(t="1", e="2", f="1"), 0)


def test_without_equal_all_targets_are_inhibited():
    found = inhibitor(InhibitRule(SOURCE, TARGET), fires=(one(s="1", e="x"),))
    assert found.inhibited(one(t="1", e="y"), 0)


def test_bonds_say_whom_a_source_concerns():
    found = Inhibitor((RULE, InhibitRule(TARGET, SOURCE)))
    assert found.put(Alert(one(s="1", e="x"), 0, 100), 0) == [(0, ("x",))]
    assert found.targets(one(t="1", e="x")) == ((0, ("x",)),)
    assert found.targets(one(s="1")) == ((1, ()),)
    assert found.targets(one(z="1")) == ()
    assert found.put(Alert(one(z="1"), 0, 100), 0) == []


def test_a_source_sent_again_changes_nothing_unless_it_ends_earlier_or_is_over():
    found = inhibitor(RULE, fires=(one(s="1"),))
    assert found.put(Alert(one(s="1"), 0, 200), 0) == []
    assert found.put(Alert(one(s="1"), 0, 150), 0) == [(0, ("",))]
    assert found.put(Alert(one(s="1"), 0, 160), 155) == [(0, ("",))]


def test_the_next_change_is_the_first_end_of_a_source():
    found = inhibitor(RULE, fires=(one(s="1", n="1"),), ends=50)
    assert found.change_after(one(t="1"), 0) == 50
    found.put(Alert(one(s="1", n="2"), 0, 40), 0)
    found.put(Alert(one(s="1", n="3"), 0, None), 0)
    assert found.change_after(one(t="1"), 0) == 40
    assert found.change_after(one(t="1"), 40) == 50
    assert found.change_after(one(t="1"), 50) is None
    assert found.change_after(one(t="2"), 0) is None


def test_no_more_sides_are_remembered_than_may_be():
    found = Inhibitor((RULE,), most=1)
    for name in "xyz":
        found.put(Alert(one(s="1", e=name), 0, 100), 0)
    for name in "xyz":
        assert found.inhibited(one(t="1", e=name), 0)
        assert not found.inhibited(one(t="1", e=name + name), 0)
