"""Shifts are the stretches between the instants at which the answer to *who* may change.

All such instants are computed (turns, restrictions, records, overrides, swaps, absences), and the
question is put once at each; equal neighbours are joined. A turn of the same person that follows
another is a shift of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_research_lab.oncall.reasons import Duty, Nobody, Reason
from llm_research_lab.oncall.roster import Person, Roster, Schedule, begins
from llm_research_lab.oncall.who import user_of
from llm_research_lab.vocabulary import Instant


@dataclass(frozen=True, slots=True)
class Shift:
    """The person is on call from start to end, for the reason."""

    schedule: str
    person: Person
    start_ms: Instant
    end_ms: Instant
    reason: Duty


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from start to end, for the reason."""

    schedule: str
    start_ms: Instant
    end_ms: Instant
    reason: Nobody


@dataclass(frozen=True, slots=True)
class Overlap:
    """One person is on both schedules from start to end."""

    user: str
    schedules: tuple[str, str]
    start_ms: Instant
    end_ms: Instant


def shifts(roster: Roster, schedule: str, from_ms: Instant, to_ms: Instant) -> tuple[Shift, ...]:
    """Give all shifts in a span in order, those at its ends cut."""
    found: list[Shift] = []
    for start, end, user, reason in _stretches(roster, schedule, from_ms, to_ms):
        person = roster.person(user, start) if user is not None else None
        if person is not None and not isinstance(reason, Nobody):
            found.append(Shift(schedule, person, start, end, reason))
    return tuple(found)


def gaps(roster: Roster, schedule: str, from_ms: Instant, to_ms: Instant) -> tuple[Gap, ...]:
    """Give all stretches of a span without anybody, in order, with why."""
    return tuple(
        Gap(schedule, start, end, reason)
        for start, end, _, reason in _stretches(roster, schedule, from_ms, to_ms)
        if isinstance(reason, Nobody)
    )


def overlaps(
    roster: Roster, one: str, other: str, from_ms: Instant, to_ms: Instant
) -> tuple[Overlap, ...]:
    """Give all stretches of a span in which one person has both schedules, in order."""
    found: list[Overlap] = []
    for first in shifts(roster, one, from_ms, to_ms):
        for second in shifts(roster, other, first.start_ms, first.end_ms):
            if first.person.id != second.person.id:
                continue
            start = second.start_ms
            if found and found[-1].end_ms == start and found[-1].user == first.person.id:
                start = found.pop().start_ms
            found.append(Overlap(first.person.id, (one, other), start, second.end_ms))
    return tuple(found)


def _stretches(
    roster: Roster, schedule: str, from_ms: Instant, to_ms: Instant
) -> Iterator[tuple[Instant, Instant, str | None, Reason]]:
    """Give the span in pieces, each with one answer and none with its neighbour's."""
    edges = {from_ms, *_edges(roster, schedule, from_ms, to_ms)}
    inside = sorted(edge for edge in edges if from_ms <= edge < to_ms)
    held: tuple[Instant, str | None, Reason] | None = None
    for edge in inside:
        user, reason = user_of(roster, schedule, edge)
        if held is not None and held[1:] == (user, reason):
            continue
        if held is not None:
            yield held[0], edge, held[1], held[2]
        held = edge, user, reason
    if held is not None:
        yield held[0], to_ms, held[1], held[2]


def _edges(roster: Roster, schedule: str, from_ms: Instant, to_ms: Instant) -> Iterator[Instant]:
    """Give every instant at which the answer may change, and perhaps some more."""
    yield roster.from_ms
    records = roster.schedules.get(schedule, ())
    ends = [*(record.from_ms for record in records[1:]), to_ms]
    for record, next_ms in zip(records, ends, strict=False):
        yield record.from_ms
        start, end = max(from_ms, record.from_ms), min(to_ms, next_ms)
        if start < end:
            yield from _record_edges(roster, record, start, end)
    for override in roster.overrides:
        if override.schedule == schedule:
            yield from (begins(override), override.end_ms)
    for absence in roster.absences:
        yield from (begins(absence), absence.end_ms)
    for swap in roster.swaps:
        for one in swap.exchanges:
            yield from (one.start_ms, one.end_ms)


def _record_edges(
    roster: Roster, record: Schedule, from_ms: Instant, to_ms: Instant
) -> Iterator[Instant]:
    if record.shadow is not None:
        yield from _edges(roster, record.shadow.schedule, from_ms, to_ms)
    for layer in record.layers:
        start = max(from_ms, layer.start_ms)
        end = to_ms if layer.end_ms is None else min(to_ms, layer.end_ms)
        if start < end:
            yield from layer.edges(start, end)
