"""``lab oncall ical``: shifts to a calendar, and a calendar's events to overrides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from llm_research_lab.cli.oncall.rosters import File, chosen, load
from llm_research_lab.cli.oncall.showing import From, To
from llm_research_lab.cli.oncall.times import Zone, viewer
from llm_research_lab.cli.options import Json


def ical(
    roster: File,
    schedule: Annotated[str, typer.Option("--schedule", help="The schedule.")],
    start: From = "now",
    end: To = "+365d",
    user: Annotated[str | None, typer.Option("--user", help="This person's shifts alone.")] = None,
    read: Annotated[
        Path | None, typer.Option("--read", help="A calendar file to print as overrides.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write there instead.")] = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Print a schedule's shifts as iCalendar; with --read, a calendar's events as overrides."""
    from llm_research_lab.oncall import shifts, write_ical

    seen, known = viewer(zone), load(roster)
    (name,) = chosen(known, [schedule])
    if read is not None:
        _print_overrides(roster, read, name, seen.now_ms, as_json=as_json)
        return
    from_ms, to_ms = seen.span(start, end)
    listed = shifts(known, name, from_ms, to_ms)
    text = write_ical(name, [one for one in listed if user in {None, one.person.id}], seen.now_ms)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_bytes(text.encode())


def _print_overrides(
    roster: Path, calendar: Path, schedule: str, now_ms: int, *, as_json: bool
) -> None:
    """Print what goes below `overrides:` of a roster. Raises InvalidError for what is not read."""
    from llm_research_lab.cli.reading import read_text, refused
    from llm_research_lab.cli.rendering import print_json
    from llm_research_lab.oncall import read_ical
    from llm_research_lab.vocabulary import rfc3339

    overrides, findings = read_ical(read_text(calendar), load(roster), schedule, now_ms)
    if findings:
        raise refused(calendar, findings)
    rows = [
        {
            "schedule": one.schedule,
            "user": one.user,
            "start": rfc3339(one.start_ms).replace(".000Z", "Z"),
            "end": rfc3339(one.end_ms).replace(".000Z", "Z"),
        }
        for one in overrides
    ]
    if as_json:
        print_json(rows)
        return
    typer.echo("overrides:" if rows else "overrides: []")
    for row in rows:
        typer.echo(f"  - {json.dumps(row, ensure_ascii=False)}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "Example: lab oncall ical roster.yml --schedule primary --out oncall.ics"
    app.command(epilog=example)(ical)
