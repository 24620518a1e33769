"""``lab why``: the chain of reasons, over a replay's record and over what a running `lab ops` does."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from tests.servers.bad_days import Lab, until
from tests.story.conftest import cli
from tests.story.test_ops_decisions import ROSTER as DUTY
from tests.story.test_ops_decisions import ROUTES as WAYS
from tests.story.test_ops_decisions import RULES as ALWAYS

from llm_research_lab.promql.values import Columns
from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.relational import Database
from llm_research_lab.storage.timeseries.store import FileSeries
from llm_research_lab.vocabulary.labels import labels_of

START = 1_769_990_400_000
"""Monday, 2 February 2026, 00:00 UTC."""

MINUTE = 60_000
RULES = """
groups:
- name: one
  interval: 1m
  rules:
  - {alert: Down, expr: up == 0, for: 5m, labels: {severity: P1}}
  - {alert: SiteDown, expr: site_up == 0, labels: {severity: P2}}
  - {alert: Slow, expr: latency > 1, labels: {severity: P3}}
  - {alert: Absent, expr: nobody_has_this > 1, labels: {severity: P1}}
"""
ROUTES = """
route:
  receiver: chat
  group_by: [alertname, job]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 4h
  routes: [{matchers: [severity="P1"], receiver: pager}]
receivers:
- {name: chat, slack_configs: [{api_url: 'https://chat.example.com/', channel: '#quiet'}]}
- {name: pager, pagerduty_configs: [{routing_key: k}]}
inhibit_rules:
- {source_matchers: [alertname="SiteDown"], target_matchers: [severity="P3"]}
"""
ROSTER = """
from: 2026-01-05T00:00:00Z
users:
- {id: ada, name: Ada, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}
- {id: emmy, name: Emmy}
schedules:
- id: first
  schedule_layers:
  - {users: [ada], rotation_virtual_start: 2026-02-02T00:00:00, rotation_turn_length: 7d}
escalation_policies:
- name: all
  escalation_rules:
  - {escalation_delay_in_minutes: 15, targets: [{type: user_reference, id: emmy}]}
  - {escalation_delay_in_minutes: 15, targets: [{type: schedule_reference, id: first}]}
escalation_matrix: [{severity: P1, escalation_policy: all}]
"""


@pytest.fixture
def place(tmp_path):
    """A replay's record: two jobs down from 12:00 to 12:30, slow and the site down at 18:00."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yml").write_text(RULES)
    (tmp_path / "alertmanager.yml").write_text(ROUTES)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    (tmp_path / "responders.yaml").write_text("default: {by_day: 2m, by_night: 2m}\n")
    minutes = np.arange(24 * 60, dtype=np.int64)
    up = np.where((minutes >= 720) & (minutes < 750), 0.0, 1.0)
    late = np.where(((minutes >= 725) & (minutes < 750)) | (minutes >= 1400), 0.0, 1.0)
    slow = np.where((minutes >= 1080) & (minutes < 1090), 2.0, 0.5)
    site = np.where((minutes >= 1080) & (minutes < 1090), 0.0, 1.0)
    labels = [
        {"__name__": "up", "job": "api"},
        {"__name__": "up", "job": "db"},
        {"__name__": "latency", "job": "api"},
        {"__name__": "site_up", "job": "api"},
    ]
    store = FileSeries.open(DataDirectory.open(tmp_path / "lab").metrics)
    values = np.array([up, late, slow, site])
    times = START + MINUTE * minutes
    store.add_history([Columns(tuple(labels_of(one) for one in labels), times, values)])
    store.close()
    files = {
        "--rules": "rules",
        "--routes": "alertmanager.yml",
        "--roster": "roster.yaml",
        "--responders": "responders.yaml",
    }
    named = [word for flag, name in files.items() for word in (flag, str(tmp_path / name))]
    span = ("--from", str(START / 1000), "--to", str(START / 1000 + 86_340))
    status, out, err = cli("replay", *span, *named, "--json", data_dir=tmp_path / "lab")
    assert status == 0, err
    (tmp_path / "record.json").write_text(out)
    return tmp_path


def asked(place, alert, at, *more):
    words = ("why", alert, "--at", f"2026-02-02T{at}Z", "--record", str(place / "record.json"))
    return cli(*words, *more, data_dir=place / "lab")


def steps(out):
    """The lines of the first table without the gaps between columns."""
    return [" ".join(line.split()) for line in out.splitlines()[2:] if line]


def test_the_whole_chain_of_a_page_in_plain_words(place):
    status, out, _ = asked(place, "Down", "12:20:00", "--label", "job=api")
    assert status == 0
    head = 'Down {job="api", severity="P1"} fired from 2026-02-02 12:05:00Z to 2026-02-02 12:30:00Z'
    assert out.splitlines()[0] == head
    routed = 'routed by {}/{severity="P1"}/0 to pager'
    assert steps(out) == [
        "2026-02-02 12:05:00Z fires by the rule Down",
        (
            "2026-02-02 12:05:00Z not told pager waiting for its group until 2026-02-02T12:05:30.000Z "
            "(group_wait)"
        ),
        (
            f"2026-02-02 12:05:30Z told pager by pagerduty[0] {routed}; grouped by "
            '{alertname="Down", job="api"}; first notification of the group'
        ),
        "2026-02-02 12:05:30Z page opened page-1 severity P1, policy all",
        "2026-02-02 12:05:30Z not reached emmy emmy has no contact method",
        (
            "2026-02-02 12:05:30Z woken Ada (ada) by phone, level 2 level 2, loop 1: first, turn 0 of "
            "layer layer 1; Mon 2026-02-02 13:05 there"
        ),
        "2026-02-02 12:07:30Z acknowledged page-1 by ada 2 min after it was opened",
        "2026-02-02 12:30:00Z is over",
        "2026-02-02 12:30:30Z page closed page-1",
    ]


