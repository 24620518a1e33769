"""Times as the viewer types and reads them: in their zone, and the zone is said."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llm_research_lab.oncall import Clock

Zone = Annotated[
    str | None, typer.Option("--zone", help="The zone of all times, Europe/Berlin say; else yours.")
]
Days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: their zone's clock, and their now."""

    clock: Clock
    now_ms: int

    def read(self, text: str) -> int:
        """Read an instant: now, -1h, +2w, seconds, RFC 3339, a local date or time.

        Raises InvalidError for what is none, or lies outside the years that rosters know.
        """
        from llm_research_lab.oncall import parsed_moment
        from llm_research_lab.oncall.clock import DAY_MS, FIRST_MS, LAST_MS
        from llm_research_lab.vocabulary import InvalidError

        moment = parsed_moment(text)
        at_ms = self._from_now(text) if moment is None else moment.instant(self.clock)
        if at_ms is None or not FIRST_MS + DAY_MS <= at_ms < LAST_MS - DAY_MS:
            expected = "an instant from 1970 to 2099: now, -1h, +2w, RFC 3339, a local date or time"
            raise InvalidError("instant", expected, repr(text[:60]), "write it so")
        return at_ms

    def _from_now(self, text: str) -> int | None:
        """Read now, a duration before or after it, or seconds since 1970."""
        from llm_research_lab.vocabulary.durations import parse_duration

        if text == "now":
            return self.now_ms
        if text[:1] in {"-", "+"}:
            length_ms = parse_duration(text[1:])
            return self.now_ms + (length_ms if text[0] == "+" else -length_ms)
        return int(text) * 1000 if text.isascii() and text.isdigit() else None

    def span(self, start: str, end: str) -> tuple[int, int]:
        """Read a span whose end is after its start. Raises InvalidError."""
        from llm_research_lab.vocabulary import InvalidError

        begin, until = self.read(start), self.read(end)
        if until <= begin:
            raise InvalidError("--to", "an instant after --from", end, "swap them")
        return begin, until

    def show(self, at_ms: int) -> str:
        """Write an instant as the viewer's wall has it: ``Mon 2026-01-05 09:00``."""
        wall_ms = self.clock.wall(at_ms)
        moment = datetime.fromtimestamp(wall_ms // 1000, UTC)
        seconds = f":{moment:%S}" if moment.second else ""
        return f"{Days[moment.weekday()]} {moment:%Y-%m-%d %H:%M}{seconds}"


def viewer(zone: str | None) -> Viewer:
    """Give the viewer of now: --zone, else TZ, else the machine's zone, else UTC."""
    from llm_research_lab.oncall import clock_of, zone_names
    from llm_research_lab.vocabulary import InvalidError

    name = _own() if zone is None else zone
    if name not in zone_names():
        fix = "write it as in the IANA's list: Europe/Berlin, America/New_York, Etc/UTC"
        raise InvalidError("--zone", "a time zone", repr(name), fix)
    return Viewer(clock_of(name), time.time_ns() // 1_000_000)


def _own() -> str:
    """Find the machine's zone by its name."""
    from llm_research_lab.oncall import zone_names

    told = os.environ.get("TZ", "").removeprefix(":")
    if told in zone_names():
        return told
    linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return linked if linked in zone_names() else "Etc/UTC"


def say(seen: Viewer) -> None:
    """Say beside a table which zone its times are in."""
    from llm_research_lab.cli.rendering import note

    note(f"times in {seen.clock.zone}")
