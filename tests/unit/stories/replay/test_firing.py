"""What fired is sent when it fires and when it is over, and again where that tells of it anew."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.stories.replay.planted import MINUTE, ROUTES, START, interval, routes

from llm_research_lab.alerting.notifying import Alert, Arrival, Notification, Silence, course
from llm_research_lab.stories.replay import arrivals, firings
from llm_research_lab.stories.replay.firing import Sending
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher


def at(minute):
    return START + minute * MINUTE


def minutes(sent):
    """When something is sent, and of what it tells with which end."""
    return [
        (
            (one.at_ms - START) // MINUTE,
            [(a.name, (a.ends_ms - START) / MINUTE) for a in one.alerts],
        )
        for one in sent
    ]


def test_only_what_fires_is_sent():
    found = firings([interval("A", 0, 1, state="pending"), interval("A", 1, 3)])
    assert [(one.rule, one.from_ms, one.to_ms) for one in found] == [("A", at(1), at(3))]


def test_an_external_label_stands_where_the_alert_has_none_of_its_name():
    external = labels_of({"cluster": "one", "severity": "P9"})
    (found,) = firings([interval("A", 0, 1, severity="P1")], external)
    assert dict(found.labels) == {"alertname": "A", "cluster": "one", "severity": "P1"}
    assert found.severity == "P1"


def test_what_is_sent_at_one_instant_is_sent_together_and_in_order():
    found = firings([interval("B", 0, 2), interval("A", 0, 2)])
    sent = minutes(arrivals(found, at(2)))
    assert sent == [(0, [("A", 2), ("B", 2)]), (2, [("A", 2), ("B", 2)])]


def test_what_fires_at_the_end_is_not_over():
    end = at(10)
    (sent,) = arrivals(firings([interval("A", 0, None)]), end)
    assert not sent.alerts[0].resolved(end)


def test_what_has_resolved_is_sent_for_a_quarter_of_an_hour_at_more_than_the_delay_apart():
    found = firings([interval("A", 0, 2)])
    times = [minute for minute, _ in minutes(arrivals(found, at(60)))]
    assert times == [0, *range(2, 18, 2)]
    every = Sending({"g": 5 * MINUTE})
    assert [minute for minute, _ in minutes(arrivals(found, at(60), every))] == [0, 2, 7, 12, 17]
    delay = Sending(resend_delay_ms=4 * MINUTE, default_interval_ms=MINUTE)
    assert [minute for minute, _ in minutes(arrivals(found, at(60), delay))] == [0, 2, 7, 12, 17]


@pytest.mark.parametrize("state", ["pending", "firing"])
def test_what_is_active_anew_is_no_longer_sent_as_resolved(state):
    again = interval("A", 5, 9, state=state)
    sent = arrivals(firings([interval("A", 0, 2), again]), at(9))
    assert [minute for minute, _ in minutes(sent)] == [0, 2, 4, *([5, 9] * (state == "firing"))]


def test_another_alert_is_not_the_same_one_anew():
    found = firings([interval("A", 0, 2, job="a"), interval("A", 3, 5, job="b")])
    assert [one.again_ms for one in found] == [None, None]


def test_an_alert_whose_rule_fails_is_not_sent_and_ends_by_itself():
    one = replace(interval("A", 0, 12), missed=tuple(at(minute) for minute in range(1, 9)))
    assert minutes(arrivals(firings([one]), at(12))) == [
        (0, [("A", 4)]),
        (9, [("A", 13)]),
        (11, [("A", 15)]),
        (12, [("A", 12)]),
    ]


def test_a_forgotten_alert_is_not_resolved_and_ends_by_itself():
    one = replace(interval("A", 0, 3), missed=(at(3),), forgotten_ms=at(3))
    assert minutes(arrivals(firings([one]), at(60))) == [(0, [("A", 4)]), (2, [("A", 6)])]


def test_a_resolved_alert_that_is_forgotten_is_sent_no_more():
    one = replace(interval("A", 0, 3), missed=(at(6),), forgotten_ms=at(6))
    assert [minute for minute, _ in minutes(arrivals(firings([one]), at(60)))] == [0, 2, 3, 5]


def test_of_rules_that_fire_one_alert_the_last_one_stands():
    found = firings([interval("A", 0, 2, group="a"), interval("A", 0, 4, group="b")])
    assert minutes(arrivals(found, at(4))) == [
        (0, [("A", 4), ("A", 4)]),
        (2, [("A", 2), ("A", 6)]),
        (4, [("A", 2), ("A", 4)]),
    ]


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["Down", "Slow", "Odd"]),
        st.sampled_from(["P1", "P3"]),
        st.sampled_from(["1", "2"]),
        st.lists(
            st.tuples(st.integers(1, 40), st.integers(0, 3), st.integers(1, 60)),
            min_size=1,
            max_size=4,
        ),
        st.booleans(),
    ),
    max_size=5,
)
END = 240


def spans_of(lives):
    """The spans of the alerts, each its rule's own; equal labels are two rules' one alert."""
    found = []
    for place, (name, severity, instance, turns, lasts) in enumerate(lives):
        told, minute = {"severity": severity, "instance": instance, "group": f"g{place}"}, 0
        for number, (gap, pending, firing) in enumerate(turns):
            begins = minute + gap
            fires, minute = begins + pending, begins + pending + firing
            if pending:
                found.append(interval(name, begins, fires, state="pending", **told))
            last = lasts and number == len(turns) - 1
            found.append(interval(name, fires, None if last else minute, **told))
    return found


@given(
    LIVES, st.sets(st.tuples(st.integers(0, 4), st.integers(0, END)), max_size=20), st.booleans()
)
def test_an_alertmanager_decides_as_if_it_was_sent_all_that_prometheus_sends(lives, failed, muted):
    spans = spans_of(lives)
    # A rule that fails keeps the states of its alerts.
    turns = {one.from_ms for one in spans} | {one.to_ms for one in spans}
    found = [replace(one, missed=failing(one, failed, turns)) for one in spans]
    found = [one for one in found if one.from_ms < at(END)]
    silences = [Silence("s", (Matcher("severity", "=", "P1"),), at(9), at(60))] if muted else []
    mine = told(arrivals(firings(found), at(END)), silences)
    assert mine == told(again_and_again(found), silences)


def failing(one, failed, turns):
    """When the rule fails while the alert lasts or is remembered."""
    until = at(END) if one.to_ms is None else one.to_ms + 15 * MINUTE
    times = sorted(at(minute) for place, minute in failed if f"g{place}" == one.group)
    return tuple(time for time in times if one.from_ms <= time <= until and time not in turns)


def again_and_again(found):
    """As Prometheus sends, tick by tick: a model of its loop over the alerts of its rules."""
    keys = list(dict.fromkeys((one.group, one.labels) for one in found))
    active, sent = {}, {}
    for minute in range(END + 1):
        now = at(minute)
        for key in keys:
            mine = [one for one in found if (one.group, one.labels) == key]
            if any(now in one.missed for one in mine):
                continue
            state = next(
                (s.state for s in mine if s.from_ms <= now and (s.to_ms is None or now < s.to_ms)),
                None,
            )
            alert = active.get(key)
            if state and (alert is None or alert["over"]):
                alert = active[key] = {"fired": None, "over": None, "sent": None}
            if alert is None:
                continue
            if state == "firing":
                alert["fired"] = alert["fired"] or now
            elif state is None and alert["over"] is None:
                alert["over"] = now
            if alert["over"] and now - alert["over"] > 15 * MINUTE:
                del active[key]
            elif alert["fired"] and due(alert, now):
                alert["sent"] = now
                ends = alert["over"] or now + 4 * MINUTE
                sent.setdefault(now, []).append(Alert(key[1], alert["fired"], ends))
    return [Arrival(now, tuple(alerts)) for now, alerts in sent.items()]


def due(alert, now):
    last = alert["sent"]
    return last is None or (alert["over"] or 0) > last or last + MINUTE < now


def told(sent, silences):
    found = course(routes(ROUTES), sent, silences, START, at(END))
    # The order of groups that are told at one instant is nobody's promise.
    return sorted(
        (one.at_ms, one.receiver, one.group_key, said(one))
        for one in found
        if isinstance(one, Notification)
    )


def said(one):
    """An alert that fires has no end in a message; who is over has its own."""
    return [(alert.labels, alert.starts_ms, alert.ends_ms or 0) for alert in one.alerts]
