"""Silences mute what they accept, while they stand."""

from llm_research_lab.alerting.notifying.reasons import SilencedBy
from llm_research_lab.alerting.notifying.silencing import Silences
from llm_research_lab.alerting.notifying.values import Silence
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

A = Matcher("a", "=", "1")
X = labels_of({"a": "1", "b": "2"})


def test_a_silence_mutes_what_all_its_matchers_accept():
    both = Silence("s", (A, Matcher("b", "=~", "2|3")), 10, 20)
    silences = Silences.of([both])
    assert silences.silenced(X, 10) == SilencedBy("s", 20)
    assert silences.silenced(X, 20) == SilencedBy("s", 20)
    assert silences.silenced(X, 9) is None
    assert silences.silenced(X, 21) is None
    assert silences.silenced(labels_of({"a": "1"}), 15) is None
    assert silences.silenced(labels_of({"b": "2"}), 15) is None


def test_of_several_the_one_that_ends_last_is_named():
    silences = Silences.of(
        [Silence("p", (A,), 0, 30), Silence("q", (A,), 0, 50), Silence("r", (A,), 0, 50)]
    )
    assert silences.silenced(X, 10) == SilencedBy("r", 50)
    assert silences.silenced(X, 50) == SilencedBy("r", 50)


def test_silences_without_an_exact_matcher_are_found_too():
    found = [
        Silence("not", (Matcher("a", "!=", "2"),), 0, 10),
        Silence("absent", (Matcher("c", "=", ""),), 0, 10),
        Silence("exact", (Matcher("c", "=", ""), Matcher("b", "=", "2")), 0, 10),
        Silence("other", (Matcher("b", "=", "3"),), 0, 10),
    ]
    silences = Silences.of(found)
    assert {one.id for one in silences.accepting(X)} == {"not", "absent", "exact"}
    assert silences.accepting(X) is silences.accepting(X)


def test_the_next_change_is_a_start_or_just_after_an_end():
    silences = Silences.of([Silence("p", (A,), 10, 20), Silence("q", (A,), 15, 40)])
    assert [silences.change_after(X, at) for at in (0, 10, 15, 20, 21, 40, 41)] == [
        10,
        15,
        21,
        21,
        41,
        41,
        None,
    ]
    assert silences.change_after(labels_of({"a": "2"}), 0) is None


def test_no_more_answers_are_remembered_than_may_be():
    silences = Silences.of([Silence("p", (A,), 10, 20)])
    silences.most = 1
    first = silences.accepting(X)
    other = labels_of({"a": "1"})
    assert silences.accepting(other) == first
    assert silences.accepting(X) is not first
    assert silences.accepting(X) == first
