"""Who is on call at an instant, and why: overrides, then layers from the last to the first.

Swaps are applied to whoever that gives; who is away is passed over, so a layer below shows
through. A person who is away is never on call, not even by an override.
"""

from __future__ import annotations

from collections.abc import Iterator

from llm_research_lab.oncall.reasons import (
    Away,
    Duty,
    Nobody,
    NoLayer,
    NoSchedule,
    NoShadow,
    NotRecorded,
    OnOverride,
    OnShadow,
    OnSwap,
    OnTurn,
    OutsideHours,
    Reason,
)
from llm_research_lab.oncall.roster import Person, Roster, Schedule, Shadow, holds
from llm_research_lab.oncall.rotation import Layer
from llm_research_lab.oncall.swapping import taker
from llm_research_lab.vocabulary import Instant


def who(roster: Roster, schedule: str, at_ms: Instant) -> tuple[Person | None, Reason]:
    """Give the person on call as of then, with why; None with why nobody is."""
    user, reason = user_of(roster, schedule, at_ms)
    return (None if user is None else roster.person(user, at_ms)), reason


def user_of(roster: Roster, schedule: str, at_ms: Instant) -> tuple[str | None, Reason]:
    """Give the id of the person on call, with why; None with why nobody is."""
    records = roster.schedules.get(schedule)
    if records is None:
        return None, NoSchedule(schedule)
    record = roster.schedule(schedule, at_ms)
    if at_ms < roster.from_ms or record is None:
        return None, NotRecorded(max(roster.from_ms, records[0].from_ms))
    away: Away | None = None
    for user, duty in _candidates(roster, record, at_ms):
        absence = roster.absence(user, at_ms)
        if absence is None:
            return user, duty
        away = away or Away(user, absence.end_ms, absence.note)
    return None, away or _nobody(record, at_ms)


def _candidates(roster: Roster, record: Schedule, at_ms: Instant) -> Iterator[tuple[str, Duty]]:
    """Who has the duty, the first before the next, swaps applied."""
    for user, duty in _duties(roster, record, at_ms):
        taking = taker(roster, record.id, user, at_ms)
        yield (user, duty) if taking == user else (taking, OnSwap(user, duty))
    if record.shadow is not None:
        yield from _shadows(roster, record.shadow, at_ms)


def _duties(
    roster: Roster, record: Schedule, at_ms: Instant
) -> Iterator[tuple[str, OnTurn | OnOverride]]:
    """Who has the duty by an override, the last first, or by a layer."""
    for one in reversed(roster.overrides):
        if one.schedule == record.id and holds(one, at_ms):
            yield one.user, OnOverride(one.start_ms, one.end_ms, one.note)
    for layer, turn in turns(record, at_ms):
        yield layer.user(turn), OnTurn(layer.name, turn)


def turns(record: Schedule, at_ms: Instant) -> Iterator[tuple[Layer, int]]:
    """Give the layers that have somebody on, the last first, with the turn of each."""
    for layer in reversed(record.layers):
        turn = layer.turn(at_ms) if layer.in_force(at_ms) else None
        if turn is not None:
            yield layer, turn


def _shadows(roster: Roster, shadow: Shadow, at_ms: Instant) -> list[tuple[str, Duty]]:
    """Who could shadow: of the top layer, in the order of the rotation, without the primary."""
    record = roster.schedule(shadow.schedule, at_ms)
    running = next(turns(record, at_ms), None) if record is not None else None
    if running is None:
        return []
    layer, turn = running
    primary, _ = user_of(roster, shadow.schedule, at_ms)
    order = [layer.user(turn + shadow.turns + place) for place in range(len(layer.users))]
    why = OnShadow(shadow.schedule, layer.name, turn)
    return [(user, why) for user in dict.fromkeys(order) if user != primary]


def _nobody(record: Schedule, at_ms: Instant) -> Nobody:
    """Why nobody has the duty."""
    if record.shadow is not None:
        return NoShadow(record.shadow.schedule)
    layers = tuple(layer.name for layer in record.layers if layer.in_force(at_ms))
    return OutsideHours(layers) if layers else NoLayer()
