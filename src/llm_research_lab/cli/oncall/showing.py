"""``lab oncall who|show|gaps|fairness``: tables for people, JSON with instants in UTC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.oncall.rosters import File, Schedules, chosen, load
from llm_research_lab.cli.oncall.times import Viewer, Zone, say, viewer
from llm_research_lab.cli.options import Json

if TYPE_CHECKING:
    from llm_research_lab.oncall import Gap, Overlap, Paged, Roster, Shift

At = Annotated[str, typer.Option("--at", help="now, -1h, +2w, RFC 3339, or a time of the zone.")]
From = Annotated[str, typer.Option("--from", help="The span's start.")]
To = Annotated[str, typer.Option("--to", help="The span's end, which is not within.")]

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


def who(
    roster: File,
    schedule: Schedules = None,
    at: At = "now",
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Say who is on call at an instant, past or to come, until when, and why."""
    from llm_research_lab.cli.rendering import print_json, print_table

    seen, known = viewer(zone), load(roster)
    at_ms = seen.read(at)
    rows = [_on(known, name, at_ms) for name in chosen(known, schedule)]
    if as_json:
        from llm_research_lab.vocabulary import rfc3339

        told = [row for row, _ in rows]
        print_json({"at": rfc3339(at_ms), "zone": seen.clock.zone, "schedules": told})
        return
    columns = {
        "schedule": lambda row: row[0]["schedule"],
        "on call": lambda row: row[0]["name"],
        "until": lambda row: "more than a year" if row[1] is None else seen.show(row[1]),
        "their time": lambda row: row[0]["local_time"],
        "why": lambda row: row[0]["reason"],
    }
    print_table(rows, columns, "No schedule.")
    say(seen)


def _on(roster: Roster, schedule: str, at_ms: int) -> tuple[dict[str, Any], int | None]:
    """Answer for one schedule, and say until when: None is more than a year."""
    from llm_research_lab.oncall import clock_of, gaps, shifts
    from llm_research_lab.oncall import who as ask
    from llm_research_lab.vocabulary import rfc3339

    person, reason = ask(roster, schedule, at_ms)
    ahead = (shifts if person else gaps)(roster, schedule, at_ms, at_ms + YEAR_MS)
    end_ms = ahead[0].end_ms if ahead[0].end_ms < at_ms + YEAR_MS else None
    local = Viewer(clock_of(person.time_zone), at_ms).show(at_ms) if person else None
    told = {
        "schedule": schedule,
        "user": person and person.id,
        "name": person.name if person else "nobody",
        "until": None if end_ms is None else rfc3339(end_ms),
        "local_time": local and f"{local} {person.time_zone if person else ''}",
        "reason": str(reason),
        "kind": type(reason).__name__,
    }
    return told, end_ms


