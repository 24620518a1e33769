"""A calendar is written so that others read it, and read as others write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oncall.planted import DAY, HOUR, at, layer, roster, schedule

from llm_research_lab.oncall.ical import read_ical, write_ical
from llm_research_lab.oncall.reasons import OnOverride, OnTurn
from llm_research_lab.oncall.roster import ContactMethod, Override, Person
from llm_research_lab.oncall.shifts import Shift, shifts

MONDAY = "2026-01-05 09:00"
T = at(MONDAY)
MAIL = (ContactMethod("phone", "1"), ContactMethod("email", "Ann@example.com"))
KNOWN = roster(
    schedule("p", layer("ab", MONDAY, DAY, zone="Europe/Berlin")),
    people=[Person("a", "Ann Arendt", "Europe/Berlin", 0, MAIL), Person("b", "Ben", "Etc/UTC", 0)],
)


def test_a_shift_is_written_as_an_event():
    start = at(MONDAY, "Europe/Berlin")
    text = write_ical("p", shifts(KNOWN, "p", start, start + 2 * DAY), T + 500)
    expected = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//LLM Research Lab//on-call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:p",
        "BEGIN:VEVENT",
        "UID:p-a-20260105T080000Z@llm-research-lab",
        "DTSTAMP:20260105T090000Z",
        "DTSTART:20260105T080000Z",
        "DTEND:20260106T080000Z",
        "SUMMARY:Ann Arendt on call: p",
        "DESCRIPTION:turn 0 of layer one",
        "X-LAB-USER:a",
        "ATTENDEE:mailto:Ann@example.com",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:p-b-20260106T080000Z@llm-research-lab",
        "DTSTAMP:20260105T090000Z",
        "DTSTART:20260106T080000Z",
        "DTEND:20260107T080000Z",
        "SUMMARY:Ben on call: p",
        "DESCRIPTION:turn 1 of layer one",
        "X-LAB-USER:b",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    assert text == "\r\n".join(expected)


def event(*lines):
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    )


def written(**given):
    given.setdefault("reason", OnTurn("one", 0))
    who = given.pop("who", Person("a", "A", "Etc/UTC", 0))
    return write_ical("p", [Shift("p", who, T, T + HOUR, **given)], T)


def test_text_is_escaped_and_control_characters_are_dropped():
    note = "one, two; three\\four\r\nfive\tsix\x07"
    text = written(reason=OnOverride(T, T + HOUR, note))
    told = [line for line in text.split("\r\n") if line.startswith(("DESCRIPTION", " "))]
    assert (
        "".join(told)
        .replace(" five", "five")
        .startswith("DESCRIPTION:override until 2026-01-05T10:00:00Z (one\\, two\\; three\\\\fo")
    )
    assert "\x07" not in text
    address = Person("a", "A", "Etc/UTC", 0, (ContactMethod("email", "a@b\r\nX-EVIL:1"),))
    assert "\r\nX-EVIL" not in written(who=address)


@given(st.text(min_size=1, max_size=300))
def test_no_line_is_longer_than_75_octets_and_unfolded_it_is_whole(note):
    plain = "".join(one for one in note.replace("\r\n", "\n") if one in "\n\t" or one.isprintable())
    who = Person("a", note, "Etc/UTC", 0)
    text = written(who=who, reason=OnOverride(T, T + HOUR, note))
    assert all(len(line.encode("utf-8", "surrogatepass")) <= 75 for line in text.split("\r\n"))
    (found,), findings = read_ical(text, KNOWN, "p", T)
    assert findings == ()
    assert found.note == f"override until 2026-01-05T10:00:00Z ({plain})"


def test_a_long_line_is_folded_at_75_octets():
    lines = written(who=Person("a", "x" * 200, "Etc/UTC", 0)).split("\r\n")
    place = next(number for number, line in enumerate(lines) if line.startswith("SUMMARY"))
    assert [len(line) for line in lines[place : place + 4]] == [
        75,
        75,
        71,
        len("DESCRIPTION:turn 0 of layer one"),
    ]
    exact = "x" * (75 - len("SUMMARY: on call: p"))
    lines = written(who=Person("a", exact, "Etc/UTC", 0)).split("\r\n")
    assert f"SUMMARY:{exact} on call: p" in lines
    lines = written(who=Person("a", "ü" * 40, "Etc/UTC", 0)).split("\r\n")
    assert "SUMMARY:" + "ü" * 33 in lines


def test_what_was_written_is_read_as_it_was():
    found = shifts(KNOWN, "p", T, T + 3 * DAY)
    overrides, findings = read_ical(write_ical("p", found, T), KNOWN, "p", T)
    assert findings == ()
    assert [(one.user, one.start_ms, one.end_ms) for one in overrides] == [
        (one.person.id, one.start_ms, one.end_ms) for one in found
    ]
    assert {one.schedule for one in overrides} == {"p"}


UTC = ("DTSTART:20260105T090000Z", "DTEND:20260105T170000Z")


def read(*lines, known=KNOWN):
    overrides, findings = read_ical(event(*lines), known, "p", T)
    return [(one.user, one.start_ms, one.end_ms) for one in overrides], findings


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        (UTC, "2026-01-05 09:00", "2026-01-05 17:00"),
        (["DTSTART;TZID=America/New_York:20260105T090000", 'DTEND;TZID="Europe/Berlin":20260105T170000'], "2026-01-05 14:00", "2026-01-05 16:00"),
        (["DTSTART:20260105T090000", "DTEND:20260105T170000"], "2026-01-05 08:00", "2026-01-05 16:00"),
        (["DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260107"], "2026-01-04 23:00", "2026-01-06 23:00"),
        (["DTSTART;VALUE=DATE:20260105"], "2026-01-04 23:00", "2026-01-05 23:00"),
        (["DTSTART;VALUE=DATE:20260329"], "2026-03-28 23:00", "2026-03-29 22:00"),
        (["DTSTART:20260105T090000Z", "DURATION:PT8H30M15S"], "2026-01-05 09:00", "2026-01-05 17:30:15"),
        (["DTSTART:20260105T090000Z", "DURATION:P1W"], "2026-01-05 09:00", "2026-01-12 09:00"),
        (["DTSTART:20260105T090000Z", "DURATION:+P1DT1H"], "2026-01-05 09:00", "2026-01-06 10:00"),
        (["DTSTART:20260328T120000", "DURATION:P1D"], "2026-03-28 11:00", "2026-03-29 10:00"),
        (["DTSTART:20260328T120000", "DURATION:PT24H"], "2026-03-28 11:00", "2026-03-29 11:00"),
        (["dtstart:20260105T090000Z", "dtend:20260105T170000Z"], "2026-01-05 09:00", "2026-01-05 17:00"),
        (["DTSTART:20260105T090000Z", *UTC, "DTEND:20260105T100000Z"], "2026-01-05 09:00", "2026-01-05 17:00"),
    ],
)  # fmt: skip
def test_times_are_read_as_the_standard_says(lines, start, end):
    assert read(*lines, "SUMMARY:a") == ([("a", at(start), at(end))], ())


def test_a_date_or_a_floating_time_is_of_the_schedules_zone():
    found, _ = read_ical(
        event("DTSTART:20260105T090000", "DURATION:PT1H", "SUMMARY:a"), KNOWN, "x", T
    )
    assert found[0].start_ms == T


@pytest.mark.parametrize(
    ("lines", "user"),
    [
        (["X-LAB-USER:b", "ATTENDEE:mailto:ann@example.com", "SUMMARY:c"], "b"),
        (["ATTENDEE;CN=Ann:MAILTO:ANN@example.com", "SUMMARY:b"], "a"),
        (["X-LAB-USER:stranger", "SUMMARY:Ann Arendt"], "a"),
        (["SUMMARY: b "], "b"),
        (["SUMMARY:Ann", "  Arendt"], "a"),
        (["SUMMARY:Ann Are", "\tndt"], "a"),
        (["SUMMARY:Ben", "BEGIN:VALARM", "SUMMARY:c", "TRIGGER:-PT5M", "END:VALARM"], "b"),
    ],
)
def test_the_person_is_found_by_id_address_or_name(lines, user):
    found, findings = read(*UTC, *lines)
    assert findings == ()
    assert [one[0] for one in found] == [user]


def test_an_alarm_before_the_summary_does_not_hide_it():
    found, _ = read(*UTC, "BEGIN:VALARM", "SUMMARY:c", "END:VALARM", "SUMMARY:b")
    assert [one[0] for one in found] == ["b"]


@pytest.mark.parametrize(
    ("lines", "law", "where"),
    [
        ([*UTC, "SUMMARY:a", "RRULE:FREQ=DAILY"], "repeats", "2:1"),
        ([*UTC, "SUMMARY:a", "RDATE:20260106T090000Z"], "repeats", "2:1"),
        (["DTEND:20260105T170000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DTEND:20260105T090000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DTEND:20260105T080000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DTEND:tomorrow", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260135T090000Z", "DTEND:20260105T170000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART;TZID=Berlin:20260105T090000", "DTEND:20260105T170000Z", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DURATION:8H", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DURATION:P", "SUMMARY:a"], "times", "2:1"),
        (["DTSTART:20260105T090000Z", "DURATION:-PT1H", "SUMMARY:a"], "times", "2:1"),
        ([*UTC], "user", "2:1"),
        ([*UTC, "SUMMARY:Zoe", "ATTENDEE:mailto:zoe@example.com"], "user", "2:1"),
        (["no colon", *UTC, "SUMMARY:a"], "line", "3:1"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_finding(lines, law, where):
    found, findings = read(*lines)
    assert [(one.law, one.where) for one in findings] == [(law, where)]
    assert len(found) == (law == "line")


def test_findings_say_what_to_write():
    _, (found,) = read(*UTC, "SUMMARY:Zoe")
    assert found.message == "nobody of the roster in X-LAB-USER, ATTENDEE or SUMMARY 'Zoe'"
    assert found.fix == "write a user's id as SUMMARY"
    _, (found,) = read(*UTC, "SUMMARY:a", "RRULE:FREQ=DAILY")
    assert (found.message, found.fix) == ("an event with RRULE", "write the times out")
    _, (found,) = read("SUMMARY:a")
    assert found.message == "no start and end that can be read"
    assert found.fix == "give DTSTART, and DTEND or DURATION, in UTC or with a TZID of the IANA"
    _, (found,) = read("no colon", *UTC, "SUMMARY:a")
    assert (found.message, found.fix) == ("no property: 'no colon'", "mend the line")


def test_events_follow_each_other_and_lines_end_as_they_will():
    one = "BEGIN:VEVENT\nDTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nSUMMARY:a\nEND:VEVENT\n"
    two = one.replace("SUMMARY:a", "SUMMARY:b\rDESCRIPTION:x\\, y\\nz\\\\n").replace("T10", "T11")
    found, findings = read_ical(f"BEGIN:VCALENDAR\n\n{one}{two}END:VCALENDAR", KNOWN, "p", T)
    assert findings == ()
    assert found == (
        Override("p", "a", T, T + HOUR, None, "", "3:1"),
        Override("p", "b", T, T + 2 * HOUR, None, "x, y\nz\\n", "8:1"),
    )


def test_a_calendar_without_events_is_nothing():
    assert read_ical("", KNOWN, "p", T) == ((), ())
    assert read_ical("END:VEVENT", KNOWN, "p", T) == ((), ())
    assert read_ical(" x", KNOWN, "p", T)[1][0].law == "line"
