"""What fired is sent when it fires and when it is over; sending it in between changes nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.stories.replay.planted import MINUTE, ROUTES, START, interval, routes

from llm_research_lab.alerting.notifying import Arrival, Notification, course
from llm_research_lab.stories.replay import Firing, arrivals, firings
from llm_research_lab.vocabulary.labels import labels_of


def test_only_what_fires_is_sent():
    found = firings([interval("A", 0, 1, state="pending"), interval("A", 1, 3)])
    assert [(one.rule, one.from_ms, one.to_ms) for one in found] == [
        ("A", START + MINUTE, START + 3 * MINUTE)
    ]


def test_an_external_label_stands_where_the_alert_has_none_of_its_name():
    external = labels_of({"cluster": "one", "severity": "P9"})
    (found,) = firings([interval("A", 0, 1, severity="P1")], external)
    assert dict(found.labels) == {"alertname": "A", "cluster": "one", "severity": "P1"}
    assert found.severity == "P1"


def test_what_is_sent_at_one_instant_is_sent_together_and_in_order():
    found = firings([interval("B", 0, 2), interval("A", 0, 2)])
    sent = arrivals(found, START + 10 * MINUTE)
    assert [(one.at_ms - START, [alert.name for alert in one.alerts]) for one in sent] == [
        (0, ["A", "B"]),
        (2 * MINUTE, ["A", "B"]),
    ]


def test_what_fires_at_the_end_is_not_over():
    end = START + 10 * MINUTE
    (sent,) = arrivals(firings([interval("A", 0, None)]), end)
    assert not sent.alerts[0].resolved(end)


SPANS = st.lists(
    st.tuples(
        st.sampled_from(["Down", "Slow", "Odd"]),
        st.sampled_from(["P1", "P3"]),
        st.integers(0, 200),
        st.one_of(st.none(), st.integers(1, 90)),
    ),
    max_size=8,
)


@given(SPANS)
def test_an_alertmanager_that_is_sent_the_same_in_between_decides_the_same(spans):
    found = []
    for place, (name, severity, start, length) in enumerate(spans):
        end = None if length is None else start + length
        found.append(interval(name, start, end, severity=severity, instance=str(place)))
    end = START + 300 * MINUTE
    fired, configuration = firings(found), routes(ROUTES)
    once = _told(configuration, arrivals(fired, end), end)
    assert _told(configuration, again_and_again(fired, end), end) == once


def again_and_again(fired: list[Firing], end):
    """As Prometheus sends: each minute while it fires, four minutes ahead; then its real end."""
    sent = {}
    for one in arrivals(fired, end):
        for alert in one.alerts:
            over = alert.resolved(one.at_ms)
            last = one.at_ms + 1 if over else min(alert.ends_ms, end + 1)
            for at in range(one.at_ms, last, MINUTE):
                ends = alert.ends_ms if over else at + 4 * MINUTE
                sent.setdefault(at, []).append(replace(alert, ends_ms=ends))
    return [
        Arrival(at, tuple(sorted(alerts, key=lambda one: (one.labels, one.starts_ms))))
        for at, alerts in sorted(sent.items())
    ]


def _told(configuration, sent, end):
    found = course(configuration, sent, (), START, end)
    # The order of groups that are told at one instant is nobody's promise.
    return sorted(
        (one.at_ms, one.receiver, one.group_key, _said(one))
        for one in found
        if isinstance(one, Notification)
    )


def _said(one):
    return [alert.labels for alert in one.firing], [alert.labels for alert in one.resolved]
