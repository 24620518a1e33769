# ruff: noqa: DTZ001 - a wall time has no zone; that is what is tested
"""The slow, obvious model: walk the minutes, look at the wall, and note what happens.

Nothing here knows of turns as arithmetic, of windows or of boundaries. The wall is read with
zoneinfo at every step; a wall that is set back is not looked at until it shows a new time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.unit.oncall.planted import zone_of


@dataclass
class SlowLayer:
    """A layer as a person would write it: naive local times, minutes."""

    users: str
    zone: str
    start: datetime
    end: datetime | None
    origin: datetime
    turn: int
    restrictions: list  # (weekdays, minute of the day, minutes)
    wall: datetime = None
    counted: int = 0
    touched: bool = False
    known: dict = field(default_factory=dict)
    in_force: tuple = ()

    def restricted(self, wall):
        """Whether the layer may have somebody on at a wall time; asked once a minute of the week."""
        place = wall.weekday(), wall.hour, wall.minute
        if place not in self.known:
            self.known[place] = not self.restrictions or self._in_a_window(wall)
        return self.known[place]

    def _in_a_window(self, wall):
        """Look at every window that began within the last nine days."""
        midnight = datetime(wall.year, wall.month, wall.day)
        for weekdays, minute, length in self.restrictions:
            for back in range(9):
                day = midnight - timedelta(days=back)
                begin = day + timedelta(minutes=minute)
                if day.weekday() in weekdays and begin <= wall < begin + timedelta(minutes=length):
                    return True
        return False

    def unit(self):
        if self.turn % (7 * 24 * 60) == 0:
            return 7 * 24 * 60
        return 24 * 60 if self.turn % (24 * 60) == 0 else self.turn

    def look(self, instant, step):
        """Take in the wall at an instant: every wall time that is new, in order."""
        wall = instant.astimezone(zone_of(self.zone)).replace(tzinfo=None)
        if self.wall is None:
            self.wall = self.origin - timedelta(minutes=step)
        while self.wall < wall:
            self.wall += timedelta(minutes=step)
            passed = int((self.wall - self.origin).total_seconds()) // 60
            if passed % self.unit() == 0:  # a new stretch begins
                self.counted += self.touched
                self.touched = False
            self.touched = self.touched or self.restricted(self.wall)

    def user(self, instant):
        """Who has the turn, of the wall that was looked at last."""
        if not self.in_force:
            ends = self.end and _first_at(self.zone, self.end)
            self.in_force = (_first_at(self.zone, self.start), ends)
        start, end = self.in_force
        if instant < start or (end and instant >= end) or not self.restricted(self.wall):
            return None
        turn = self.counted // (self.turn // self.unit())
        return self.users[turn % len(self.users)]


def _first_at(zone, wall):
    """The first quarter of an hour at which the wall has come to a time."""
    moment = (wall - timedelta(hours=30)).replace(tzinfo=UTC)
    while moment.astimezone(zone_of(zone)).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=15)
    return moment


@dataclass
class SlowSchedule:
    layers: list
    overrides: list = field(default_factory=list)  # (user, first minute, minute after the last)
    absences: list = field(default_factory=list)

    def walk(self, first, last, step):
        """Who is on at every step, from first to last."""
        begin = min((one.origin.replace(tzinfo=UTC) for one in self.layers), default=first)
        moment = min(begin - timedelta(hours=30), first)
        while moment < last:
            for one in self.layers:
                one.look(moment, step)
            if moment >= first:
                yield moment, self._on(moment)
            moment += timedelta(minutes=step)

    def _on(self, moment):
        away = {user for user, begin, end in self.absences if begin <= moment < end}
        for user, begin, end in reversed(self.overrides):
            if begin <= moment < end and user not in away:
                return user
        for one in reversed(self.layers):
            user = one.user(moment)
            if user is not None and user not in away:
                return user
        return None
