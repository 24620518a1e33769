"""``lab rules``: rule files checked, tested, and evaluated over the past."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_research_lab.promql.values import Grid

app = typer.Typer(help="Check, test and evaluate Prometheus rule files.", no_args_is_help=True)
Files = Annotated[list[Path], typer.Argument(help="Rule files.")]

WIDTH = 60
MARKS = {"pending": "▒", "firing": "█"}
QUIET = "·"


@app.command(epilog="Example: lab rules check rules/*.yml")
def check(files: Files, as_json: Json = False) -> None:
    """Read rule files as Prometheus does; every finding with its line and column."""
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.commands.metrics.ruling import load_rules

    loaded = load_rules(files)
    rows = [
        {
            "file": one.file,
            "group": one.group.name,
            "alerts": sum(rule.kind == "alert" for rule in one.group.rules),
            "records": sum(rule.kind == "record" for rule in one.group.rules),
        }
        for one in loaded
    ]
    if as_json:
        print_json(rows)
        return
    columns = {
        name: lambda row, name=name: row[name] for name in ("file", "group", "alerts", "records")
    }
    print_table(rows, columns, "No group.")


@app.command("eval", epilog="Example: lab rules eval --from -1d rules.yml")
def evaluate(
    files: Files,
    start: Annotated[str, typer.Option("--from", help="The first tick: -1d, say.")],
    end: Annotated[str, typer.Option("--to", help="The last tick; now, when left out.")] = "now",
    interval: Annotated[str, typer.Option("--interval", help="Of groups that give none.")] = "1m",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Evaluate rules over the lab's own past: when which alert would have been in which state."""
    from llm_research_lab.cli.metrics.spans import span
    from llm_research_lab.cli.rendering import note, print_json
    from llm_research_lab.commands.metrics.replaying import evaluate_files
    from llm_research_lab.service.metrics_store import open_series
    from llm_research_lab.vocabulary.durations import parse_duration

    grid = span(start, end)
    with open_series(settings_of(data_dir), write=False) as store:
        found = evaluate_files(store, files, grid.start_ms, grid.end_ms, parse_duration(interval))
    if as_json:
        print_json(found.told())
        return
    _picture(found.intervals, grid)
    _records(found.records)
    for failed in found.failures:
        note(failed)


@app.command("test", epilog="Example: lab rules test tests/*.yml")
def unit_test(
    files: Annotated[list[Path], typer.Argument(help="Unit tests in promtool's format.")],
    compat: Annotated[int, typer.Option(min=2, max=3, help="Semantics of Prometheus 2 or 3.")] = 3,
    as_json: Json = False,
) -> None:
    """Run promtool's unit tests for rules; status 1 when any fails."""
    from llm_research_lab.cli.rendering import print_json
    from llm_research_lab.commands.metrics.testing import run_file

    reports = {str(file): run_file(file, compat) for file in files}
    if as_json:
        print_json({name: list(report.failures) for name, report in reports.items()})
    else:
        for name, report in reports.items():
            typer.echo(report.printed(name), nl=False)
    raise typer.Exit(1 if any(report.failures for report in reports.values()) else 0)


def _picture(intervals: Sequence[Any], grid: Grid) -> None:
    """Draw each alert's states over the range."""
    from llm_research_lab.cli.metrics.querying import named
    from llm_research_lab.cli.rendering import note, print_table
    from llm_research_lab.vocabulary import rfc3339

    rows: dict[tuple[str, str], list[Any]] = {}
    for one in intervals:
        labels = {name: value for name, value in one.labels if name != "alertname"}
        rows.setdefault((one.rule, named(labels)), []).append(one)
    columns = {
        "alert": lambda row: row[0][0],
        "labels": lambda row: row[0][1],
        "over time": lambda row: drawn(row[1], grid),
        "fired": lambda row: sum(one.state == "firing" for one in row[1]),
        "first": lambda row: rfc3339(min(one.from_ms for one in row[1]))[:19],
    }
    print_table(sorted(rows.items()), columns, "No alert was pending or firing.")
    span = f"{rfc3339(grid.start_ms)} to {rfc3339(grid.end_ms)}"
    note(f"from {span}; {MARKS['pending']} pending, {MARKS['firing']} firing")


def drawn(intervals: Sequence[Any], grid: Grid, width: int = WIDTH) -> str:
    """Draw states as a line of marks: firing hides pending within one column."""
    length = max(1, grid.end_ms - grid.start_ms)
    line = [QUIET] * width
    for state in ("pending", "firing"):
        for one in intervals:
            if one.state == state:
                first = int((one.from_ms - grid.start_ms) * width / length)
                until = grid.end_ms if one.to_ms is None else one.to_ms
                last = int((until - grid.start_ms) * width / length)
                for at in range(max(0, first), min(width - 1, max(first, last)) + 1):
                    line[at] = MARKS[state]
    return "".join(line)


def _records(records: dict[str, int]) -> None:
    from llm_research_lab.cli.rendering import print_table

    if records:
        columns = {"record": lambda row: row[0], "samples": lambda row: f"{row[1]:,}"}
        print_table(sorted(records.items()), columns, "")
