"""Alerts: fingerprints, ends, merging and their order in a message."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.notifying.values import (
    Alert,
    Silence,
    fingerprint,
    matters,
    merged,
    ordered,
    overlap,
    received,
)
from llm_research_lab.vocabulary.labels import labels_of

X = labels_of({"alertname": "x"})


def test_a_fingerprint_is_prometheuss():
    # What a real Alertmanager says of these labels.
    labels = labels_of({"alertname": "A0", "case": "c231", "n": "0", "severity": "critical"})
    assert fingerprint(labels) == "0ff09118c0e5d482"
    assert fingerprint(()) == "cbf29ce484222325"
    assert fingerprint(labels_of({"a": "ä"})) != fingerprint(labels_of({"a": "a"}))


@pytest.mark.parametrize(("at", "over"), [(9, False), (10, True), (11, True)])
def test_an_alert_is_over_at_its_end(at, over):
    assert Alert(X, 0, 10).resolved(at) is over
    assert Alert(X, 0).resolved(at) is False


def test_a_name_is_the_label_alertname():
    assert Alert(X, 0).name == "x"
    assert Alert((), 0).name == ""


@pytest.mark.parametrize(("at", "active"), [(9, False), (10, True), (20, True), (21, False)])
def test_a_silence_includes_both_its_ends(at, active):
    assert Silence("s", (), 10, 20).active(at) is active


def test_an_alert_without_an_end_ends_after_the_timeout():
    sent = Alert((*X, ("empty", "")), 3, None, (("a", "b"),), "http://x")
    assert received(sent, 10, 100) == Alert(X, 3, 110, (("a", "b"),), "http://x", 10, timeout=True)
    assert received(Alert(X, 3), 10).ends_ms == 10 + 300_000


def test_an_end_that_was_said_stays():
    assert received(Alert(X, 3, 7), 10, 100) == Alert(X, 3, 7, updated_ms=10, timeout=False)


@pytest.mark.parametrize(
    ("old", "new", "does"),
    [
        ((10, 20), (0, 15), True),
        ((10, 20), (15, 30), True),
        ((10, 20), (12, 15), True),
        ((10, 20), (0, 10), False),
        ((10, 20), (0, 20), False),
        ((10, 20), (20, 30), False),
        ((10, 20), (10, 25), False),
        ((10, 20), (0, 30), False),
        ((10, None), (15, 30), False),
        ((10, 20), (15, None), False),
    ],
)
def test_alerts_overlap_when_one_end_of_the_new_lies_within_the_old(old, new, does):
    assert overlap(Alert(X, *old), Alert(X, *new)) is does


def joined(old, new, now=100):
    """Merge (start, end, updated, timeout) pairs; gives start, end and whose words."""
    one = Alert(X, old[0], old[1], (("by", "old"),), updated_ms=old[2], timeout=old[3])
    other = Alert(X, new[0], new[1], (("by", "new"),), updated_ms=new[2], timeout=new[3])
    found = merged(one, other, now)
    return found.starts_ms, found.ends_ms, found.annotations[0][1]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # The newer's end is later: it counts.
        ((0, 200, 1, False), (5, 300, 2, False), (0, 300, "new")),
        # It still fires, and the older's later end was said.
        ((0, 300, 1, False), (5, 200, 2, False), (0, 300, "new")),
        # The older's later end is a timeout.
        ((0, 300, 1, True), (5, 200, 2, False), (0, 200, "new")),
        # Both are over: the later end.
        ((0, 90, 1, True), (5, 80, 2, False), (0, 90, "new")),
        # The newer is over, the older is not.
        ((0, 300, 1, False), (5, 80, 2, False), (0, 80, "new")),
        # The newer starts earlier.
        ((5, 200, 1, False), (0, 300, 2, False), (0, 300, "new")),
        # What came later is the newer, wherever it stands.
        ((0, 300, 2, False), (5, 200, 1, False), (0, 300, "old")),
        # Ends alike.
        ((0, 200, 1, False), (5, 200, 2, False), (0, 200, "new")),
        ((0, None, 1, False), (5, 200, 2, False), (0, 200, "new")),
        ((0, 300, 1, False), (5, None, 2, False), (0, None, "new")),
        # One is over at the very instant.
        ((0, 300, 1, False), (5, 100, 2, False), (0, 100, "new")),
    ],
)
def test_merging_takes_the_earlier_start_and_the_end_that_rules(old, new, expected):
    assert joined(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "does"),
    [
        (None, (0, 20), True),
        ((0, 20), (0, 20), False),
        ((0, 20), (0, 30), False),
        ((0, 20), (0, 19), True),
        ((0, 10), (0, 20), True),
        ((0, 20), (0, 10), True),
        ((0, 9), (0, 10), False),
        ((0, None), (0, 10), True),
        ((0, 20), (0, None), True),
    ],
)
def test_a_change_matters_when_it_decides_earlier_than_was_due(old, new, does):
    before = None if old is None else Alert(X, *old)
    assert matters(before, Alert(X, *new), 10) is does


ORDER = [
    {"job": "a", "instance": "1", "z": "9"},
    {"job": "a", "instance": "2", "a": "0"},
    {"job": "a", "a": "0"},
    {"job": "b", "a": "0"},
    {"instance": "1", "z": "1"},
    {"z": "9"},
    # Who lacks the first name in which they differ comes first.
    {"b": "0", "c": "0"},
    {"a": "1", "c": "0"},
    {"a": "1", "b": "1"},
    {"a": "1", "b": "2"},
    {"a": "0", "b": "0", "c": "0"},
]


def test_a_message_lists_by_job_instance_number_of_labels_and_labels():
    alerts = [Alert(labels_of(one), 0) for one in ORDER]
    for start in range(len(alerts)):
        turned = alerts[start:] + alerts[:start]
        assert ordered(turned) == alerts
    assert ordered(reversed(alerts)) == alerts
    assert ordered(alerts[:1]) == alerts[:1]
    assert ordered([alerts[0], alerts[0]]) == [alerts[0]] * 2


@given(
    st.lists(st.dictionaries(st.sampled_from(["job", "instance", "a", "b"]), st.sampled_from("xy")))
)
def test_the_order_does_not_depend_on_where_one_began(sets):
    alerts = [Alert(labels_of(one), 0) for one in sets]
    assert ordered(alerts) == ordered(reversed(alerts))
    assert all(
        ordered([later, earlier]) == [earlier, later]
        for earlier, later in itertools.pairwise(ordered(alerts))
    )
