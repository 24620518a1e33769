"""A roster file becomes a roster, or findings with their places; nothing is half read.

Times without an offset are wall times: of the schedule's zone, of the person's for an absence.
The format is described in docs/how-to/on-call.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import list_of, one_of, text, whole
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.oncall.clock import MINUTE_MS, Clock, clock_of
from llm_research_lab.oncall.moments import day, moment, zone
from llm_research_lab.oncall.naming import unknown_names
from llm_research_lab.oncall.read_layers import read_layers
from llm_research_lab.oncall.read_policies import POLICY_FIELDS, placed, policies_of
from llm_research_lab.oncall.roster import (
    Absence,
    ContactMethod,
    Exchange,
    Holiday,
    Override,
    Person,
    Roster,
    Schedule,
    Shadow,
    Swap,
)
from llm_research_lab.vocabulary import Finding, Instant

MOST_BYTES = 4 << 20
MOST_VALUES = 200_000
ITEMS = 10_000
MOST_USERS = 1000
NAME = text(200)
NOTE = text(1000, least=0)
WAYS = ("email", "phone", "sms", "push_notification", "chat")
"""PagerDuty's, and a chat."""

_UTC = "Etc/UTC"
T = TypeVar("T", Person, Schedule)
Found = tuple[dict[str, Any], Place]


def read_roster(content: str | bytes, where: str = "") -> tuple[Roster | None, tuple[Finding, ...]]:
    """Read a roster; None with all findings when there are any. `where` names the file."""
    source, broken = read_yaml(content, most_bytes=MOST_BYTES, most_values=MOST_VALUES)
    if source is None:
        return None, tuple(_prefixed(broken, where))
    findings: list[Finding] = []
    place = Place(source, findings)
    found = read_fields(source.value, place, _FIELDS)
    if not findings:
        roster = _Builder(found, place).roster()
        findings += unknown_names(roster)
        if not findings:
            return roster, ()
    return None, tuple(_prefixed(findings, where))


def _prefixed(findings: Iterable[Finding], where: str) -> Iterable[Finding]:
    """Put the file's name before each place."""
    for one in findings:
        place = f"{where}:{one.where}" if where else one.where
        yield Finding(place, one.law, one.message, one.fix)


def _kept(*fields: Field) -> Any:
    """Read a mapping and keep its place: what it means may hang on others."""
    return lambda value, place: (read_fields(value, place, fields), place)


def _shadow(value: Any, place: Place) -> Shadow:
    fields = [Field("schedule", NAME, required=True), Field("turns", whole(1, MOST_USERS))]
    found = read_fields(value, place, fields)
    return Shadow(found.get("schedule") or "", found.get("turns") or 1)


def _contact(value: Any, place: Place) -> ContactMethod:
    fields = [
        Field("type", one_of(*WAYS), required=True),
        Field("address", text(1000)),
        Field("start_delay_in_minutes", whole(0, 24 * 60)),
    ]
    found = read_fields(value, place, fields)
    delay_ms = (found.get("start_delay_in_minutes") or 0) * MINUTE_MS
    return ContactMethod(found.get("type") or "", found.get("address") or "", delay_ms)


def _confirmed(value: Any, place: Place) -> dict[str, Any]:
    """Who confirmed, and when."""
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping of users to times", value)
        return {}
    return {user: moment(at, place.at(user)) for user, at in value.items()}


def _span(*fields: Field) -> Any:
    times = [Field("start", moment, required=True), Field("end", moment, required=True)]
    return _kept(*fields, *times)


_USER = _kept(
    Field("id", NAME, required=True),
    Field("from", moment),
    Field("name", NAME),
    Field("time_zone", zone),
    Field("contact_methods", list_of(_contact, 0, 20)),
    Field("manager", NAME, nullable=True),
    Field("holidays", NAME, nullable=True),
)
_SCHEDULE = _kept(
    Field("id", NAME, required=True),
    Field("from", moment),
    Field("name", NAME),
    Field("description", NOTE),
    Field("time_zone", zone),
    Field("level", one_of("primary", "secondary")),
    Field("announced_at", moment),
    Field("schedule_layers", read_layers),
    Field("shadows", _shadow),
)
_CREATED = (Field("created_at", moment), Field("note", NOTE))
_OVERRIDE = _span(
    Field("schedule", NAME, required=True), Field("user", NAME, required=True), *_CREATED
)
_ABSENCE = _span(Field("user", NAME, required=True), *_CREATED)
_EXCHANGE = _span(Field("from", NAME, required=True), Field("to", NAME, required=True))
_SWAP = _kept(
    Field("schedule", NAME, required=True),
    Field("exchanges", list_of(_EXCHANGE, 1, 2), required=True),
    Field("confirmed", _confirmed),
)
_HOLIDAY = _kept(
    Field("calendar", NAME, required=True), Field("date", day, required=True), Field("name", NAME)
)
_FIELDS = [
    Field("from", moment, required=True),
    Field("time_zone", zone),
    Field("users", list_of(_USER, 1, ITEMS), required=True),
    Field("schedules", list_of(_SCHEDULE, 0, MOST_USERS), required=True),
    Field("overrides", list_of(_OVERRIDE, 0, ITEMS)),
    Field("absences", list_of(_ABSENCE, 0, ITEMS)),
    Field("swaps", list_of(_SWAP, 0, ITEMS)),
    Field("holidays", list_of(_HOLIDAY, 0, ITEMS)),
    *(Field(field.name, field.read) for field in POLICY_FIELDS),
]


