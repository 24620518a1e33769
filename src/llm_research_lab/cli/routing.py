"""``lab route``: an Alertmanager's routes, shown and tested."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_research_lab.alerting.notifying import Configuration, Decision
    from llm_research_lab.vocabulary.labels import Labels

app = typer.Typer(help="Show and test an Alertmanager's routes.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="An alertmanager.yml.")]


@app.command(epilog="Example: lab route show alertmanager.yml")
def show(file: File, as_json: Json = False) -> None:
    """Show the tree of routes with what acts in each, inherited or its own."""
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.commands.routing import shown

    rows = shown(_read(file).route)
    if as_json:
        print_json(rows)
        return
    print_table(rows, _COLUMNS, "No route.")


@app.command(
    "test", epilog="Example: lab route test alertmanager.yml severity=P2 --at 2026-03-04T03:00:00Z"
)
def ask_routes(
    file: File,
    labels: Annotated[
        list[str] | None, typer.Argument(help="The alert: severity=P1 alertname=Down …")
    ] = None,
    at: Annotated[str, typer.Option("--at", help="The instant; now without it.")] = "now",
    firing: Annotated[
        list[str] | None, typer.Option("--firing", help="Another alert: alertname=Down,job=api.")
    ] = None,
    silence: Annotated[
        list[str] | None, typer.Option("--silence", help="Matchers of a silence: {job=~'a.*'}.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="A file of tests, in place of one alert.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say who would be told of an alert, or who would not and why; status 1 when a test fails."""
    from llm_research_lab.cli.metrics.spans import instant
    from llm_research_lab.commands.routing import Asked, ask, silence_of
    from llm_research_lab.vocabulary import InvalidError

    configuration, now_ms = _read(file), time.time_ns() // 1_000_000
    if table is not None:
        if labels:
            raise InvalidError("lab route test", "labels or --table", "both", "leave one out")
        _table(configuration, table, now_ms, as_json=as_json)
        return
    others = tuple(_labels(one.split(",")) for one in firing or ())
    silences = tuple(silence_of(one) for one in silence or ())
    asked = Asked(_labels(labels or []), instant(at, now_ms), others, silences)
    _print(ask(configuration, asked), as_json=as_json)


def _table(configuration: Configuration, table: Path, now_ms: int, *, as_json: bool) -> None:
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.commands.routing import read_table, run_table

    reports = run_table(configuration, read_table(table, now_ms))
    rows: list[dict[str, Any]] = [
        {"test": one.test.name, "failures": list(one.failures)} for one in reports
    ]
    if as_json:
        print_json(rows)
    else:
        result = {
            "test": lambda row: row["test"],
            "result": lambda row: "; ".join(row["failures"]) or "ok",
        }
        print_table(rows, result, "No test.")
    raise typer.Exit(1 if any(one.failures for one in reports) else 0)


def _print(decisions: Sequence[Decision], *, as_json: bool) -> None:
    from llm_research_lab.cli.rendering import print_json, print_table

    rows: list[dict[str, Any]] = [
        {
            "receiver": one.receiver.name,
            "told": one.muted is None and bool(one.receiver.integrations),
            "route": one.route.id,
            "group": dict(one.group_labels),
            "why": [str(reason) for reason in one.why],
        }
        for one in decisions
    ]
    if as_json:
        print_json(rows)
        return
    columns = {
        "receiver": lambda row: row["receiver"],
        "told": lambda row: "yes" if row["told"] else "no",
        "why": lambda row: row["why"][-1] if not row["told"] else row["why"][0],
    }
    print_table(rows, columns, "No route takes it.")


def _read(file: Path) -> Configuration:
    from llm_research_lab.cli.rendering import note
    from llm_research_lab.commands.replay.inputs import read_configuration

    configuration = read_configuration(file)
    for one in configuration.notes:
        note(f"{one.where}: {one.message}")
    return configuration


def _labels(words: Sequence[str]) -> Labels:
    """Read ``name=value`` words. Raises InvalidError."""
    from llm_research_lab.vocabulary import InvalidError
    from llm_research_lab.vocabulary.labels import labels_of

    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidError("labels", "name=value", repr(word), "write severity=P1, say")
        found[name] = value.strip('"')
    return labels_of(found)


def _waits(row: dict[str, Any]) -> str:
    from llm_research_lab.vocabulary.durations import format_duration

    names = ("group_wait_ms", "group_interval_ms", "repeat_interval_ms")
    return " / ".join(format_duration(row[name]) for name in names)


def _times(row: dict[str, Any]) -> str:
    active, mute = row["active_time_intervals"], row["mute_time_intervals"]
    words = [f"active {', '.join(active)}"] if active else []
    return "; ".join([*words, *([f"mute {', '.join(mute)}"] if mute else [])]) or "always"


_COLUMNS = {
    "route": lambda row: "  " * row["depth"] + (", ".join(row["matchers"]) or "(all)"),
    "receiver": lambda row: row["receiver"] + (" →" if row["continue"] else ""),
    "grouped by": lambda row: ", ".join(row["group_by"]) or "nothing",
    "wait / interval / repeat": _waits,
    "when": _times,
}
