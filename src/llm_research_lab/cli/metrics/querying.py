"""``lab query``: an expression's answer as a table, JSON, or bars over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from llm_research_lab.promql.values import Grid

At = Annotated[
    str | None,
    typer.Option("--at", help="The instant: now, -1h, seconds since 1970, RFC 3339."),
]
From = Annotated[str | None, typer.Option("--from", help="The range's start: -1h, say.")]
To = Annotated[str | None, typer.Option("--to", help="The range's end; now, when left out.")]
Step = Annotated[str | None, typer.Option("--step", help="Between two instants: 15s, say.")]


def query(
    expression: Annotated[str, typer.Argument(help="A PromQL expression.")],
    at: At = None,
    start: From = None,
    end: To = None,
    step: Step = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Ask the lab's metrics: at one instant, or over a range as a chart.

    Asks the `lab ops` that runs on the directory; without one, reads the directory's store.
    """
    from llm_research_lab.cli.metrics.spans import grid as read_grid
    from llm_research_lab.cli.rendering import note, print_json
    from llm_research_lab.service.metrics_client import ask

    grid = read_grid(at, start, end, step)
    data = ask(settings_of(data_dir), expression, grid)
    if as_json:
        print_json(data["data"])
        return
    for text in (*data.get("warnings", ()), *data.get("infos", ())):
        note(text)
    print_answer(data["data"], grid)


def print_answer(data: dict[str, Any], grid: Grid) -> None:
    """Print an answer of Prometheus's shape for a person."""
    from llm_research_lab.cli.rendering import print_line, print_table

    kind, result = data["resultType"], data["result"]
    if kind in {"scalar", "string"}:
        print_line(result[1])
    elif kind == "vector":
        columns = {"series": lambda one: named(one["metric"]), "value": lambda one: one["value"][1]}
        print_table(result, columns, "No series.")
    else:
        _print_ranges(result, grid)


def _print_ranges(result: list[dict[str, Any]], grid: Grid) -> None:
    from llm_research_lab.cli.metrics.charts import bounds, sparkline
    from llm_research_lab.cli.rendering import note, print_table
    from llm_research_lab.vocabulary import rfc3339
    from llm_research_lab.vocabulary.durations import format_duration

    rows = [_aligned(one["values"], grid) for one in result]
    low, high = bounds(rows)
    shown = list(zip(result, rows, strict=True))
    columns = {
        "series": lambda pair: named(pair[0]["metric"]),
        "over time": lambda pair: sparkline(pair[1], low, high),
        "least": lambda pair: bounds([pair[1]])[0],
        "greatest": lambda pair: bounds([pair[1]])[1],
        "last": lambda pair: pair[0]["values"][-1][1],
    }
    print_table(shown, columns, "No series.")
    step = format_duration(grid.step_ms)
    note(f"from {rfc3339(grid.start_ms)} to {rfc3339(grid.end_ms)}, a step of {step}")


def _aligned(samples: list[list[Any]], grid: Grid) -> list[float | None]:
    """Put the samples on the grid's instants; an instant query's range keeps its own."""
    if grid.step_ms <= 0:
        return [float(value) for _, value in samples]
    row: list[float | None] = [None] * grid.count
    for time, value in samples:
        row[round((time * 1000 - grid.start_ms) / grid.step_ms)] = float(value)
    return row


def named(metric: dict[str, str]) -> str:
    """Write a series as an expression would: ``name{label="value"}``."""
    rest = ", ".join(f'{k}="{v}"' for k, v in sorted(metric.items()) if k != "__name__")
    name = metric.get("__name__", "")
    return f"{name}{{{rest}}}" if rest or not name else name


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = "Example: lab query 'sum by (status) (rate(api_request_total[5m]))' --from -1h"
    app.command("query", epilog=example)(query)
