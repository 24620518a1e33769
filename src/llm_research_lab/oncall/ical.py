"""Shifts as a calendar file, and a calendar file as overrides: events of RFC 5545, times in UTC.

Written: one VEVENT a shift, its identity made of schedule, person and start, so that a calendar
that is fetched again keeps what has not changed. Read: DTSTART with DTEND or DURATION, in UTC, in
an IANA zone by TZID, or a floating time or date in the schedule's zone; the person is
X-LAB-USER, else the address of the ATTENDEE, else the SUMMARY, as an id or a name. An event that
repeats (RRULE, RDATE) is a finding: write its times out.

Source: RFC 5545, 3.1 (folding), 3.3.11 (escapes), 3.6.1 (events), 3.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llm_research_lab.oncall.clock import DAY_MS, Clock, clock_of, zone_names
from llm_research_lab.oncall.moments import Moment, parsed_moment
from llm_research_lab.oncall.roster import Override, Person, Roster
from llm_research_lab.oncall.shifts import Shift
from llm_research_lab.vocabulary import Finding, Instant

FOLD = 75
"""Octets of a line without its break. Source: RFC 5545, 3.1."""

_ESCAPES = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
_ESCAPED = re.compile(r"\\([\\;,nN])")
_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(\"[^\"]*\"|[^\";:]*)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_DURATION = re.compile(
    r"\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
_UNITS_MS = (7 * DAY_MS, DAY_MS, 3_600_000, 60_000, 1000)


def write_ical(name: str, listed: Iterable[Shift], now_ms: Instant) -> str:
    """Give a calendar of shifts; equal input gives equal bytes. Lines end with CRLF."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//LLM Research Lab//on-call//EN"]
    lines += ["CALSCALE:GREGORIAN", "METHOD:PUBLISH", f"X-WR-CALNAME:{_escaped(name)}"]
    for shift in listed:
        lines += _event(shift, now_ms)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(shift: Shift, now_ms: Instant) -> Iterator[str]:
    person = shift.person
    uid = f"{shift.schedule}-{person.id}-{_stamp(shift.start_ms)}@llm-research-lab"
    address = next((one.address for one in person.contact_methods if one.type == "email"), "")
    yield "BEGIN:VEVENT"
    yield f"UID:{_escaped(uid)}"
    yield f"DTSTAMP:{_stamp(now_ms)}"
    yield f"DTSTART:{_stamp(shift.start_ms)}"
    yield f"DTEND:{_stamp(shift.end_ms)}"
    yield f"SUMMARY:{_escaped(f'{person.name} on call: {shift.schedule}')}"
    yield f"DESCRIPTION:{_escaped(str(shift.reason))}"
    yield f"X-LAB-USER:{_escaped(person.id)}"
    if address:
        yield f"ATTENDEE:mailto:{_plain(address)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _stamp(at_ms: Instant) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Escape a TEXT value; other control characters than tabs have no place in it."""
    kept = "".join(one for one in text.replace("\r\n", "\n") if one in "\n\t" or one.isprintable())
    return "".join(_ESCAPES.get(one, one) for one in kept)


def _plain(text: str) -> str:
    return "".join(one for one in text if one.isprintable())


def _folded(line: str) -> str:
    """Break a line before it has more than 75 octets, never within a character."""
    parts: list[str] = []
    part, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > FOLD:
            parts.append(part)
            part, size = "", 1  # the space that begins a continued line
        part += character
        size += octets
    return "\r\n ".join((*parts, part))


@dataclass(slots=True)
class _Event:
    """The properties of a VEVENT: value and parameters by name; the first of a name counts."""

    line: int
    values: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)


def read_ical(
    content: str, roster: Roster, schedule: str, at_ms: Instant
) -> tuple[tuple[Override, ...], tuple[Finding, ...]]:
    """Give an override for each event, in the file's order, and what could not be read.

    Names are looked up in the roster as of `at_ms`, and so is the schedule's zone.
    """
    findings: list[Finding] = []
    record = roster.schedule(schedule, at_ms)
    clock = clock_of(record.time_zone if record else "Etc/UTC")
    people = [one for one in (roster.person(user, at_ms) for user in roster.people) if one]
    found: list[Override] = []
    for event in _events(content, findings):
        override = _override(event, schedule, clock, people, findings)
        if override is not None:
            found.append(override)
    return tuple(found), tuple(findings)


