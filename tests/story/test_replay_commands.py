"""``lab replay``: files and a history in; who would have been woken, when and why, out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.servers.browser import opened
from tests.story.conftest import cli

from llm_research_lab.commands.metrics.exchange import export
from llm_research_lab.promql.values import Columns
from llm_research_lab.storage import DataDirectory
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
  - {record: 'job:up', expr: sum by (job) (up)}
  - {alert: Down, expr: 'job:up == 0', for: 5m, labels: {severity: P1}}
  - {alert: Slow, expr: 'latency > 1', labels: {severity: P3}}
  - {alert: Absent, expr: 'nobody_has_this > 1', labels: {severity: P1}}
"""
ROUTES = """
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 4h
  routes: [{matchers: [severity="P1"], receiver: pager}]
receivers:
- {name: chat, slack_configs: [{api_url: 'https://chat.example.com/', channel: '#quiet'}]}
- {name: pager, pagerduty_configs: [{routing_key: k}]}
"""
ROSTER = """
from: 2026-01-05T00:00:00Z
users:
- {id: ada, name: Ada, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}
- {id: emmy, name: Emmy, time_zone: Europe/Berlin, contact_methods: [{type: phone}]}
schedules:
- id: first
  time_zone: Europe/Berlin
  schedule_layers:
  - {users: [ada, emmy], rotation_virtual_start: 2026-02-02T09:00:00, rotation_turn_length: 7d}
escalation_policies:
- name: all
  escalation_rules:
  - escalation_delay_in_minutes: 15
    targets: [{type: schedule_reference, id: first}]
escalation_matrix: [{severity: P1, escalation_policy: all}]
"""
RESPONDERS = "default: {by_day: 2m, by_night: 2m}\n"


