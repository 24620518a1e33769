"""Who would be told of an alert at an instant, and who not and why."""

import json
from datetime import UTC, datetime

import pytest

from llm_research_lab.alerting.notifying import (
    InhibitedBy,
    MutedBy,
    OutsideActive,
    Silence,
    SilencedBy,
    read_routes,
    receivers_at,
)
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

HOOK = {"webhook_configs": [{"url": "http://x"}]}
FILE = {
    "route": {
        "receiver": "all",
        "group_by": ["n"],
        "routes": [
            {
                "matchers": ["n=~.+"],
                "receiver": "day",
                "active_time_intervals": ["day"],
                "continue": True,
            },
            {"matchers": ["n=~.+"], "receiver": "night", "mute_time_intervals": ["day"]},
        ],
    },
    "receivers": [{"name": "all"}, {"name": "day", **HOOK}, {"name": "night", **HOOK}],
    "time_intervals": [
        {
            "name": "day",
            "time_intervals": [{"times": [{"start_time": "08:00", "end_time": "20:00"}]}],
        }
    ],
    "inhibit_rules": [{"source_matchers": ["n=1"], "target_matchers": ["n=2"], "equal": ["z"]}],
}
NOON = int(datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
MIDNIGHT = NOON + 12 * 3_600_000


@pytest.fixture
def config():
    return read_routes(json.dumps(FILE), where="x")[0]


def one(**labels):
    return labels_of(labels)


def test_each_route_that_takes_the_alert_decides(config):
    noon = receivers_at(config, one(n="3"), NOON)
    assert [(d.receiver.name, d.muted) for d in noon] == [("day", None), ("night", MutedBy("day"))]
    night = receivers_at(config, one(n="3"), MIDNIGHT)
    assert [(d.receiver.name, d.muted) for d in night] == [
        ("day", OutsideActive(("day",))),
        ("night", None),
    ]
    assert noon[1].why[2:] == (MutedBy("day"),)
    assert [d.group_labels for d in noon] == [(("n", "3"),)] * 2


def test_others_that_fire_inhibit_and_silences_mute(config):
    target, source = one(n="2", z="x"), one(n="1", z="x")
    assert receivers_at(config, target, NOON)[0].muted is None
    assert receivers_at(config, target, NOON, [source])[0].muted == InhibitedBy(0, (source,))
    assert receivers_at(config, target, NOON, [one(n="1", z="y")])[0].muted is None
    silence = Silence("s", (Matcher("n", "=", "2"),), NOON, NOON + 1)
    assert receivers_at(config, target, NOON, (), [silence])[0].muted == SilencedBy("s", NOON + 1)
    assert receivers_at(config, target, NOON + 2, (), [silence])[0].muted is None


def test_the_stages_come_in_alertmanagers_order(config):
    target, source = one(n="2"), one(n="1")
    silence = Silence("s", (Matcher("n", "=", "2"),), 0, 2 * NOON)
    first = receivers_at(config, target, MIDNIGHT, [source], [silence])[0]
    assert isinstance(first.muted, InhibitedBy)
    second = receivers_at(config, target, MIDNIGHT, [], [silence])[0]
    assert isinstance(second.muted, OutsideActive)


def test_a_receiver_without_integrations_is_said(config):
    decision = receivers_at(config, one(a="b"), NOON)[0]
    assert decision.muted is None
    assert [str(reason) for reason in decision.why] == [
        "routed by {} to all",
        "grouped by {}",
        "the receiver all has no integrations",
    ]
    told = receivers_at(config, one(n="3"), NOON)[0]
    assert [str(reason) for reason in told.why] == [
        'routed by {}/{n=~".+"}/0 to day',
        'grouped by {n="3"}',
    ]
