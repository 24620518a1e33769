"""``lab oncall``: a roster file asked from a terminal, in the viewer's zone, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.story.conftest import cli

ROOT = Path(__file__).parents[2]
ROSTER = """\
from: 2026-01-05T09:00
time_zone: Europe/Berlin
users:
  - {id: ann, name: Ann Arendt, holidays: de, contact_methods: [{type: email, address: ann@example.com}]}
  - {id: ben, name: Ben Bell, time_zone: America/New_York}
  - {id: cyd, name: Cyd Cole, time_zone: Asia/Kathmandu}
schedules:
  - id: primary
    schedule_layers: [{name: week, users: [ann, ben, cyd], rotation_turn_length: weekly}]
  - id: secondary
    shadows: {schedule: primary}
overrides:
  - {schedule: primary, user: cyd, start: 2026-01-07T10:00, end: 2026-01-07T18:00, note: dentist}
absences:
  - {user: ben, start: 2026-01-14, end: 2026-01-16}
holidays: [{calendar: de, date: 2026-01-06, name: Three Kings}]
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A roster file; the viewer sits in Kathmandu. Gives what runs ``lab oncall``."""
    (tmp_path / "roster.yml").write_text(ROSTER)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")

    def run(command, *arguments, file="roster.yml"):
        return cli("oncall", command, str(tmp_path / file), *arguments, data_dir=tmp_path)

    run.directory = tmp_path
    return run


def asked(lab, command, *arguments):
    status, out, err = lab(command, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_who_is_on_is_told_in_the_viewers_zone_which_is_said(lab):
    status, out, err = lab("who", "--at", "2026-01-07T14:44")
    assert status == 0, err
    rows = [line.split("  ") for line in out.splitlines()]
    told = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert told == [
        ["schedule", "on call", "until", "their time", "why"],
        ["primary", "Ann Arendt", "Wed 2026-01-07 14:45", "Wed 2026-01-07 09:59 Europe/Berlin", "turn 0 of layer week"],
        ["secondary", "Ben Bell", "Mon 2026-01-12 13:45", "Wed 2026-01-07 03:59 America/New_York", "shadows turn 0 of layer week of primary"],
    ]  # fmt: skip
    assert "times in Asia/Kathmandu" in err


def test_another_zone_may_be_asked_for(lab):
    _, out, err = lab(
        "who", "--schedule", "primary", "--at", "2026-01-07T10:00", "--zone", "Europe/Berlin"
    )
    assert "Cyd Cole" in out
    assert "Wed 2026-01-07 18:00" in out
    assert "override until 2026-01-07T17:00:00Z (dentist)" in out
    assert "times in Europe/Berlin" in err


def test_who_as_json_has_instants_in_utc(lab):
    told = asked(lab, "who", "--at", "2026-01-14T12:00:00Z")
    assert (told["at"], told["zone"]) == ("2026-01-14T12:00:00.000Z", "Asia/Kathmandu")
    primary, secondary = told["schedules"]
    assert primary == {
        "schedule": "primary",
        "user": None,
        "name": "nobody",
        "until": "2026-01-16T05:00:00.000Z",
        "local_time": None,
        "reason": "ben is away until 2026-01-16T05:00:00Z, and nobody fills in",
        "kind": "Away",
    }
    assert (secondary["user"], secondary["kind"]) == ("cyd", "OnShadow")


def test_before_its_first_record_a_roster_says_so(lab):
    told = asked(lab, "who", "--schedule", "primary", "--at", "2026-01-01")
    assert told["schedules"][0]["reason"] == "not recorded before 2026-01-05T08:00:00Z"


def test_a_change_to_summer_time_is_seen_by_the_viewer(lab):
    span = ("--from", "2026-03-23", "--to", "2026-04-07", "--zone", "Europe/Berlin")
    _, out, _ = lab("show", "--schedule", "primary", *span)
    rows = [line.split() for line in out.splitlines()[2:]]
    assert rows[0][5:8] == ["2026-03-30", "09:00", "167"]


def test_show_lists_shifts_and_gaps_in_order(lab):
    rows = asked(
        lab,
        "show",
        "--schedule",
        "primary",
        "--from",
        "2026-01-05T08:00:00Z",
        "--to",
        "2026-01-19T08:00:00Z",
    )
    assert [(row["user"], row["start"], row["kind"]) for row in rows] == [
        ("ann", "2026-01-05T08:00:00.000Z", "OnTurn"),
        ("cyd", "2026-01-07T09:00:00.000Z", "OnOverride"),
        ("ann", "2026-01-07T17:00:00.000Z", "OnTurn"),
        ("ben", "2026-01-12T08:00:00.000Z", "OnTurn"),
        (None, "2026-01-14T05:00:00.000Z", "Away"),
        ("ben", "2026-01-16T05:00:00.000Z", "OnTurn"),
    ]
    assert rows[-1]["end"] == "2026-01-19T08:00:00.000Z"
    assert rows[0]["name"] == "Ann Arendt"


def test_gaps_and_overlaps_are_found_a_year_ahead(lab):
    both = ROSTER.replace(
        "overrides:",
        "  - {id: other, schedule_layers: [{users: [ann], rotation_turn_length: weekly}]}\noverrides:",
    )
    (lab.directory / "both.yml").write_text(both)
    span = ("--from", "2026-01-05T08:00:00Z", "--to", "2026-02-01")
    status, out, _ = lab("gaps", *span, file="both.yml")
    assert status == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["what", "gap", *["overlap"] * 4]
    assert "primary and other" in out
    assert "ann is on both" in out
    _, out, _ = lab("gaps", *span, "--json", file="both.yml")
    told = json.loads(out)
    assert [one["kind"] for one in told["gaps"]] == ["Away"]
    assert told["overlaps"][0] == {
        "user": "ann",
        "schedules": ["primary", "other"],
        "start": "2026-01-05T08:00:00.000Z",
        "end": "2026-01-07T09:00:00.000Z",
    }
    _, out, _ = lab("gaps", "--schedule", "primary", "--from", "2026-02-01", "--to", "2026-03-01")
    assert "No gap and no overlap." in out


def test_fairness_counts_what_each_had(lab):
    (lab.directory / "pages.json").write_text(
        '{"woken": [{"user": "ann", "at": "2026-01-06T02:00:00Z", "page": "page-1"}]}'
    )
    pages = ("--pages", str(lab.directory / "pages.json"))
    span = (
        "--schedule",
        "primary",
        "--from",
        "2026-01-05T08:00:00Z",
        "--to",
        "2026-01-26T08:00:00Z",
    )
    status, out, err = lab("fairness", *span, *pages)
    assert status == 0, err
    head = "person shifts hours nights weekend days holidays pages at night"
    assert " ".join(out.splitlines()[0].split()) == head
    shares = {one["user"]: one for one in asked(lab, "fairness", *span, *pages)}
    assert shares["ann"]["on_call_ms"] == 160 * 3_600_000
    assert {name: shares["ann"][name] for name in ("nights", "weekend_days", "holidays", "pages", "night_pages")} == {
        "nights": 7, "weekend_days": 2, "holidays": 1, "pages": 1, "night_pages": 1,
    }  # fmt: skip
    assert shares["cyd"]["shifts"] == 2


@pytest.mark.parametrize("pages", ["3", '[{"user": "ann"}]', '[{"user": "ann", "at": "soon"}]'])
def test_pages_that_cannot_be_read_are_an_error(lab, pages):
    (lab.directory / "pages.json").write_text(pages)
    status, _, err = lab("fairness", "--pages", str(lab.directory / "pages.json"))
    assert status == 1
    assert "expected" in err


def test_a_calendar_goes_out_and_comes_back_as_overrides(lab):
    file = lab.directory / "primary.ics"
    span = ("--from", "2026-01-05T08:00:00Z", "--to", "2026-01-12T08:00:00Z")
    status, out, err = lab("ical", "--schedule", "primary", *span)
    assert status == 0, err
    assert out.count("BEGIN:VEVENT") == 3
    status, printed, _ = lab(
        "ical", "--schedule", "primary", *span, "--user", "ann", "--out", str(file)
    )
    assert (status, printed) == (0, "")
    assert file.read_bytes().count(b"\r\nBEGIN:VEVENT\r\n") == 2
    assert b"ATTENDEE:mailto:ann@example.com" in file.read_bytes()
    status, out, _ = lab("ical", "--schedule", "secondary", "--read", str(file))
    assert status == 0
    (lab.directory / "more.yml").write_text(ROSTER.replace("overrides:", out.rstrip()))
    rows = json.loads(lab("who", "--at", "2026-01-06", "--json", file="more.yml")[1])["schedules"]
    assert [row["user"] for row in rows] == ["ann", "ann"]
    told = asked(lab, "ical", "--schedule", "secondary", "--read", str(file))
    assert [one["start"] for one in told] == ["2026-01-05T08:00:00Z", "2026-01-07T17:00:00Z"]


def test_a_calendar_that_cannot_be_read_is_an_error(lab):
    file = lab.directory / "bad.ics"
    file.write_text("BEGIN:VEVENT\nSUMMARY:ann\nEND:VEVENT\n")
    status, _, err = lab("ical", "--schedule", "primary", "--read", str(file))
    assert status == 1
    assert "1:1: no start and end that can be read (times)" in err
    file.write_text("")
    assert lab("ical", "--schedule", "primary", "--read", str(file))[1] == "overrides: []\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("who", "--at", "soon"), "instant"),
        (("who", "--at", "1900-01-01"), "instant"),
        (("who", "--at", "+200y"), "1970 to 2099"),
        (("who", "--zone", "Berlin"), "a time zone"),
        (("who", "--schedule", "third"), "primary, secondary"),
        (("show", "--from", "2026-02-01", "--to", "2026-01-01"), "swap them"),
    ],
)
def test_what_cannot_be_asked_is_an_error_with_its_mend(lab, arguments, words):
    status, out, err = lab(*arguments)
    assert (status, out) == (1, "")
    assert words in err


def test_a_roster_with_mistakes_is_refused_with_all_of_them(lab):
    (lab.directory / "bad.yml").write_text(
        ROSTER.replace("users: [ann, ben, cyd]", "users: [anm, ben, cdy]")
    )
    status, _, err = lab("who", file="bad.yml")
    assert status == 1
    assert "2 mistakes" in err
    assert "did you mean ann?" in err


def test_a_span_may_be_said_from_now(lab):
    told = asked(lab, "show", "--schedule", "primary", "--from", "-1h", "--to", "+2w")
    assert 2 <= len(told) <= 4
    assert asked(lab, "who", "--at", "now")["schedules"][0]["user"]
    told = asked(lab, "who", "--at", "1767690000", "--schedule", "primary")
    assert (told["at"], told["schedules"][0]["user"]) == ("2026-01-06T09:00:00.000Z", "ann")


def test_the_machines_own_zone_is_the_viewers_when_tz_says_nothing(lab, monkeypatch):
    monkeypatch.delenv("TZ")
    status, _, err = lab("who")
    assert status == 0
    assert err.startswith("times in ")


def test_the_how_tos_roster_is_a_roster(lab):
    page = (ROOT / "docs/how-to/on-call.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    (lab.directory / "page.yml").write_text(text)
    rows = json.loads(lab("who", "--at", "2026-03-02T12:00:00Z", "--json", file="page.yml")[1])
    assert all(row["user"] for row in rows["schedules"])
