"""A time interval contains an instant when all parts that it names do, in its own zone.

Of a part, one range is enough; a part that is not named contains everything. A month ends on its
last day by the calendar (Alertmanager counts its hours, and so loses the 31st of a month in which
clocks go forward).
Source: Alertmanager, timeinterval/timeinterval.go.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from llm_research_lab.vocabulary import Instant

Span = tuple[int, int]
"""A first and a last, both included; of minutes of a day the last is not."""

_MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE_STEP = 15
"""Zones differ from UTC, and change, by whole quarters of an hour."""
_LOOK_AHEAD_MINUTES = 1_440


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Parts of time; None is a part that is not named. Weekdays count from Sunday, 0."""

    times: tuple[Span, ...] | None = None
    weekdays: tuple[Span, ...] | None = None
    days_of_month: tuple[Span, ...] | None = None
    months: tuple[Span, ...] | None = None
    years: tuple[Span, ...] | None = None
    location: tzinfo = UTC

    def contains(self, at_ms: Instant) -> bool:
        """Whether the instant lies within."""
        return self.contains_wall(
            (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.location)
        )

    def contains_wall(self, wall: datetime) -> bool:
        """Whether what the zone's clocks show lies within."""
        minute = wall.hour * 60 + wall.minute
        return (
            (self.times is None or any(low <= minute < high for low, high in self.times))
            and _within(self.years, wall.year)
            and _within(self.months, wall.month)
            and _within(self.weekdays, wall.isoweekday() % 7)
            and (self.days_of_month is None or _within_month(self.days_of_month, wall))
        )


def _within(spans: tuple[Span, ...] | None, value: int) -> bool:
    return spans is None or any(low <= value <= high for low, high in spans)


def _within_month(spans: tuple[Span, ...], wall: datetime) -> bool:
    """Negative days count back from the month's last, -1."""
    days = monthrange(wall.year, wall.month)[1]
    placed = (tuple(day + days + 1 if day < 0 else day for day in span) for span in spans)
    return any(low <= wall.day <= high for low, high in placed)


def containing(
    intervals: Mapping[str, tuple[TimeInterval, ...]], names: Iterable[str], at_ms: Instant
) -> str | None:
    """The first name of which an interval contains the instant."""
    for name in names:
        if any(interval.contains(at_ms) for interval in intervals[name]):
            return name
    return None


@dataclass(slots=True, eq=False)
class Spans:
    """From when to when which of the named intervals contains, worked out once, as far as asked.

    `_starts` increase; from each on `_found` holds, to the next, and the last up to `_known_ms`.
    """

    intervals: Mapping[str, tuple[TimeInterval, ...]]
    names: tuple[str, ...]
    _starts: list[Instant] = field(default_factory=list)
    _found: list[str | None] = field(default_factory=list)
    _known_ms: Instant = 0

    def at(self, at_ms: Instant) -> str | None:
        """The first name that contains the instant; asked in any order."""
        if not self._starts or at_ms < self._starts[0]:
            self._begin(at_ms)
        while at_ms >= self._known_ms:
            self._look_ahead()
        return self._found[bisect_right(self._starts, at_ms) - 1]

    def change_after(self, at_ms: Instant) -> Instant:
        """An instant after, before which nothing changes: the next change, or a day on."""
        self.at(at_ms)
        place = bisect_right(self._starts, at_ms)
        return self._starts[place] if place < len(self._starts) else self._known_ms

    def _begin(self, at_ms: Instant) -> None:
        self._known_ms = at_ms // _MINUTE_MS * _MINUTE_MS
        self._starts, self._found = [self._known_ms], [None]
        self._found[0] = containing(self.intervals, self.names, self._known_ms)

    def _look_ahead(self) -> None:
        """Ask at every minute of a day at which the answer can change."""
        first = self._known_ms // _MINUTE_MS
        edges = self._edges()
        for minute in range(first, first + _LOOK_AHEAD_MINUTES):
            if minute % _ZONE_STEP in edges:
                found = containing(self.intervals, self.names, minute * _MINUTE_MS)
                if found != self._found[-1]:
                    self._starts.append(minute * _MINUTE_MS)
                    self._found.append(found)
        self._known_ms = (first + _LOOK_AHEAD_MINUTES) * _MINUTE_MS

    def _edges(self) -> frozenset[int]:
        """The minutes, modulo a quarter of an hour, at which a wall clock can reach an edge."""
        named = (interval for name in self.names for interval in self.intervals[name])
        times = (edge for one in named for span in one.times or () for edge in span)
        return frozenset({0, *(edge % _ZONE_STEP for edge in times)})
