"""A layer's rotation is arithmetic on the layer's clock, which never goes back.

The clock's time since the virtual start is cut into stretches: weeks when the turn is a number of
whole weeks, else days when it is whole days, else turns. A stretch that no restriction touches
does not count, so the rotation does not advance there. A turn is so many counted stretches, and
turn k belongs to user k modulo their number.

- A weekly turn is the same with restrictions or without; hand-overs keep their wall time.
- A turn of one day on weekdays: Friday's person is followed by Monday's.
- A turn of two days on Monday, Wednesday, Friday: Monday and Wednesday, then Friday and Monday.
- A turn of hours: turns outside the restrictions are nobody's, and use nobody up.

Since the clock is the wall's, a turn of one hour lasts two where the hour comes twice, and takes
no time where the hour is skipped; the user of the skipped hour is passed over, so that everybody
keeps their hour of the day. Source: PagerDuty's REST API, schedule layers (words);
GoAlert, schedule/rotation/rotation_test.go (hand-overs); Grafana OnCall,
engine/apps/schedules/tests/test_custom_on_call_shift.py (by_day).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import lcm

from llm_research_lab.oncall.clock import DAY_MS, THURSDAY_MS, WEEK_MS, Clock
from llm_research_lab.vocabulary import Instant

Window = tuple[int, int]
"""Milliseconds since the week's Monday, 00:00: from the first, up to the second."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A rotation in force from `start_ms` to `end_ms`, within its windows; none are all hours."""

    name: str
    users: tuple[str, ...]
    clock: Clock
    start_ms: Instant
    end_ms: Instant | None
    origin_ms: int
    """PagerDuty's rotation_virtual_start: the wall time at which turn 0 starts."""
    turn_ms: int
    windows: tuple[Window, ...] = ()
    where: str = field(default="", compare=False)

    def in_force(self, at_ms: Instant) -> bool:
        """Whether the layer exists at the instant."""
        return self.start_ms <= at_ms and (self.end_ms is None or at_ms < self.end_ms)

    def turn(self, at_ms: Instant) -> int | None:
        """Give the turn that runs at the instant; None outside the restrictions."""
        shown = self.clock.reading(at_ms)
        if not within(self.windows, shown):
            return None
        stretch_ms = _stretch(self.turn_ms)
        counted = self._counted((shown - self.origin_ms) // stretch_ms, stretch_ms)
        return counted // (self.turn_ms // stretch_ms)

    def user(self, turn: int) -> str:
        """Whose turn it is."""
        return self.users[turn % len(self.users)]

    def edges(self, from_ms: Instant, to_ms: Instant) -> Iterator[Instant]:
        """Give every instant at which the turn may change, and perhaps some more."""
        first, last = self.clock.reading(from_ms), self.clock.reading(to_ms)
        stretch_ms = _stretch(self.turn_ms)
        start = (first - self.origin_ms) // stretch_ms * stretch_ms + self.origin_ms
        for wall_ms in range(start, last + stretch_ms, stretch_ms):
            yield self.clock.instant(wall_ms)
        for monday in range(_monday(first), last + 1, WEEK_MS):
            for window in self.windows:
                for edge in window:
                    yield self.clock.instant(monday + edge)
        yield self.start_ms
        if self.end_ms is not None:
            yield self.end_ms

    def _counted(self, stretch: int, stretch_ms: int) -> int:
        """How many stretches before this one a restriction touches, from stretch 0 on."""
        if not self.windows or stretch_ms >= WEEK_MS:
            return stretch
        before = _touched(self.origin_ms % WEEK_MS, stretch_ms, self.windows)
        period, place = divmod(stretch, len(before) - 1)
        return period * before[-1] + before[place]


def within(windows: Sequence[Window], wall_ms: int) -> bool:
    """Whether a wall time lies in one of the windows; without any, always."""
    place = (wall_ms + THURSDAY_MS) % WEEK_MS
    return not windows or any(start <= place < end for start, end in windows)


def windows_of(restrictions: Sequence[tuple[int, int]]) -> tuple[Window, ...]:
    """Join (start in the week, duration) to windows that are sorted, apart, and do not wrap.

    A duration of a week or more is the whole week.
    """
    pieces: list[Window] = []
    for start, duration in restrictions:
        end = start + min(duration, WEEK_MS)
        pieces.append((start, min(end, WEEK_MS)))
        if end > WEEK_MS:
            pieces.append((0, end - WEEK_MS))
    joined: list[Window] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _stretch(turn_ms: int) -> int:
    """What is counted: weeks, days, or turns."""
    if turn_ms % WEEK_MS == 0:
        return WEEK_MS
    return turn_ms if turn_ms % DAY_MS else DAY_MS


def _monday(wall_ms: int) -> int:
    """The wall time at which the week began."""
    return wall_ms - (wall_ms + THURSDAY_MS) % WEEK_MS


@cache
def _touched(origin: int, stretch_ms: int, windows: tuple[Window, ...]) -> tuple[int, ...]:
    """How many of the first k stretches are touched, for each k up to where the week repeats."""
    counts = [0]
    for place in range(lcm(stretch_ms, WEEK_MS) // stretch_ms):
        start = (origin + THURSDAY_MS + place * stretch_ms) % WEEK_MS
        end = start + stretch_ms
        touches = any(
            start < high + later and low + later < end
            for low, high in windows
            for later in (0, WEEK_MS)
        )
        counts.append(counts[-1] + touches)
    return tuple(counts)