def _events(content: str, findings: list[Finding]) -> Iterator[_Event]:
    """Unfold the lines and collect each event's own properties; alarms in it are passed over."""
    event: _Event | None = None
    inner = 0
    for line, text in _unfolded(content):
        read = _LINE.fullmatch(text)
        if read is None:
            findings.append(_finding(line, "line", f"no property: {text[:60]!r}", "mend the line"))
            continue
        name, value = read[1].upper(), read[3]
        if name == "BEGIN" and value.upper() == "VEVENT":
            event = _Event(line)
        elif name == "END" and value.upper() == "VEVENT" and event is not None:
            yield event
            event = None
        elif name in {"BEGIN", "END"}:
            inner += 1 if name == "BEGIN" else -1
        elif event is not None and (inner <= 1):
            given = {key.upper(): one.strip('"') for key, one in _PARAMETER.findall(read[2])}
            event.values.setdefault(name, (value, given))


def _unfolded(content: str) -> Iterator[tuple[int, str]]:
    """Give each logical line with the number of its first; empty ones are passed over."""
    held: tuple[int, str] | None = None
    for number, text in enumerate(re.split(r"\r\n|\n|\r", content), 1):
        if text[:1] in {" ", "\t"} and held is not None:
            held = held[0], held[1] + text[1:]
            continue
        if held is not None:
            yield held
        held = (number, text) if text.strip() else None
    if held is not None:
        yield held


def _override(
    event: _Event, schedule: str, clock: Clock, people: list[Person], findings: list[Finding]
) -> Override | None:
    """Make an override of an event, or leave a finding."""
    for name in ("RRULE", "RDATE"):
        if name in event.values:
            fix = "write the times out"
            findings.append(_finding(event.line, "repeats", f"an event with {name}", fix))
            return None
    span = _span(event, clock)
    if span is None:
        fix = "give DTSTART, and DTEND or DURATION, in UTC or with a TZID of the IANA"
        findings.append(_finding(event.line, "times", "no start and end that can be read", fix))
        return None
    user = _user(event, people)
    if user is None:
        shown = _text(event, "SUMMARY")[:60]
        message = f"nobody of the roster in X-LAB-USER, ATTENDEE or SUMMARY {shown!r}"
        findings.append(_finding(event.line, "user", message, "write a user's id as SUMMARY"))
        return None
    note = _text(event, "DESCRIPTION")
    return Override(schedule, user, *span, None, note, f"{event.line}:1")


def _span(event: _Event, clock: Clock) -> tuple[Instant, Instant] | None:
    """Start and end; a date without an end is its day. Source: RFC 5545, 3.6.1."""
    start = _moment(event, "DTSTART", clock)
    if start is None:
        return None
    begin = start[0].instant(start[1])
    if "DTEND" in event.values:
        end = _moment(event, "DTEND", clock)
        until = None if end is None else end[0].instant(end[1])
    elif "DURATION" in event.values:
        until = _after(event.values["DURATION"][0], start)
    else:
        whole_day = "T" not in event.values["DTSTART"][0]
        until = start[1].instant(start[0].ms + DAY_MS) if whole_day else None
    return None if until is None or until <= begin else (begin, until)


def _after(text: str, start: tuple[Moment, Clock]) -> Instant | None:
    """Add a duration: weeks and days on the wall, hours in fact. Source: RFC 5545, 3.3.6."""
    read = _DURATION.fullmatch(text)
    if read is None or not any(read.groups()):
        return None
    sizes = [int(one or 0) * unit for one, unit in zip(read.groups(), _UNITS_MS, strict=True)]
    moment, clock = start
    return Moment(moment.ms + sum(sizes[:2]), moment.local).instant(clock) + sum(sizes[2:])


def _moment(event: _Event, name: str, clock: Clock) -> tuple[Moment, Clock] | None:
    """Read a time with its clock."""
    value, given = event.values.get(name, ("", {}))
    read = _TIME.fullmatch(value)
    if read is None:
        return None
    year, month, day, hour, minute, second, utc = read.groups()
    time = f"T{hour}:{minute}:{second}{utc}" if hour else ""
    moment = parsed_moment(f"{year}-{month}-{day}{time}")
    zone = given.get("TZID", clock.zone)
    if moment is None or zone not in zone_names():
        return None
    return moment, clock_of(zone)


def _user(event: _Event, people: list[Person]) -> str | None:
    """Find the person that the event names; by id before address before name."""
    summary, address = _text(event, "SUMMARY"), event.values.get("ATTENDEE", ("", {}))[0]
    mail = re.sub(r"(?i)^mailto:", "", address).lower()
    for person in people:
        if person.id == _text(event, "X-LAB-USER"):
            return person.id
    for person in people:
        if mail and mail in {one.address.lower() for one in person.contact_methods}:
            return person.id
    for person in people:
        if summary in {person.id, person.name}:
            return person.id
    return None


def _text(event: _Event, name: str) -> str:
    """Give a TEXT value without its escapes."""
    value = event.values.get(name, ("", {}))[0].strip()
    return _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value)


def _finding(line: int, law: str, message: str, fix: str) -> Finding:
    return Finding(f"{line}:1", law, message, fix)
