"""A schedule's clock shows its zone's wall time and never goes back.

When the wall clock is set back, this one stands still until the wall clock has caught up; when it
is set forward, it jumps. So every wall time has exactly one instant: of two equal wall times the
first, and for a skipped one the moment of the jump. Times that follow each other on the wall
follow each other in fact, hence hand-overs leave no gap and no overlap on such days.

Wall times are milliseconds since 1970-01-01T00:00 of that wall; they are compared with each other
in one zone only. Source: GoAlert, schedule/rotation/rotation_test.go (its tables hold here too).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from llm_research_lab.vocabulary import Instant

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
THURSDAY_MS = 3 * DAY_MS
"""1970-01-01 was a Thursday: this long after its week's Monday."""

FIRST_MS = 0
"""1970-01-01, the first instant that a clock tells."""

LAST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""The first instant that a clock does not tell."""

_EVER = 1 << 62
_PROBE_SECONDS = 7 * 86_400
"""No zone changed its offset there and back within a week since 1970."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A zone's offsets: `offsets[i]` holds from the instant `starts[i]` on.

    `tops[i]` is the wall time that is not reached before the end of stretch i.
    """

    zone: str
    starts: tuple[Instant, ...]
    offsets: tuple[int, ...]
    tops: tuple[int, ...]

    def wall(self, at_ms: Instant) -> int:
        """What hangs on the wall at an instant."""
        return at_ms + self.offsets[bisect_right(self.starts, at_ms) - 1]

    def reading(self, at_ms: Instant) -> int:
        """What this clock shows: the greatest wall time that there was until now."""
        place = bisect_right(self.starts, at_ms) - 1
        shown = at_ms + self.offsets[place]
        return max(shown, self.tops[place - 1] - 1) if place else shown

    def instant(self, wall_ms: int) -> Instant:
        """When a wall time is reached for the first time, or jumped over."""
        place = bisect_right(self.tops, wall_ms)
        return max(self.starts[place], wall_ms - self.offsets[place])


@cache
def clock_of(zone: str) -> Clock:
    """Give the clock of an IANA zone from 1970 to 2100; KeyError when there is no such zone."""
    changes = _changes(packaged(zone))
    starts = tuple(start for start, _ in changes)
    offsets = tuple(offset for _, offset in changes)
    tops: list[int] = []
    for end, offset in zip((*starts[1:], _EVER), offsets, strict=True):
        tops.append(max((end + offset, *tops[-1:])))
    return Clock(zone, starts, offsets, tuple(tops))


@cache
def zone_names() -> frozenset[str]:
    """All zones of the time-zone data that the lab brings along."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(listed.split())


@cache
def packaged(zone: str) -> ZoneInfo:
    """Read from the tzdata package, never from the system: equal input, equal answer.

    Raises KeyError when there is no such zone.
    """
    if zone not in zone_names():
        raise KeyError(zone)
    place = resources.files("tzdata").joinpath("zoneinfo").joinpath(*zone.split("/"))
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, zone)


def _changes(zone: ZoneInfo) -> list[tuple[Instant, int]]:
    """Find all instants at which the offset changes, and the offset from then on."""
    first, last = FIRST_MS // 1000, LAST_MS // 1000
    found = [(-_EVER, _offset(zone, first))]
    for low in range(first, last, _PROBE_SECONDS):
        high = min(low + _PROBE_SECONDS, last)
        after = _offset(zone, high)
        if after != found[-1][1]:
            found.append((_change(zone, low, high) * 1000, after))
    return found


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """Halve until the first second of the new offset stands alone."""
    after = _offset(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == after:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, at_seconds: int) -> int:
    offset = datetime.fromtimestamp(at_seconds, zone).utcoffset() or timedelta()
    return int(offset.total_seconds()) * 1000
