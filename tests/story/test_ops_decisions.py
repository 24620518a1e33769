"""`lab ops` decides who is told, records it with its reasons, and goes on where it was killed."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing

import pytest
from tests.servers.bad_days import Lab, until
from tests.story.conftest import cli

RULES = """
groups:
  - name: always
    interval: 1s
    rules:
      - {alert: On, expr: vector(1), labels: {severity: P1}}
      - {alert: Off, expr: vector(1), labels: {severity: P2}}
      - {alert: Quiet, expr: vector(1) == 0, labels: {severity: P2}}
"""
ROUTES = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  routes: [{matchers: [severity="P1"], receiver: pager}]
receivers:
  - {name: team, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
  - {name: pager, pagerduty_configs: [{routing_key: k}]}
inhibit_rules:
  - {source_matchers: [severity="P1"], target_matchers: [severity="P2"]}
"""
ROSTER = """
from: 2026-01-05T09:00
time_zone: Etc/UTC
users: [{id: ann, name: Ann Arendt, contact_methods: [{type: phone, address: "1"}]}]
schedules:
  - id: primary
    schedule_layers: [{name: weeks, users: [ann], rotation_turn_length: weekly}]
escalation_policies:
  - name: grave
    escalation_rules:
      - {escalation_delay_in_minutes: 5, targets: [{type: schedule_reference, id: primary}]}
escalation_matrix: [{severity: P1, escalation_policy: grave}]
"""


@pytest.fixture
def lab(tmp_path):
    root = tmp_path / "lab"
    (root / "metrics" / "rules").mkdir(parents=True)
    (root / "metrics" / "rules" / "always.yml").write_text(RULES)
    (root / "VERSION").write_text("1\n")
    (tmp_path / "alertmanager.yml").write_text(ROUTES)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    made = Lab(root)
    yield made
    made.end()


def ops(lab):
    folder = lab.root.parent
    return lab.start(
        "ops",
        LAB_ALERTMANAGER_CONFIG=str(folder / "alertmanager.yml"),
        LAB_ROSTER=str(folder / "roster.yaml"),
    )


def decided(lab, kind):
    file = lab.root / "lab.db"
    if not file.exists():
        return []
    query = "SELECT receiver, reason, why, details FROM decisions WHERE kind = ? ORDER BY id"
    with closing(sqlite3.connect(file)) as connection:
        try:
            return connection.execute(query, (kind,)).fetchall()
        except sqlite3.OperationalError:  # not migrated yet
            return []


def test_a_killed_ops_tells_nothing_twice_and_its_page_goes_on(lab):
    first = ops(lab)
    until(lambda: decided(lab, "woken"))
    until(lambda: [one for one in decided(lab, "withheld") if one[1] == "InhibitedBy"])
    until(lambda: "alert.notified" in lab.said.read_text())  # said after the commit
    first.send_signal(signal.SIGKILL)
    first.wait()
    lines = [line for line in lab.said.read_text().splitlines() if "alert.notified" in line]
    (said,) = map(json.loads, lines)
    assert (said["receiver"], said["status"], said["alerts"]) == ("pager", "firing", ["On"])

    second = ops(lab)
    until(lambda: [one for one in decided(lab, "withheld") if one[1] == "TooSoon"])
    second.terminate()
    assert second.wait(30) == 0
    ((receiver, reason, why, details),) = decided(lab, "notified")
    assert (receiver, reason) == ("pager", "FirstTold")
    assert json.loads(why)[-1] == "first notification of the group"
    assert json.loads(details) == {"status": "firing", "group": {"alertname": "On"}}
    ((_, _, why, details),) = decided(lab, "woken")
    assert json.loads(details)["user"] == "ann"
    assert len(decided(lab, "opened")) == 1
    assert not decided(lab, "again")


def asked(lab, alert, *more):
    """What `lab why` tells of it: the times and reasons of what was told and what was not."""
    status, out, err = cli("why", alert, "--json", *more, data_dir=lab.root)
    assert status == 0, err
    (firing,) = json.loads(out)["firing"]
    return firing, [
        (step["at"], step["what"], step["whom"], step["why"])
        for step in firing["steps"]
        if step["what"] in {"told", "not told"} and "told already" not in step["why"][-1]
    ]


def test_what_was_recorded_replayed_gives_the_same_decisions(lab):
    process = ops(lab)
    until(lambda: decided(lab, "woken"))
    until(lambda: [one for one in decided(lab, "withheld") if one[1] == "InhibitedBy"])
    process.terminate()
    assert process.wait(30) == 0
    folder = lab.root.parent
    firing, _ = asked(lab, "On")
    files = {
        "--rules": lab.root / "metrics" / "rules",
        "--routes": folder / "alertmanager.yml",
        "--roster": folder / "roster.yaml",
    }
    named = [str(word) for pair in files.items() for word in pair]
    span = ("--from", firing["from"], "--to", "now")
    status, out, err = cli("replay", *span, *named, "--json", data_dir=lab.root)
    assert status == 0, err
    record = folder / "record.json"
    record.write_text(out)
    for alert in ("On", "Off"):
        _, live = asked(lab, alert)
        _, replayed = asked(lab, alert, "--record", str(record), "--at", firing["from"])
        assert [one[:3] for one in live] == [one[:3] for one in replayed]
        assert [one[3][-1] for one in live] == [one[3][-1] for one in replayed]


def test_files_that_are_bad_are_told_with_all_findings_and_nothing_starts(lab):
    (lab.root.parent / "alertmanager.yml").write_text(
        "route: {receiver: nobody, group_wait: soon}\nreceivers: [{name: a}, {name: a}]"
    )
    assert ops(lab).wait(30) == 1
    said = lab.said.read_text()
    assert "alertmanager.yml:1:" in said
    assert "group_wait" in said
    assert len([line for line in said.splitlines() if line.startswith("  - ")]) > 1


def test_a_roster_without_routes_is_refused(lab):
    process = lab.start("ops", LAB_ROSTER=str(lab.root.parent / "roster.yaml"))
    assert process.wait(30) == 1
    assert "alertmanager_config" in lab.said.read_text()
