"""``lab why``: what became of an alert, and why, in plain words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from llm_research_lab.commands.alerting.explaining import Explained

SHOWN = 10
"""So many firings at one instant are printed; all of them are in --json."""


def why(
    alert: Annotated[str, typer.Argument(help="The alert's name.")],
    at: Annotated[str, typer.Option("--at", help="The instant: -2h, say; now without it.")] = "now",
    labels: Annotated[
        list[str] | None, typer.Option("--label", help="Of several, the one with it: name=value.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="What lab replay --json printed; else the lab's own record."),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Say when the alert fired, who was told of it and who was not, each with the reasons.

    Without --record it reads what `lab ops` has decided; the lab may run meanwhile.
    """
    from llm_research_lab.cli.metrics.spans import instant
    from llm_research_lab.cli.rendering import print_json
    from llm_research_lab.commands.alerting.explaining import explain

    at_ms, wanted = instant(at, time.time_ns() // 1_000_000), _labels(labels or [])
    if record is None:
        found = _live(data_dir, alert, at_ms, wanted)
    else:
        found = explain(_read(record), alert, at_ms, wanted)
    if as_json:
        print_json(found.told())
    else:
        _print(found, live=record is None)


def _live(data_dir: Path | None, alert: str, at_ms: int, labels: dict[str, str]) -> Explained:
    from llm_research_lab.commands.alerting.recorded import explain_live
    from llm_research_lab.storage import DataDirectory
    from llm_research_lab.storage.relational.readonly import read_only

    database = DataDirectory(settings_of(data_dir).data_dir).database
    with read_only(database) as connection:
        return explain_live(connection, alert, at_ms, labels)


def _read(record: Path) -> dict[str, Any]:
    """Read what a replay printed. Raises InvalidError for what is no record of one."""
    import json

    from llm_research_lab.cli.reading import read_text
    from llm_research_lab.vocabulary import InvalidError

    fix = "write it with: lab replay … --json > record.json"
    try:
        found = json.loads(read_text(record))
    except ValueError as error:
        raise InvalidError(str(record), "the JSON of a replay", str(error), fix) from error
    if not isinstance(found, dict) or not {"alerts", "pages", "woken"} <= found.keys():
        raise InvalidError(str(record), "alerts, pages and woken", "other JSON", fix)
    if any("heard" not in one for one in found["alerts"]):
        raise InvalidError(str(record), "what was heard of each alert", "an older record", fix)
    return found


def _labels(texts: list[str]) -> dict[str, str]:
    from llm_research_lab.vocabulary import InvalidError

    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidError("--label", "name=value", repr(text[:60]), "--label job=api, say")
        found[name] = value
    return found


def _print(found: Explained, *, live: bool) -> None:
    from llm_research_lab.cli.rendering import note, print_line, print_table
    from llm_research_lab.vocabulary import rfc3339

    for one in found.unknown:
        note(f"not known: {one}")
    for place, (row, steps) in enumerate(found.firings[:SHOWN]):
        print_line(("\n" if place else "") + _headline(found.alert, row))
        print_table(steps, _STEPS, "")
    if len(found.firings) > SHOWN:
        note(f"and {len(found.firings) - SHOWN} more: name one with --label, or see --json")
    if not found.firings:
        print_line(f"{found.alert} did not fire at {_short(rfc3339(found.at_ms))}.")
        _nearest(found)
    if live and any(step.what == "woken" for _, steps in found.firings for step in steps):
        note("the lab decides and records: nothing is sent yet, nobody was woken by it")


def _nearest(found: Explained) -> None:
    """Say when it last fired before the instant, and when next."""
    from llm_research_lab.cli.rendering import print_line

    for word, row in (("last", found.last), ("next", found.next)):
        if row is None:
            print_line(f"  {word}: never in the record")
        else:
            print_line(f"  {word}: {_span(row)} {_braced(row['labels'])}")


def _headline(alert: str, row: Any) -> str:
    return f"{alert} {_braced(row['labels'])} fired {_span(row)}"


def _braced(labels: dict[str, str]) -> str:
    told = (f'{name}="{value}"' for name, value in labels.items() if name != "alertname")
    return "{" + ", ".join(told) + "}"


def _span(row: Any) -> str:
    to = "now, or the record's end" if row["to"] is None else _short(row["to"])
    return f"from {_short(row['from'])} to {to}"


def _short(at: str) -> str:
    """Leave out a fraction of a second that says nothing."""
    return at.replace(".000Z", "Z").replace("T", " ")


_STEPS = {
    "when": lambda step: _short(step.at),
    "what": lambda step: step.what,
    "whom": lambda step: step.whom,
    "why": lambda step: "; ".join(step.why),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", epilog="Example: lab why HighErrorRate --at -2h --label job=api")(why)