def show(
    roster: File,
    schedule: Schedules = None,
    start: From = "now",
    end: To = "+4w",
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Show the shifts of a span, and the gaps between them, with why."""
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.oncall import gaps, shifts

    seen, known = viewer(zone), load(roster)
    from_ms, to_ms = seen.span(start, end)
    rows: list[Shift | Gap] = []
    for name in chosen(known, schedule):
        found: list[Shift | Gap] = list(shifts(known, name, from_ms, to_ms))
        found += gaps(known, name, from_ms, to_ms)
        rows += sorted(found, key=lambda one: one.start_ms)
    if as_json:
        print_json([_told(one) for one in rows])
        return
    columns = {
        "schedule": lambda one: one.schedule,
        "from": lambda one: seen.show(one.start_ms),
        "to": lambda one: seen.show(one.end_ms),
        "hours": _hours,
        "on call": lambda one: getattr(getattr(one, "person", None), "name", "nobody"),
        "why": lambda one: one.reason,
    }
    print_table(rows, columns, "No schedule.")
    say(seen)


def _told(one: Shift | Gap) -> dict[str, Any]:
    from llm_research_lab.oncall import Shift
    from llm_research_lab.vocabulary import rfc3339

    person = one.person if isinstance(one, Shift) else None
    return {
        "schedule": one.schedule,
        "start": rfc3339(one.start_ms),
        "end": rfc3339(one.end_ms),
        "user": person and person.id,
        "name": person and person.name,
        "reason": str(one.reason),
        "kind": type(one.reason).__name__,
    }


def _hours(one: Any) -> str:
    return f"{(one.end_ms - one.start_ms) / HOUR_MS:g}"


def gaps(
    roster: File,
    schedule: Schedules = None,
    start: From = "now",
    end: To = "+365d",
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """List where nobody is on call, and where one person has two schedules: a year ahead."""
    from itertools import combinations

    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.oncall import gaps as find_gaps
    from llm_research_lab.oncall import overlaps

    seen, known = viewer(zone), load(roster)
    from_ms, to_ms = seen.span(start, end)
    names = chosen(known, schedule)
    alone = [gap for name in names for gap in find_gaps(known, name, from_ms, to_ms)]
    twice = [
        one for pair in combinations(names, 2) for one in overlaps(known, *pair, from_ms, to_ms)
    ]
    if as_json:
        told = {"gaps": [_told(one) for one in alone], "overlaps": [_doubled(one) for one in twice]}
        print_json(told)
        return
    columns = {
        "what": lambda one: "gap" if one in alone else "overlap",
        "schedule": lambda one: one.schedule if one in alone else " and ".join(one.schedules),
        "from": lambda one: seen.show(one.start_ms),
        "to": lambda one: seen.show(one.end_ms),
        "hours": _hours,
        "why": lambda one: one.reason if one in alone else f"{one.user} is on both",
    }
    print_table([*alone, *twice], columns, "No gap and no overlap.")
    say(seen)


def _doubled(one: Overlap) -> dict[str, Any]:
    from llm_research_lab.vocabulary import rfc3339

    return {
        "user": one.user,
        "schedules": list(one.schedules),
        "start": rfc3339(one.start_ms),
        "end": rfc3339(one.end_ms),
    }


def fairness(
    roster: File,
    schedule: Schedules = None,
    start: From = "-90d",
    end: To = "now",
    pages: Annotated[
        Path | None,
        typer.Option("--pages", help="What lab replay --json printed, or a list of {user, at}."),
    ] = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Say what each person had: shifts, hours, nights, weekend days, holidays, pages."""
    from dataclasses import asdict

    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.oncall import fairness as shares

    seen, known = viewer(zone), load(roster)
    from_ms, to_ms = seen.span(start, end)
    told = _pages(pages, seen) if pages else []
    rows = shares(known, chosen(known, schedule), from_ms, to_ms, told)
    if as_json:
        print_json([asdict(one) for one in rows])
        return
    columns = {
        "person": lambda one: one.name,
        "shifts": lambda one: one.shifts,
        "hours": lambda one: f"{one.on_call_ms / HOUR_MS:g}",
        "nights": lambda one: one.nights,
        "weekend days": lambda one: one.weekend_days,
        "holidays": lambda one: one.holidays,
        "pages": lambda one: one.pages,
        "at night": lambda one: one.night_pages,
    }
    print_table(rows, columns, "Nobody was on call.")
    say(seen)


def _pages(file: Path, seen: Viewer) -> list[Paged]:
    """Read who was paged when. Raises InvalidError."""
    from llm_research_lab.cli.reading import read_document
    from llm_research_lab.oncall import Paged
    from llm_research_lab.vocabulary import InvalidError

    listed = read_document(file).value
    if isinstance(listed, dict) and isinstance(listed.get("woken"), list):
        listed = listed["woken"]  # what lab replay --json printed
    fix = 'write [{"user": "ann", "at": "2026-01-05T03:00:00Z"}]'
    if not isinstance(listed, list):
        raise InvalidError(str(file), "a list of pages", type(listed).__name__, fix)
    found: list[Paged] = []
    for index, one in enumerate(listed):
        if not (isinstance(one, dict) and {"user", "at"} <= set(one)):
            raise InvalidError(f"{file}: item {index}", "user and at", repr(one)[:60], fix)
        found.append(Paged(str(one["user"]), seen.read(str(one["at"]))))
    return found


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: lab oncall who roster.yml --at 2026-03-29T02:30")(who)
    app.command(epilog="Example: lab oncall show roster.yml --to +8w --zone Europe/Berlin")(show)
    app.command(epilog="Example: lab oncall gaps roster.yml")(gaps)
    app.command(epilog="Example: lab oncall fairness roster.yml --from 2026-01-01")(fairness)