class _Builder:
    """Gives what was read its final form: wall times become instants of their zone."""

    def __init__(self, found: dict[str, Any], place: Place) -> None:
        self.found = found
        self.place = place
        self.clock: Clock = found.get("time_zone") or clock_of(_UTC)
        self.from_ms: Instant = found["from"].instant(self.clock)

    def roster(self) -> Roster:
        """Build all; further findings go to the place."""
        people = _records([self._person(*one) for one in self.found["users"]])
        schedules = _records([self._schedule(*one) for one in self.found["schedules"]])
        self._check_records((*people.values(), *schedules.values()))
        self._check_shadows(schedules)
        clocks = {name: clock_of(records[-1].time_zone) for name, records in schedules.items()}
        zones = {name: clock_of(records[-1].time_zone) for name, records in people.items()}
        policies, matrix = policies_of(self.found)
        return Roster(
            self.from_ms,
            people,
            schedules,
            tuple(self._override(one, at, clocks) for one, at in self._all("overrides")),
            tuple(self._absence(one, at, zones) for one, at in self._all("absences")),
            tuple(self._swap(one, at, clocks) for one, at in self._all("swaps")),
            tuple(
                Holiday(one["calendar"], one["date"], one.get("name", ""))
                for one, _ in self._all("holidays")
            ),
            policies,
            matrix,
        )

    def _all(self, name: str) -> Iterable[Found]:
        found: Iterable[Found] = self.found.get(name, ())
        return found

    def _from(self, found: dict[str, Any], clock: Clock) -> Instant:
        written = found.get("from")
        return self.from_ms if written is None else int(written.instant(clock))

    def _person(self, found: dict[str, Any], place: Place) -> Person:
        clock = found.get("time_zone") or self.clock
        return Person(
            found["id"],
            found.get("name") or found["id"],
            clock.zone,
            self._from(found, clock),
            found.get("contact_methods", ()),
            found.get("manager"),
            found.get("holidays"),
            placed(place),
        )

    def _schedule(self, found: dict[str, Any], place: Place) -> Schedule:
        clock = found.get("time_zone") or self.clock
        from_ms = self._from(found, clock)
        shadow, layers = found.get("shadows"), found.get("schedule_layers")
        if (shadow is None) == (layers is None):
            message = f"{found['id']}: expected either schedule_layers or shadows"
            place.find("layers", message, "give one of the two")
        announced = found.get("announced_at")
        return Schedule(
            found["id"],
            found.get("name") or found["id"],
            clock.zone,
            from_ms,
            tuple(one.layer(clock, from_ms) for one in layers or ()),
            shadow,
            found.get("level") or ("primary" if shadow is None else "secondary"),
            None if announced is None else announced.instant(clock),
            placed(place),
        )

    def _check_records(self, named: Iterable[tuple[Person | Schedule, ...]]) -> None:
        """Hold that a record starts after the one before it, and none before the roster."""
        for records in named:
            for one, before in zip(records, (None, *records[:-1]), strict=True):
                if before is not None and one.from_ms == before.from_ms:
                    message = f"{one.id}: two records from the same instant"
                    self._find(one.where, "records", message, "give each its own from")
                if one.from_ms < self.from_ms:
                    message = f"{one.id} is recorded before the roster begins"
                    self._find(one.where, "records", message, "begin the roster earlier")

    def _check_shadows(self, schedules: Mapping[str, tuple[Schedule, ...]]) -> None:
        """Hold that what is shadowed has layers of its own."""
        for one in (record for records in schedules.values() for record in records):
            shadowed = schedules.get(one.shadow.schedule, ()) if one.shadow is not None else ()
            if any(record.shadow is not None for record in shadowed):
                message = f"{one.id} shadows a schedule that shadows another"
                self._find(one.where, "shadow", message, "shadow one that has layers")

    def _find(self, where: str, law: str, message: str, fix: str) -> None:
        self.place.findings.append(Finding(where, law, message, fix))

    def _times(self, found: dict[str, Any], place: Place, clock: Clock) -> tuple[Instant, Instant]:
        """Start and end in the zone; the end is after the start."""
        start, end = found["start"].instant(clock), found["end"].instant(clock)
        if end <= start:
            place.at("end").find("span", "end: not after the start", "swap the two")
        return start, end

    def _created(self, found: dict[str, Any], clock: Clock) -> Instant | None:
        written = found.get("created_at")
        return None if written is None else int(written.instant(clock))

    def _override(
        self, found: dict[str, Any], place: Place, clocks: Mapping[str, Clock]
    ) -> Override:
        clock = clocks.get(found["schedule"], self.clock)
        start, end = self._times(found, place, clock)
        created, note = self._created(found, clock), found.get("note", "")
        name, user = found["schedule"], found["user"]
        return Override(name, user, start, end, created, note, placed(place))

    def _absence(self, found: dict[str, Any], place: Place, zones: Mapping[str, Clock]) -> Absence:
        clock = zones.get(found["user"], self.clock)
        start, end = self._times(found, place, clock)
        created, note = self._created(found, clock), found.get("note", "")
        return Absence(found["user"], start, end, created, note, placed(place))

    def _swap(self, found: dict[str, Any], place: Place, clocks: Mapping[str, Clock]) -> Swap:
        clock = clocks.get(found["schedule"], self.clock)
        exchanges = tuple(
            Exchange(one["from"], one["to"], *self._times(one, at, clock))
            for one, at in found["exchanges"]
        )
        confirmed = found.get("confirmed", {})
        return Swap(
            found["schedule"],
            exchanges,
            tuple((user, at.instant(clock)) for user, at in confirmed.items()),
            placed(place),
        )


def _records(read: Iterable[T]) -> dict[str, tuple[T, ...]]:
    """Put the records of one id together, in order of time."""
    named: dict[str, list[T]] = defaultdict(list)
    for one in read:
        named[one.id].append(one)
    return {
        name: tuple(sorted(records, key=lambda one: one.from_ms)) for name, records in named.items()
    }
