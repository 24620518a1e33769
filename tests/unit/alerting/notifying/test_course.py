"""From alerts to notifications over time: planted histories, and a slow, obvious model."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.notifying import (
    LATEST,
    Alert,
    Arrival,
    Dispatcher,
    Invalid,
    Notification,
    Reload,
    Semantics,
    Silence,
    Silences,
    Withheld,
    course,
    read_routes,
)
from llm_research_lab.alerting.notifying.intervals import containing
from llm_research_lab.alerting.notifying.log import Entry, needs_update
from llm_research_lab.alerting.notifying.matching import accepted
from llm_research_lab.alerting.notifying.reasons import NeverTold, TooSoon
from llm_research_lab.alerting.notifying.routing import group_key, group_labels, routes_of
from llm_research_lab.alerting.notifying.values import merged, ordered, overlap, received
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

S = 1_000
MIN = 60 * S
HOUR = 60 * MIN


def configuration(route=None, receivers=None, **more):
    """A configuration whose root groups by alertname and tells `r`, by a webhook."""
    hook = {"webhook_configs": [{"url": "http://x"}]}
    file = {
        "route": {"receiver": "r", "group_by": ["alertname"], **(route or {})},
        "receivers": receivers or [{"name": "r", **hook}, {"name": "q", **hook}],
        **more,
    }
    found, findings = read_routes(json.dumps(file), where="x")
    assert found is not None, findings
    return found


def alert(starts=0, ends=None, told="", **labels):
    return Alert(labels_of({"alertname": "x", **labels}), starts, ends, labels_of({"told": told}))


def sent(*pairs):
    """Arrivals of (instant, alerts…)."""
    return [Arrival(at, tuple(alerts)) for at, *alerts in pairs]


def told(found):
    """Notifications as (instant, receiver, because, firing, resolved)."""
    return [
        (
            one.at_ms,
            one.receiver,
            type(one.because).__name__,
            len(one.firing),
            len(one.resolved),
        )
        for one in found
        if isinstance(one, Notification)
    ]


def withheld(found):
    return [
        (one.at_ms, type(one.reason).__name__, len(one.alerts))
        for one in found
        if isinstance(one, Withheld)
    ]


def run(config, arrivals, to_ms, silences=(), **more):
    return list(course(config, arrivals, silences, 0, to_ms, **more))


def test_a_group_waits_then_ticks_and_repeats_on_its_ticks():
    long = alert(ends=24 * HOUR)
    found = run(configuration(), sent((0, long)), 9 * HOUR)
    # Exactly four hours on is not yet more than four hours: the next tick repeats.
    assert told(found) == [
        (30 * S, "r", "FirstTold", 1, 0),
        (4 * HOUR + 5 * MIN + 30 * S, "r", "Repeated", 1, 0),
        (8 * HOUR + 10 * MIN + 30 * S, "r", "Repeated", 1, 0),
    ]


def test_a_repeat_between_ticks_comes_at_the_next_tick():
    route = {"group_interval": "2m", "repeat_interval": "3m"}
    found = run(configuration(route), sent((0, alert(ends=HOUR))), 10 * MIN)
    assert [one[0] for one in told(found)] == [30 * S, 4 * MIN + 30 * S, 8 * MIN + 30 * S]


def test_a_repeat_is_due_a_millisecond_after_its_interval():
    route = {"group_interval": "180001ms", "repeat_interval": "3m"}
    found = run(configuration(route), sent((0, alert(ends=HOUR))), 4 * MIN)
    assert [one[0] for one in told(found)] == [30 * S, 3 * MIN + 30 * S + 1]


def test_what_comes_within_group_wait_is_told_together_and_later_at_the_next_tick():
    found = run(
        configuration(),
        sent(
            (0, alert(n="1", ends=HOUR)),
            (20 * S, alert(20 * S, HOUR, n="2")),
            (40 * S, alert(40 * S, HOUR, n="3")),
        ),
        6 * MIN,
    )
    assert told(found) == [
        (30 * S, "r", "FirstTold", 2, 0),
        (5 * MIN + 30 * S, "r", "NewFiring", 3, 0),
    ]
    waits = [str(one.reason) for one in found if isinstance(one, Withheld)][:3]
    assert waits == [
        "waiting for its group until 1970-01-01T00:00:30.000Z (group_wait)",
        "waiting for its group until 1970-01-01T00:00:30.000Z (group_wait)",
        "waiting for its group until 1970-01-01T00:05:30.000Z (group_interval)",
    ]


def test_an_alert_older_than_group_wait_flushes_its_group_at_once():
    base = 10 * MIN
    for age, at in ((31 * S, 0), (30 * S, 30 * S)):
        found = run(configuration(), sent((base, alert(base - age, HOUR))), base + MIN)
        assert told(found) == [(base + at, "r", "FirstTold", 1, 0)]


def test_an_old_alert_flushes_a_waiting_group_but_no_flushed_one():
    first, old = alert(10 * MIN, HOUR, n="1"), alert(0, HOUR, n="2")
    arrivals = sent(
        (10 * MIN, first),
        (10 * MIN + 10 * S, old),
        (12 * MIN, replace(old, labels=labels_of({"alertname": "x", "n": "3"}))),
    )
    found = run(configuration(), arrivals, 16 * MIN)
    assert told(found) == [
        (10 * MIN + 10 * S, "r", "FirstTold", 2, 0),
        (15 * MIN + 10 * S, "r", "NewFiring", 3, 0),
    ]
    # The latest versions look only at the alert that opens the group.
    assert told(run(configuration(), arrivals, 16 * MIN, semantics=LATEST)) == [
        (10 * MIN + 30 * S, "r", "FirstTold", 2, 0),
        (15 * MIN + 30 * S, "r", "NewFiring", 3, 0),
    ]


def test_resolved_alerts_are_told_once_and_leave():
    arrivals = sent(
        (0, alert(ends=HOUR, n="1"), alert(ends=HOUR, n="2")),
        (2 * MIN, alert(ends=2 * MIN, n="1")),
        (7 * MIN, alert(ends=7 * MIN, n="2")),
    )
    found = run(configuration(), arrivals, HOUR)
    assert told(found) == [
        (30 * S, "r", "FirstTold", 2, 0),
        (5 * MIN + 30 * S, "r", "NewResolved", 1, 1),
        (10 * MIN + 30 * S, "r", "AllResolved", 0, 1),
    ]
    assert [one.status for one in found if isinstance(one, Notification)] == [
        "firing",
        "firing",
        "resolved",
    ]


def test_an_alert_that_nobody_sends_again_resolves_after_the_timeout():
    config = configuration(**{"global": {"resolve_timeout": "2m"}})
    found = run(config, sent((0, alert())), HOUR)
    assert told(found) == [
        (30 * S, "r", "FirstTold", 1, 0),
        (5 * MIN + 30 * S, "r", "AllResolved", 0, 1),
    ]
    assert found[-1].alerts[0].ends_ms == 2 * MIN


def test_sent_again_it_goes_on():
    arrivals = sent(*((at * MIN, alert(told=str(at))) for at in range(0, 60, 4)))
    assert len(told(run(configuration(), arrivals, HOUR))) == 1


def test_who_does_not_want_to_hear_of_resolved_is_not_told():
    receivers = [{"name": "r", "slack_configs": [{"api_url": "http://x"}]}]
    config = configuration(receivers=receivers)
    both = alert(ends=HOUR, n="1"), alert(ends=HOUR, n="2")
    arrivals = sent(
        (0, *both),
        (2 * MIN, replace(both[0], ends_ms=2 * MIN), alert(2 * MIN, HOUR, n="3")),
        (7 * MIN, replace(both[1], ends_ms=7 * MIN), alert(2 * MIN, 7 * MIN, n="3")),
        (22 * MIN, alert(22 * MIN, HOUR, n="1")),
    )
    found = run(config, arrivals, 26 * MIN)
    assert told(found) == [
        (30 * S, "r", "FirstTold", 2, 0),
        (5 * MIN + 30 * S, "r", "NewFiring", 2, 0),
        # The log forgot, without a message, that anything fired; the group itself is gone.
        (22 * MIN + 30 * S, "r", "NewFiring", 1, 0),
    ]
    reasons = [(one.at_ms, str(one.reason)) for one in found if isinstance(one, Withheld)]
    assert (5 * MIN + 30 * S, "send_resolved is false") in reasons
    assert (10 * MIN + 30 * S, "send_resolved is false") in reasons


def test_resolved_before_its_first_flush_it_is_never_told():
    found = run(configuration(), sent((0, alert(ends=20 * S))), HOUR)
    assert told(found) == []
    assert withheld(found) == [(0, "Waiting", 1), (30 * S, "NeverTold", 1)]


def test_a_silence_is_judged_at_the_flush_and_said_once():
    silence = Silence("s", (Matcher("n", "=", "1"),), 10 * S, 12 * MIN)
    one, two = alert(ends=HOUR, n="1"), alert(ends=HOUR, n="2")
    found = run(configuration(), sent((0, one, two)), 20 * MIN, [silence])
    assert told(found) == [
        (30 * S, "r", "FirstTold", 1, 0),
        (15 * MIN + 30 * S, "r", "NewFiring", 2, 0),
    ]
    said = [one for one in found if isinstance(one, Withheld)]
    assert [
        str(one.reason) for one in said if one.alerts == (labels_of({"alertname": "x", "n": "1"}),)
    ] == [
        "waiting for its group until 1970-01-01T00:00:30.000Z (group_wait)",
        "silenced by s until 1970-01-01T00:12:00.000Z",
    ]
    assert [str(one) for one in said[-1].why] == [
        "routed by {} to r",
        "silenced by s until 1970-01-01T00:12:00.000Z",
    ]


def test_what_resolves_while_silenced_is_forgotten_untold():
    silence = Silence("s", (Matcher("n", "=", "1"),), MIN, 8 * MIN)
    found = run(configuration(), sent((0, alert(ends=2 * MIN, n="1"))), HOUR, [silence])
    assert told(found) == [(30 * S, "r", "FirstTold", 1, 0)]


def test_inhibition_is_judged_at_the_flush():
    config = configuration(
        inhibit_rules=[{"source_matchers": ["n=1"], "target_matchers": ["n=2"]}],
    )
    source, target = alert(ends=HOUR, n="1", alertname="y"), alert(ends=HOUR, n="2")
    # The source comes after the target, within its group_wait, and is over before the fourth tick.
    arrivals = sent((0, target), (20 * S, source), (12 * MIN, replace(source, ends_ms=12 * MIN)))
    found = run(config, arrivals, 16 * MIN)
    x = [one for one in found if one.group_key == '{}:{alertname="x"}']
    assert told(x) == [(15 * MIN + 30 * S, "r", "FirstTold", 1, 0)]
    assert withheld(x) == [(0, "Waiting", 1), (30 * S, "InhibitedBy", 1)]


def test_a_source_that_ends_by_itself_lets_its_targets_through_at_the_next_tick():
    config = configuration(
        inhibit_rules=[{"source_matchers": ["n=1"], "target_matchers": ["n=2"]}],
    )
    source, target = alert(ends=7 * MIN, n="1", alertname="y"), alert(ends=HOUR, n="2")
    found = run(config, sent((0, source, target)), 16 * MIN)
    assert (10 * MIN + 30 * S, "r", "FirstTold", 1, 0) in told(found)


def test_a_source_that_begins_later_inhibits_from_the_next_tick():
    config = configuration(
        {"repeat_interval": "1m"},
        inhibit_rules=[{"source_matchers": ["n=1"], "target_matchers": ["n=2"]}],
    )
    source, target = alert(8 * MIN, HOUR, n="1", alertname="y"), alert(ends=HOUR, n="2")
    found = run(config, sent((0, target), (8 * MIN, source)), 16 * MIN)
    x = [one for one in found if one.group_key == '{}:{alertname="x"}']
    assert [one[0] for one in told(x)] == [30 * S, 5 * MIN + 30 * S]
    assert withheld(x)[-1] == (10 * MIN + 30 * S, "InhibitedBy", 1)


INTERVALS = [
    {
        "name": "first",
        "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "00:20"}]}],
    },
    {"name": "last", "time_intervals": [{"times": [{"start_time": "00:40", "end_time": "24:00"}]}]},
]


@pytest.mark.parametrize(
    ("key", "at", "reason"),
    [
        ("mute_time_intervals", 20 * MIN + 30 * S, "muted by the time interval first"),
        ("active_time_intervals", 30 * S, "outside the active time intervals first, last"),
    ],
)
def test_time_intervals_of_a_route_mute_at_the_flush(key, at, reason):
    child = {"matchers": ["alertname=x"], key: ["first", "last"]}
    config = configuration({"routes": [child], "repeat_interval": "4m"}, time_intervals=INTERVALS)
    found = run(config, sent((0, alert(ends=2 * HOUR))), 59 * MIN)
    times = [one[0] for one in told(found)]
    # Ticks are at each five minutes and a half.
    ticks = [tick * 5 * MIN + 30 * S for tick in range(12)]
    inside = [tick for tick in ticks if tick < 20 * MIN or tick >= 40 * MIN]
    expected = inside if key.startswith("active") else [t for t in ticks if t not in inside]
    assert times == expected
    assert times[0] == at
    said = {str(one.reason) for one in found if isinstance(one, Withheld)}
    assert any(one.startswith(("muted by", "outside")) for one in said)


def test_a_receiver_without_integrations_tells_nobody():
    config = configuration(receivers=[{"name": "r"}])
    found = run(config, sent((0, alert(ends=2 * MIN))), HOUR)
    assert told(found) == []
    assert withheld(found) == [(0, "Waiting", 1), (30 * S, "NoIntegration", 1)]


def test_each_integration_has_a_log_of_its_own():
    receivers = [
        {
            "name": "r",
            "webhook_configs": [{"url": "http://x"}, {"url": "http://y", "send_resolved": False}],
        }
    ]
    config = configuration(receivers=receivers)
    found = run(config, sent((0, alert(ends=2 * MIN))), HOUR)
    assert [(one.at_ms, one.integration) for one in found if isinstance(one, Notification)] == [
        (30 * S, "webhook[0]"),
        (30 * S, "webhook[1]"),
        (5 * MIN + 30 * S, "webhook[0]"),
    ]


def test_continue_tells_several_receivers():
    routes = [
        {"matchers": ["n=1"], "receiver": "q", "continue": True, "group_wait": "10s"},
        {"matchers": ["n=~1|2"]},
    ]
    found = run(configuration({"routes": routes}), sent((0, alert(ends=HOUR, n="1"))), MIN)
    assert [one[:2] for one in told(found)] == [(10 * S, "q"), (30 * S, "r")]
    assert [str(one) for one in found[-1].why] == [
        'routed by {}/{n=~"1|2"}/1 to r',
        'grouped by {alertname="x"}',
        "first notification of the group",
    ]


def test_routes_of_one_key_and_receiver_share_a_log_but_race_at_one_instant():
    routes = [
        {"matchers": ["n=1"], "continue": True},
        {"matchers": ["n=1"], "continue": True},
        {"matchers": ["n=1"], "group_wait": "40s"},
    ]
    found = run(configuration({"routes": routes}), sent((0, alert(ends=HOUR, n="1"))), MIN)
    assert [one[0] for one in told(found)] == [30 * S, 30 * S]


def test_an_empty_group_ticks_on_until_maintenance_finds_it():
    config = configuration({"group_wait": "31s"})
    first = alert(ends=2 * MIN)
    # Flushed empty at 5:31; maintenance comes each 30 s from the start, after all else.
    for at, tick in (
        (5 * MIN + 45 * S, 10 * MIN + 31 * S),
        (6 * MIN, 10 * MIN + 31 * S),
        (6 * MIN + 1, 6 * MIN + 31 * S + 1),
    ):
        found = run(config, sent((0, first), (at, alert(at, HOUR))), 20 * MIN)
        assert told(found)[-1] == (tick, "r", "NewFiring", 1, 0)
        latest = run(config, sent((0, first), (at, alert(at, HOUR))), 20 * MIN, semantics=LATEST)
        assert told(latest)[-1][0] == at + 31 * S
    # Emptied at the very start, it waits for the first maintenance as any other.
    for at, tick in ((10 * S, 5 * MIN), (30 * S, 5 * MIN), (31 * S, 62 * S)):
        old = alert(-HOUR, 0)
        found = run(config, sent((0, old), (at, alert(at, HOUR))), 20 * MIN)
        assert told(found)[0] == (tick, "r", "FirstTold", 1, 0)
    # Emptied at the very instant of a maintenance, it goes with it.
    found = run(
        configuration(), sent((0, first), (5 * MIN + 30 * S + 1, alert(330_001, HOUR))), HOUR
    )
    assert told(found)[-1][0] == 6 * MIN + 1


def test_an_alert_that_fires_again_before_its_flush_never_resolved():
    arrivals = sent(
        (0, alert(ends=HOUR)), (2 * MIN, alert(ends=2 * MIN)), (4 * MIN, alert(4 * MIN, HOUR))
    )
    assert len(told(run(configuration(), arrivals, 20 * MIN))) == 1


def test_overlapping_alerts_are_merged():
    arrivals = sent((0, alert(ends=10 * MIN, told="1")), (MIN, alert(MIN, 5 * MIN, told="2")))
    found = run(configuration(), arrivals, 20 * MIN)
    last = [one for one in found if isinstance(one, Notification)][-1]
    assert last.at_ms == 10 * MIN + 30 * S
    assert (last.alerts[0].starts_ms, last.alerts[0].ends_ms) == (0, 10 * MIN)
    assert last.alerts[0].annotations == (("told", "2"),)


def test_what_was_collected_as_garbage_is_not_merged_with():
    starts = 25 * MIN
    for at, expected in ((29 * MIN, 0), (31 * MIN, starts)):
        arrivals = sent((0, alert(ends=28 * MIN)), (at, alert(starts, 2 * HOUR)))
        found = run(configuration(), arrivals, HOUR)
        last = [one for one in found if isinstance(one, Notification)][-1]
        assert last.alerts[0].starts_ms == expected


def test_a_restart_begins_the_collection_of_garbage_anew():
    config, starts = configuration(), 45 * MIN
    arrivals = sent((40 * MIN, alert(30 * MIN, 48 * MIN)), (61 * MIN, alert(starts, 2 * HOUR)))
    for restart, expected in ((False, starts), (True, 30 * MIN)):
        reloads = [Reload(35 * MIN, config, restart=restart)]
        found = run(config, arrivals, 70 * MIN, reloads=reloads)
        last = [one for one in found if isinstance(one, Notification)][-1]
        assert last.alerts[0].starts_ms == expected


def test_what_is_no_alert_is_refused():
    found = run(configuration(), sent((0, Alert((), 0), alert(10, 5), alert(5, 5))), 1)
    assert [one.reason for one in found if isinstance(one, Withheld)][:2] == [
        Invalid("at least one label pair required"),
        Invalid("start time must be before end time"),
    ]
    assert withheld(found)[2][1] == "Waiting"


def test_a_reload_tells_new_receivers_and_only_them():
    other = configuration({"receiver": "q"})
    long = alert(ends=10 * HOUR)
    same = run(configuration(), sent((0, long)), HOUR, reloads=[Reload(10 * MIN, configuration())])
    assert told(same) == [(30 * S, "r", "FirstTold", 1, 0)]
    moved = run(configuration(), sent((0, long)), HOUR, reloads=[Reload(10 * MIN, other)])
    # The alert is old by now: its new group does not wait.
    assert told(moved)[1:] == [(10 * MIN, "q", "FirstTold", 1, 0)]


def test_a_reload_comes_before_the_flushes_of_its_instant():
    other = configuration({"receiver": "q"})
    found = run(
        configuration(), sent((0, alert(ends=HOUR))), 2 * MIN, reloads=[Reload(30 * S, other)]
    )
    assert told(found) == [(MIN, "q", "FirstTold", 1, 0)]


def test_a_reload_keeps_alerts_and_a_restart_does_not():
    long, config = alert(ends=10 * HOUR), configuration({"repeat_interval": "1m"})
    for restart, count in ((False, 3), (True, 1)):
        reloads = [Reload(2 * MIN, config, restart=restart)]
        found = run(config, sent((0, long)), 8 * MIN, reloads=reloads)
        assert len(told(found)) == count
    # Sent again after the restart, the log still knows.
    again = run(
        configuration(),
        sent((0, long), (3 * MIN, long)),
        HOUR,
        reloads=[Reload(2 * MIN, configuration(), restart=True)],
    )
    assert told(again) == [(30 * S, "r", "FirstTold", 1, 0)]


def test_no_inhibited_alert_slips_out_at_a_restart_when_dispatching_waits():
    config = configuration(
        inhibit_rules=[{"source_matchers": ["n=1"], "target_matchers": ["n=2"]}],
    )
    source, target = alert(ends=HOUR, n="1", alertname="y"), alert(ends=HOUR, n="2")
    arrivals = sent((0, source, target), (11 * MIN, target), (12 * MIN, source))
    reloads = [Reload(10 * MIN, config, restart=True)]
    slipped = run(config, arrivals, 13 * MIN, reloads=reloads)
    assert (11 * MIN, "r", "FirstTold", 1, 0) in told(slipped)
    held = run(
        config, arrivals, 13 * MIN, reloads=reloads, semantics=Semantics(start_delay_ms=2 * MIN)
    )
    assert [one for one in told(held) if one[0] > 10 * MIN] == []
    # At a reload, and for what is sent together, all is known before anything is flushed.
    kept = run(config, arrivals[:1], 13 * MIN, reloads=[Reload(10 * MIN, config)])
    assert [one for one in told(kept) if one[0] >= 10 * MIN] == []


def test_what_is_later_than_the_end_is_left_out():
    long = alert(ends=HOUR)
    assert told(run(configuration(), sent((0, long)), 30 * S)) == [(30 * S, "r", "FirstTold", 1, 0)]
    assert told(run(configuration(), sent((0, long)), 30 * S - 1)) == []
    late = sent((0, long), (MIN, alert(MIN, HOUR, n="2")))
    assert len(withheld(run(configuration(), late, MIN - 1))) == 1


def test_an_entry_older_than_the_retention_is_forgotten():
    semantics = Semantics(retention_ms=HOUR)
    found = run(configuration(), sent((0, alert(ends=10 * HOUR))), 2 * HOUR, semantics=semantics)
    assert [one[:3] for one in told(found)] == [
        (30 * S, "r", "FirstTold"),
        (HOUR + 30 * S, "r", "FirstTold"),
    ]


def test_silences_can_change_while_it_runs():
    dispatcher = Dispatcher(configuration({"repeat_interval": "1m"}), 0)
    dispatcher.arrive([alert(ends=HOUR)], 0)
    assert len(told(dispatcher.advance(6 * MIN))) == 2
    silence = Silence("s", (Matcher("alertname", "=", "x"),), 7 * MIN, HOUR)
    assert dispatcher.silence([silence], 7 * MIN) == []
    found = dispatcher.advance(11 * MIN)
    assert told(found) == []
    assert withheld(found) == [(10 * MIN + 30 * S, "SilencedBy", 1)]
    dispatcher.silence([], 12 * MIN)
    assert [one[0] for one in told(dispatcher.advance(16 * MIN))] == [15 * MIN + 30 * S]


def test_what_no_decision_rests_on_is_forgotten():
    config = configuration(
        inhibit_rules=[{"source_matchers": ["n=1"], "target_matchers": ["n!=1"]}],
    )
    dispatcher = Dispatcher(config, 0, semantics=Semantics(retention_ms=HOUR))
    long = alert(ends=9 * HOUR, n="1", alertname="y")
    for minute in range(0, 180, 5):
        at = minute * MIN
        dispatcher.arrive([alert(at, at + MIN, n=str(minute), alertname=f"a{minute}"), long], at)
    # Collected at 2:30, a group that was flushed empty just afterwards is still there.
    assert len(dispatcher.alerts) == 7
    assert [
        one.alerts
        for one in dispatcher.groups.values()
        if one.alerts and one.labels == (("alertname", "y"),)
    ]
    assert len(dispatcher.groups) == 8
    dispatcher.arrive([long], 5 * HOUR)
    # Of the one that fires all the while it was told within the hour.
    assert [key[0] for key in dispatcher.log] == ['{}:{alertname="y"}']
    assert list(dispatcher.alerts) == [long.labels]
    assert (
        told(dispatcher.arrive([alert(5 * HOUR, 9 * HOUR, n="0", alertname="a0")], 5 * HOUR)) == []
    )
    found = dispatcher.advance(6 * HOUR)
    assert "InhibitedBy" in {name for _, name, _ in withheld(found)}
    dispatcher.arrive([], 11 * HOUR)
    assert (dispatcher.log, dispatcher.alerts, dispatcher.groups) == ({}, {}, {})


def test_the_next_flush_is_known():
    dispatcher = Dispatcher(configuration(), 0, Silences.of([]))
    assert dispatcher.next_ms() is None
    dispatcher.arrive([alert(ends=2 * MIN)], 0)
    assert dispatcher.next_ms() == 30 * S
    dispatcher.arrive([alert(-HOUR, 2 * MIN)], 10 * S)
    assert dispatcher.next_ms() == 10 * S
    dispatcher.advance(11 * S)
    assert dispatcher.next_ms() == 5 * MIN + 10 * S
    dispatcher.advance(MIN)
    assert dispatcher.next_ms() == 5 * MIN + 10 * S
    dispatcher.arrive([alert(-HOUR, 4 * MIN)], 2 * MIN)
    dispatcher.arrive([alert(-HOUR, 3 * MIN)], 3 * MIN)
    assert dispatcher.next_ms() == 5 * MIN + 10 * S
    dispatcher.advance(HOUR)
    assert dispatcher.next_ms() is None
    assert dispatcher.now_ms == HOUR
    assert list(dispatcher.log.values()) == [
        Entry(5 * MIN + 10 * S, frozenset(), frozenset({labels_of({"alertname": "x"})}))
    ]


# The slow model: every group is judged at each of its ticks, with all rules asked anew.

STEP = 500


def slowly(config, arrivals, silences, to_ms):
    """Notifications by a walk through each half second, without remembering anything clever."""
    known, groups, log, found = {}, {}, {}, []
    for now in range(0, to_ms + 1, STEP):
        for arrival in [one for one in arrivals if one.at_ms == now]:
            for one in arrival.alerts:
                new = received(one, now, config.resolve_timeout_ms)
                old = known.get(new.labels)
                if old is not None and overlap(old, new):
                    new = merged(old, new, now)
                known[new.labels] = new
                for route in routes_of(config.route, new.labels):
                    labels = group_labels(route, new.labels)
                    group = groups.setdefault(
                        (route.id, labels),
                        {
                            "route": route,
                            "labels": labels,
                            "next": now + route.group_wait_ms,
                            "flushed": False,
                            "alerts": {},
                        },
                    )
                    group["alerts"][new.labels] = new
                    if not group["flushed"] and new.starts_ms + route.group_wait_ms < now:
                        group["next"] = now
        written = {}
        for group in list(groups.values()):
            if group["next"] == now:
                group |= {"next": now + group["route"].group_interval_ms, "flushed": True}
                found += slow_flush(config, group, known, silences, (log, written), now)
        log |= written
        if now and now % 30_000 == 0:
            groups = {key: group for key, group in groups.items() if group["alerts"]}
    return found


def slow_flush(config, group, known, silences, logs, now):  # noqa: PLR0917
    log, written = logs
    route, alerts = group["route"], list(group["alerts"].values())
    active, mute = route.active_time_intervals, route.mute_time_intervals
    passed = [
        one
        for one in alerts
        if not slow_inhibited(config, one.labels, known, now)
        and (not active or containing(config.time_intervals, active, now))
        and not containing(config.time_intervals, mute, now)
        and not any(s.active(now) and accepted(s.matchers, one.labels) for s in silences)
    ]
    group["alerts"] = {one.labels: one for one in alerts if not one.resolved(now)}
    resolved = frozenset(one.labels for one in passed if one.resolved(now))
    firing = frozenset(one.labels for one in passed) - resolved
    found = []
    for integration in config.receivers[route.receiver].integrations if passed else ():
        key = group_key(route, group["labels"]), route.receiver, integration.name
        why = needs_update(
            log.get(key),
            firing,
            resolved,
            now,
            repeat_interval_ms=route.repeat_interval_ms,
            send_resolved=integration.send_resolved,
        )
        if isinstance(why, TooSoon | NeverTold):
            continue
        written[key] = Entry(now, firing, resolved)
        wanted = [one for one in passed if integration.send_resolved or not one.resolved(now)]
        if wanted:
            names = [(one.labels, one.resolved(now), one.starts_ms) for one in ordered(wanted)]
            found.append((now, *key, route.id, why, names))
    return found


def slow_inhibited(config, labels, known, now):
    values = dict(labels)
    for rule in config.inhibit_rules:
        if not accepted(rule.target, labels):
            continue
        both = accepted(rule.source, labels)
        for source in known.values():
            others = dict(source.labels)
            if (
                not source.resolved(now)
                and accepted(rule.source, source.labels)
                and all(values.get(name) == others.get(name) for name in rule.equal)
                and not (both and accepted(rule.target, source.labels))
            ):
                return True
    return False


names = st.sampled_from("xyz")
seconds = st.integers(0, 240).map(lambda half: half * STEP)
alerts = st.builds(
    lambda name, n, starts, length: alert(
        starts, None if length is None else starts + length, alertname=name, n=n
    ),
    names,
    st.sampled_from("123"),
    seconds,
    st.none() | st.sampled_from([0, 5 * S, 20 * S, 61 * S, HOUR]),
)
arrivals = st.lists(st.tuples(seconds, alerts), max_size=12).map(
    lambda found: sent(*sorted(found, key=lambda one: one[0]))
)
silences = st.lists(
    st.builds(
        lambda n, starts, length: Silence("s", (Matcher("n", "=", n),), starts, starts + length),
        st.sampled_from("123"),
        seconds,
        seconds,
    ),
    max_size=2,
)
matchers = st.sampled_from([["n=1"], ["n=~1|2"], ["alertname!=x"], ["alertname=y", "n!=3"]])
timers = st.fixed_dictionaries(
    {},
    optional={
        "group_wait": st.sampled_from(["0s", "500ms", "5s", "30s"]),
        "group_interval": st.sampled_from(["500ms", "4s", "7500ms", "1m"]),
        "repeat_interval": st.sampled_from(["500ms", "6s", "29s", "1h"]),
        "group_by": st.sampled_from([["alertname"], ["..."], ["n"], []]),
    },
)
children = st.builds(
    lambda matchers, timers, more: {"matchers": matchers, **timers, **more},
    matchers,
    timers,
    st.fixed_dictionaries(
        {},
        optional={
            "continue": st.booleans(),
            "receiver": st.sampled_from(["r", "q"]),
            "mute_time_intervals": st.just(["odd"]),
            "active_time_intervals": st.just(["even"]),
        },
    ),
)
rules = st.builds(
    lambda source, target, equal: {
        "source_matchers": source,
        "target_matchers": target,
        "equal": equal,
    },
    matchers,
    matchers,
    st.sampled_from([[], ["alertname"], ["n"]]),
)
ODD = [{"start_time": "00:01", "end_time": "00:02"}, {"start_time": "00:03", "end_time": "00:04"}]


@st.composite
def configurations(draw):
    route = {**draw(timers), "routes": draw(st.lists(children, max_size=3))}
    receivers = [
        {"name": "r", "webhook_configs": [{"url": "http://x"}]},
        {
            "name": "q",
            "webhook_configs": [{"url": "http://x"}],
            "slack_configs": [{"api_url": "http://x"}],
        },
    ]
    intervals = [
        {"name": "odd", "time_intervals": [{"times": ODD}]},
        {
            "name": "even",
            "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "00:02"}]}],
        },
    ]
    found = draw(st.lists(rules, max_size=2))
    return configuration(route, receivers, time_intervals=intervals, inhibit_rules=found)


@given(configurations(), arrivals, silences)
def test_the_course_tells_what_the_slow_model_tells(config, arrivals, silences):
    to_ms = 5 * MIN
    mine = []
    for one in run(config, arrivals, to_ms, silences):
        if isinstance(one, Notification):
            listed = [(a.labels, a.ends_ms is not None, a.starts_ms) for a in one.alerts]
            key = one.group_key, one.receiver, one.integration
            mine.append((one.at_ms, *key, one.route, one.because, listed))
    slow = slowly(config, arrivals, silences, to_ms)
    assert sorted(mine, key=str) == sorted(slow, key=str)
    assert [one[0] for one in mine] == [one[0] for one in slow]


@given(configurations(), arrivals, silences, st.lists(seconds, max_size=3))
def test_a_course_can_be_cut_anywhere(config, arrivals, silences, cuts):
    whole = run(config, arrivals, 5 * MIN, silences)
    dispatcher, parts, rest = Dispatcher(config, 0, Silences.of(silences)), [], list(arrivals)
    for cut in [*sorted(cuts), 5 * MIN]:
        while rest and rest[0].at_ms <= cut:
            one = rest.pop(0)
            parts += dispatcher.arrive(one.alerts, one.at_ms)
        parts += dispatcher.advance(cut)
    assert parts == whole