@pytest.fixture
def place(tmp_path):
    """Files, and a lab with a day of history: down from 12:00 to 12:30, slow from 18:00 on."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yml").write_text(RULES)
    (tmp_path / "alertmanager.yml").write_text(ROUTES)
    (tmp_path / "roster.yaml").write_text(ROSTER)
    (tmp_path / "responders.yaml").write_text(RESPONDERS)
    minutes = np.arange(24 * 60, dtype=np.int64)
    up = np.where((minutes >= 720) & (minutes < 750), 0.0, 1.0)
    slow = np.where(minutes >= 18 * 60, 2.0, 0.5)
    labels = [{"__name__": "up", "job": "api"}, {"__name__": "latency", "job": "api"}]
    directory = DataDirectory.open(tmp_path / "lab")
    store = FileSeries.open(directory.metrics)
    times = START + MINUTE * minutes
    store.add_history(
        [Columns(tuple(labels_of(one) for one in labels), times, np.array([up, slow]))]
    )
    store.close()
    return tmp_path


def words(place, *more, rules="rules"):
    return (
        "replay",
        *("--from", str(START / 1000), "--to", str(START / 1000 + 86_340)),
        *("--rules", str(place / rules), "--routes", str(place / "alertmanager.yml")),
        *("--roster", str(place / "roster.yaml")),
        *("--responders", str(place / "responders.yaml")),
        *more,
    )


def asked(place, *more, **settings):
    status, out, err = cli(*words(place, *more, "--json", **settings), data_dir=place / "lab")
    assert status == 0, err
    return json.loads(out)


def test_exactly_the_page_that_was_worked_out_by_hand(place):
    found = asked(place)
    (woken,) = found["woken"]
    # Down at 12:00, pending for five minutes, told after the group's thirty seconds.
    assert woken["at"] == "2026-02-02T12:05:30.000Z"
    assert (woken["local"], woken["name"], woken["night"]) == ("Mon 2026-02-02 13:05", "Ada", False)
    assert (woken["alerts"], woken["severity"], woken["level"]) == (["Down"], "P1", 1)
    assert (woken["acknowledged_by"], woken["after_seconds"]) == ("ada", 120)
    assert woken["why"] == [
        'routed by {}/{severity="P1"}/0 to pager',
        'grouped by {alertname="Down"}',
        "first notification of the group",
        "level 1, loop 1: first, turn 0 of layer layer 1",
    ]
    (page,) = found["pages"]
    assert page["closed"] == "2026-02-02T12:30:30.000Z"
    assert [(one["alert"], one["outcome"], one["to"]) for one in found["alerts"]] == [
        ("Down", "woken", "2026-02-02T12:30:00.000Z"),
        ("Slow", "told", None),
    ]
    assert found["never_fired"] == ["Absent"]
    unknown = {one["kind"]: one for one in found["head"]["unknown"]}
    assert unknown["no series"]["rules"] == ["Absent"]
    assert "silences" in unknown
    assert found["by_hour"] == [1 if hour == 13 else 0 for hour in range(24)]
    assert found["by_weekday"]["Mon"] == 1


def test_equal_input_gives_equal_bytes(place):
    first = cli(*words(place, "--json"), data_dir=place / "lab")
    assert cli(*words(place, "--json"), data_dir=place / "lab") == first


@pytest.mark.parametrize("name", ["history.parquet", "history.om"])
def test_a_file_from_anywhere_tells_the_same(place, name):
    with_store = asked(place)
    store = FileSeries.open(DataDirectory(place / "lab").metrics, read_only=True)
    export(store, (), (START, START + 86_400_000), place / name)
    store.close()
    assert asked(place, "--source", str(place / name)) == with_store
    assert asked(place, "--source", str(place / "lab" / "metrics")) == with_store


def test_a_terminal_is_told_who_and_why(place):
    status, out, err = cli(*words(place), data_dir=place / "lab")
    assert status == 0
    for expected in ("Mon 2026-02-02 13:05", "Ada", "Down", "after 2 min", "Never fired: Absent"):
        assert expected in out
    assert "told to chat, which wakes nobody" in out
    assert "not known: No silences were recorded" in err


def test_when_nobody_is_woken_it_says_so(place):
    (place / "rules" / "one.yml").write_text(RULES.replace("job:up == 0", "job:up == 7"))
    status, out, _ = cli(*words(place), data_dir=place / "lab")
    assert (status, "Nobody." in out) == (0, True)


def test_two_sets_of_files_are_compared_and_a_pipeline_may_fail_on_it(place):
    today = place / "today"
    (today / "rules").mkdir(parents=True)
    (today / "rules" / "one.yml").write_text(RULES.replace("for: 5m", "for: 1h"))
    found = asked(place, "--against", str(today))
    assert (found["comparison"]["new_pages"], found["comparison"]["gone_pages"]) == (1, 0)
    assert found["before"]["woken"] == []
    more = ("--against", str(today), "--fail-on", "new-pages>0", "--fail-on", "new-night-pages>0")
    status, out, err = cli(*words(place, *more), data_dir=place / "lab")
    assert status == 3
    assert "0 before, 1 after" in out
    assert "--fail-on new-pages>0: it holds" in err
    assert "new-night-pages>0: it holds" not in err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--fail-on", "new-pages>0"], ["two sets of files", "--against DIR"]),
        (["--against", "TODAY", "--fail-on", "pages"], ["a figure"]),
        (["--against", "TODAY", "--fail-on", "old-pages>0"], ["one of", "new-night-pages"]),
        (["--against", "NOWHERE"], ["NOWHERE", "alertmanager.yml"]),
        (["--rules", "NOWHERE"], ["rule files"]),
        (["--roster", "NOWHERE"], ["No such file"]),
        (["--routes", "BROKEN"], ["BROKEN:2", "receiver"]),
        (["--roster", "BINARY"], ["UTF-8"]),
        (["--source", "NOWHERE"], ["NOWHERE"]),
        (["--source", "TODAY"], ["a store of series"]),
    ],
)
def test_a_mistake_is_said_before_the_work(place, more, told):
    (place / "TODAY" / "rules").mkdir(parents=True)
    (place / "TODAY" / "rules" / "one.yml").write_text(RULES)
    (place / "BROKEN").write_text("route:\n  receivr: x\n")
    (place / "BINARY").write_bytes(b"\xff\xfe")
    names = {"TODAY", "NOWHERE", "BROKEN", "BINARY"}
    given = [str(place / one) if one in names else one for one in more]
    status, _, err = cli(*words(place, *given), data_dir=place / "lab")
    assert status == 1
    assert all(word in err for word in told), err


def test_without_files_it_says_which_are_missing(place):
    status, _, err = cli("replay", "--rules", str(place / "rules"), data_dir=place / "lab")
    assert (status, "no --routes, --roster" in err) == (1, True)


def test_the_report_shows_a_person_what_happened(place):
    report = place / "report.html"
    status, out, err = cli(*words(place, "--report", str(report)), data_dir=place / "lab")
    assert (status, str(report) in out) == (0, True), err
    with opened(report.as_uri()) as page:
        page.wait_for_selector("html[data-ready=yes]")
        assert page.inner_text("[data-total=times_woken] b") == "1"
        row = page.inner_text("#woken tbody tr")
        assert all(word in row for word in ("Mon 2026-02-02 13:05", "Ada", "Down", "after 2 min"))
        page.click("#woken summary")
        assert "first notification of the group" in page.inner_text("#woken ol")
        assert "told to chat, which wakes nobody" in page.inner_text("#quiet")
        assert "Absent" in page.inner_text("#never")
        assert "No silences were recorded" in page.inner_text("#unknown")
        assert page.is_hidden("#comparison-box")
        page.fill("#filter", "grace")
        assert page.locator("#woken tbody tr").count() == 0


def test_no_word_of_a_label_becomes_markup(place):
    bad = "</script><img src=x onerror=alert(1)>"
    text = RULES.replace(
        "severity: P1}}\n  - {alert: Slow", f"severity: P1, note: '{bad}'}}}}\n  - {{alert: Slow"
    )
    (place / "rules" / "one.yml").write_text(text.replace("alert: Down", f"alert: '{bad}'"))
    report = place / "report.html"
    status, _, err = cli(*words(place, "--report", str(report)), data_dir=place / "lab")
    assert status == 0, err
    with opened(report.as_uri()) as page:
        page.wait_for_selector("html[data-ready=yes]")
        assert bad in page.inner_text("#woken tbody tr")
        assert page.locator("img").count() == 0


def test_what_is_remembered_tells_the_same_and_a_changed_rule_is_computed_anew(place):
    plain, kept = asked(place), place / "kept"
    assert asked(place, "--remember", str(kept)) == plain
    files = {path: path.stat().st_mtime_ns for path in kept.rglob("told.json")}
    assert len(files) == 4
    assert asked(place, "--remember", str(kept)) == plain
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("told.json")} == files
    (place / "rules" / "one.yml").write_text(RULES.replace("latency > 1", "latency > 3"))
    changed = asked(place, "--remember", str(kept))
    assert changed["never_fired"] == ["Slow", "Absent"]
    later = {path: path.stat().st_mtime_ns for path in kept.rglob("told.json")}
    assert len(later) == 4
    assert len(later.items() & files.items()) == 3
    assert changed == asked(place)


def test_a_rule_is_computed_anew_when_what_it_reads_is_another(place):
    kept = place / "kept"
    asked(place, "--remember", str(kept))
    (place / "rules" / "one.yml").write_text(
        RULES.replace("sum by (job) (up)", "sum by (job) (up * 0)")
    )
    found = asked(place, "--remember", str(kept))
    assert found == asked(place)
    assert found["woken"][0]["at"] == "2026-02-02T00:05:30.000Z"


def test_another_history_is_not_taken_for_the_one_that_is_remembered(place):
    kept = place / "kept"
    asked(place, "--remember", str(kept))
    store = FileSeries.open(DataDirectory(place / "lab").metrics)
    labels = labels_of({"__name__": "up", "job": "runner"})
    times = START + MINUTE * np.arange(60, dtype=np.int64)
    store.add_history([Columns((labels,), times, np.zeros((1, 60)))])
    store.close()
    found = asked(place, "--remember", str(kept))
    assert found == asked(place)
    assert len(found["woken"]) > 1


def test_what_is_remembered_and_broken_is_computed_anew(place):
    plain, kept = asked(place), place / "kept"
    asked(place, "--remember", str(kept))
    for path in kept.rglob("told.json"):
        path.write_text("{")
    next(iter(kept.rglob("*.npy"))).unlink()
    assert asked(place, "--remember", str(kept)) == plain
