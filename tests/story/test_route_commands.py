"""``lab route``: shown as a tree, asked for one alert, tested by a table."""

from __future__ import annotations

import json

import pytest
from tests.story.conftest import cli

ROUTES = """
route:
  receiver: chat
  group_by: [alertname]
  routes:
  - {matchers: [team="data"], receiver: data, continue: true, group_by: ['...'], mute_time_intervals: [nights]}
  - matchers: [severity=~"P1|P2"]
    receiver: pager
    group_wait: 10s
    active_time_intervals: [office]
    routes: [{matchers: [quiet="yes"], receiver: nobody}]
time_intervals:
- name: office
  time_intervals: [{times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday'], location: Europe/Berlin}]
- name: nights
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
receivers:
- {name: chat, slack_configs: [{api_url: 'https://chat.example.com/', channel: '#c'}]}
- {name: data, webhook_configs: [{url: 'https://data.example.com/'}]}
- {name: pager, pagerduty_configs: [{routing_key: k}]}
- {name: nobody}
inhibit_rules:
- {source_matchers: [alertname="Down"], target_matchers: [alertname="Slow"], equal: [job]}
"""
TABLE = """
tests:
- name: by day it pages
  labels: {alertname: Slow, severity: P1}
  at: 2026-03-04T10:00:00Z
  receivers: [pager]
- name: by night it does not
  labels: {alertname: Slow, severity: P1}
  at: 2026-03-04T23:00:00Z
  receivers: []
  muted: [pager]
- labels: {alertname: Slow, job: a}
  firing: [{alertname: Down, job: a}]
  receivers: []
- labels: {alertname: Slow, job: a}
  firing: [{alertname: Down, job: b}]
  receivers: [chat]
- labels: {alertname: Slow}
  silences: ['{alertname=~"S.*"}']
  receivers: []
  muted: [chat]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "alertmanager.yml"
    path.write_text(ROUTES)
    return path


def lab(*words):
    return cli(*(str(one) for one in words), data_dir=words[2].parent)


def asked(file, *words):
    status, out, err = lab("route", "test", file, *words, "--json")
    assert status == 0, err
    return [(one["receiver"], one["told"], one["why"][-1]) for one in json.loads(out)]


def test_the_tree_shows_what_acts_in_each_route(file):
    status, out, _ = lab("route", "show", file)
    assert status == 0
    (pager,) = (line for line in out.splitlines() if line.lstrip().startswith("severity=~"))
    assert all(word in pager for word in ("P1|P2", "pager", "10s / 5m / 4h", "active office"))
    (data,) = (line for line in out.splitlines() if "team=" in line)
    assert all(word in data for word in ("data →", "...", "mute nights"))
    rows = json.loads(lab("route", "show", file, "--json")[1])
    assert [row["depth"] for row in rows] == [0, 1, 1, 2]
    assert rows[3]["matchers"] == ['quiet="yes"']


def test_an_alert_is_told_to_every_route_that_goes_on(file):
    told = asked(file, "severity=P1", "team=data", "alertname=A", "--at", "2026-03-04T10:00:00Z")
    assert [(name, heard) for name, heard, _ in told] == [("data", True), ("pager", True)]


def test_who_is_not_told_is_named_with_the_reason(file):
    night = asked(file, "severity=P1", "--at", "2026-03-04T23:00:00Z")
    assert night == [("pager", False, "outside the active time intervals office")]
    (inhibited,) = asked(file, "alertname=Slow", "job=a", "--firing", "alertname=Down,job=a")
    assert inhibited[2].startswith('inhibited by {alertname="Down", job="a"}')
    (silenced,) = asked(file, "alertname=Slow", "--silence", '{alertname="Slow"}')
    assert silenced[2].startswith("silenced by")
    (empty,) = asked(file, "severity=P2", "quiet=yes", "--at", "2026-03-04T10:00:00Z")
    assert empty == ("nobody", False, "the receiver nobody has no integrations")


def test_a_terminal_is_told_in_a_table(file):
    status, out, _ = lab("route", "test", file, "severity=P1", "--at", "2026-03-04T23:00:00Z")
    assert (status, "outside the active time intervals office" in out) == (0, True)


def test_a_table_of_tests_holds_or_says_where_it_does_not(file):
    table = file.parent / "table.yml"
    table.write_text(TABLE)
    status, out, err = lab("route", "test", file, "--table", table)
    assert status == 0, (out, err)
    assert out.count(" ok") == 5
    table.write_text(TABLE.replace("receivers: [pager]", "receivers: [chat]"))
    status, out, _ = lab("route", "test", file, "--table", table)
    assert (status, "receivers: expected chat, got pager" in out) == (1, True)
    status, out, _ = lab("route", "test", file, "--table", table, "--json")
    assert (status, len(json.loads(out)[0]["failures"])) == (1, 1)


@pytest.mark.parametrize(
    ("words", "table", "told"),
    [
        (["P1"], None, ["name=value"]),
        (["a=b"], TABLE, ["both"]),
        ([], "tests: []", ["1:8"]),
        ([], "tests: [{labels: {a: 1}, receivers: []}]", ["text"]),
        ([], "tests: [{labels: {}, receivers: [], silences: ['{a']}]", ["matchers"]),
        ([], "tests: [{labels: {}, receivers: [], silences: [7]}]", ["text"]),
        ([], "tests: [", ["yaml"]),
        ([], None, ["No such file"]),
    ],
)
def test_a_mistake_is_said_with_its_place(file, words, table, told):
    path = file.parent / "table.yml"
    if table is not None:
        path.write_text(table)
    given = [] if table is None and words else ["--table", path]
    status, _, err = lab("route", "test", file, *words, *given)
    assert status == 1
    assert all(word in err for word in told), err


def test_deprecated_keys_are_noted(file):
    file.write_text(ROUTES.replace('matchers: [quiet="yes"]', "match: {quiet: yes}"))
    status, _, err = lab("route", "show", file)
    assert (status, "deprecated" in err) == (0, True)