def test_what_was_not_sent_says_why(place):
    status, out, _ = asked(place, "Slow", "18:05:00")
    assert status == 0
    assert "inhibited by" in out
    assert 'alertname="SiteDown"' in out
    assert "told  " not in out.replace("not told  ", "")


def test_when_it_did_not_fire_the_nearest_times_are_said(place):
    status, out, _ = asked(place, "Down", "15:00:00", "--label", "job=db")
    assert (status, out.splitlines()) == (
        0,
        [
            "Down did not fire at 2026-02-02 15:00:00Z.",
            '  last: from 2026-02-02 12:10:00Z to 2026-02-02 12:30:00Z {job="db", severity="P1"}',
            (
                "  next: from 2026-02-02 23:25:00Z to now, or the record's end "
                '{job="db", severity="P1"}'
            ),
        ],
    )
    _, out, _ = asked(place, "Slow", "01:00:00")
    assert "  last: never in the record" in out


def test_json_has_every_label_set_with_its_steps(place):
    _, out, _ = asked(place, "Down", "12:20:00", "--json")
    found = json.loads(out)
    assert [one["labels"]["job"] for one in found["firing"]] == ["api", "db"]
    assert {one["steps"][0]["what"] for one in found["firing"]} == {"fires"}
    pages = [
        [s["whom"] for s in one["steps"] if s["what"] == "page opened"] for one in found["firing"]
    ]
    assert pages == [["page-1"], ["page-2"]]
    assert (found["last"], found["next"]["labels"]["job"]) == (None, "db")


def test_what_the_record_does_not_know_is_said(place):
    _, out, err = asked(place, "Absent", "12:00:00")
    assert "Absent did not fire" in out
    assert "not known: The history has no nobody_has_this." in err


def test_an_instant_outside_the_record_is_said_to_be_so(place):
    words = ("--record", str(place / "record.json"))
    _, _, err = cli("why", "Down", "--at", "2026-02-01T00:00:00Z", *words, data_dir=place / "lab")
    assert "The record begins at 2026-02-02T00:00:00.000Z." in err
    _, _, err = cli("why", "Down", "--at", "2026-03-01T00:00:00Z", *words, data_dir=place / "lab")
    assert "The record ends at 2026-02-02T23:59:00.000Z." in err


def test_of_many_firings_ten_are_printed(place):
    record = json.loads((place / "record.json").read_text())
    first = next(one for one in record["alerts"] if one["alert"] == "Down")
    first["unpaged"] = ["the roster has no escalation policy for P1"]
    record["alerts"] = [
        {**first, "labels": {**first["labels"], "job": str(number)}} for number in range(12)
    ]
    (place / "record.json").write_text(json.dumps(record))
    _, out, err = asked(place, "Down", "12:20:00")
    assert out.count("fired from") == 10
    assert "and 2 more" in err
    assert "no page" in out


def test_a_name_that_nobody_knows_gets_a_suggestion(place):
    status, _, err = asked(place, "Dwon", "12:00:00")
    assert status == 1
    assert "did you mean Down?" in err
    status, _, err = asked(place, "Zzz", "12:00:00")
    assert "case-sensitive" in err


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"alerts": []}', '{"alerts": [{}], "pages": [], "woken": []}']
)
def test_what_is_no_record_is_refused(place, text):
    (place / "record.json").write_text(text)
    status, _, err = asked(place, "Down", "12:00:00")
    assert status == 1
    assert "lab replay" in err


def test_a_label_is_a_name_and_a_value(place):
    status, _, err = asked(place, "Down", "12:00:00", "--label", "job")
    assert status == 1
    assert "name=value" in err


def test_without_a_record_there_is_nothing_to_tell(tmp_path):
    status, _, err = cli("why", "Down", data_dir=tmp_path / "none")
    assert status == 1
    assert "a lab that ran" in err
    directory = DataDirectory.open(tmp_path / "new")
    Database.open(directory.database).close()
    status, _, err = cli("why", "Down", data_dir=tmp_path / "new")
    assert status == 1
    assert "an alert that is in the record" in err


def test_a_lab_that_runs_is_asked_while_it_runs(tmp_path):
    root = tmp_path / "lab"
    (root / "metrics" / "rules").mkdir(parents=True)
    (root / "metrics" / "rules" / "always.yml").write_text(ALWAYS)
    (root / "VERSION").write_text("1\n")
    files = {"LAB_ALERTMANAGER_CONFIG": WAYS, "LAB_ROSTER": DUTY}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    lab = Lab(root)
    lab.start("ops", **{name: str(tmp_path / name) for name in files})
    try:
        until(lambda: cli("why", "On", data_dir=root)[1].count("woken"))
        until(lambda: "inhibited by" in cli("why", "Off", data_dir=root)[1])
        status, out, err = cli("why", "On", data_dir=root)
        lines = steps(out)
        assert status == 0
        assert "nothing is sent yet" in err
        assert "fires by the rule On of the group always" in lines[0]
        assert "waiting for its group" in lines[1]
        assert "told pager by pagerduty[0]" in lines[2]
        assert "severity P1, policy grave" in lines[3]
        assert "woken Ann Arendt (ann) by phone, level 1" in lines[4]
        status, out, _ = cli("why", "Off", "--json", data_dir=root)
        (firing,) = json.loads(out)["firing"]
        assert "told" not in {step["what"] for step in firing["steps"]}
        status, out, err = cli("why", "On", "--at", str(time.time() - 3600), data_dir=root)
        assert "did not fire" in out
        assert "next: from" in out
        assert "The record begins at" in err
        assert "did you mean Off?" in cli("why", "Of", data_dir=root)[2]
    finally:
        lab.end()
