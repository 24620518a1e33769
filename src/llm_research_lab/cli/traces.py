"""``lab trace``: a kept trace as a tree with times and bars, or the slowest of the last hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from llm_research_lab.storage import DataDirectory
    from llm_research_lab.telemetry.trees import Branch

SLOWEST = 10
BAR = 32
NS_IN_MS = 1_000_000


def trace(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="A trace's id or its beginning, a request's or an experiment's id; "
            "with --slowest, how many.",
        ),
    ] = None,
    slowest: Annotated[
        bool, typer.Option("--slowest", help="List the longest traces of the last hour.")
    ] = False,
    logs: Annotated[
        bool, typer.Option("--logs", help="Show the log lines that the trace left, too.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Fold no alike siblings.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show a kept trace: what was done, when and how long, over all processes.

    Kept are one in ten, all errors, all that took over 100 ms, and all experiments. The lab need
    not run.
    """
    directory = directory_of(data_dir)
    if slowest or wanted is None:
        _print_slowest(directory, _count(wanted), as_json=as_json)
    else:
        _print_trace(directory, wanted, logs=logs, every=every, as_json=as_json)


def directory_of(data_dir: Path | None) -> DataDirectory:
    """Give the data directory that is meant; it is only read."""
    from llm_research_lab.storage import DataDirectory

    return DataDirectory(settings_of(data_dir).data_dir)


def _count(wanted: str | None) -> int:
    from llm_research_lab.vocabulary import InvalidError

    if wanted is None:
        return SLOWEST
    if not wanted.isascii() or not wanted.isdigit() or int(wanted) < 1:
        fix = "lab trace --slowest 10, or lab trace ID"
        raise InvalidError("--slowest", "how many traces", repr(wanted[:80]), fix)
    return int(wanted)


def _print_slowest(directory: DataDirectory, most: int, *, as_json: bool) -> None:
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.service.story import Item
    from llm_research_lab.telemetry.span_store import read_spans
    from llm_research_lab.telemetry.trees import slowest

    found = slowest(read_spans(directory.traces), most)
    if as_json:
        print_json(found)
        return
    columns = {
        "trace": lambda one: one["trace_id"],
        "took": lambda one: milliseconds(one["took_ns"]),
        "what": titled,
        "failed": lambda one: one["failure"],
        "kept": lambda one: one["kept"],
        "when": lambda one: Item(one["start_ns"], "span", one).at,
    }
    print_table(found, columns, "No trace was kept in the last hour.")


def _print_trace(
    directory: DataDirectory, wanted: str, *, logs: bool, every: bool, as_json: bool
) -> None:
    from llm_research_lab.cli.rendering import print_json, print_line
    from llm_research_lab.cli.stories import said
    from llm_research_lab.service.story import log_lines, trace_of

    spans = trace_of(directory, wanted)
    trace_id = spans[0]["trace_id"]
    lines = log_lines(directory.logs, [trace_id]) if logs else []
    if as_json:
        print_json({"trace_id": trace_id, "spans": spans, "logs": [one.what for one in lines]})
        return
    print_line(f"trace {trace_id}")
    print_tree(spans, every=every)
    for line in lines:
        print_line(f"{line.at}  {said(line)}")


def print_tree(spans: Sequence[Mapping[str, Any]], *, every: bool) -> None:
    """Print the spans as a tree, a line each: when, how long, and a bar along the whole."""
    from llm_research_lab.cli.rendering import print_table
    from llm_research_lab.telemetry.trees import bar, extent, folded, trees, walk

    start, total = extent(spans)
    forest = trees(spans)
    lines = list(walk(forest if every else folded(forest)))
    columns = {
        "span": lambda one: _titled_at(*one),
        "process": lambda one: one[1].span["process"],
        "at": lambda one: milliseconds(one[1].span["start_ns"] - start),
        "took": lambda one: milliseconds(one[1].span["took_ns"]),
        "": lambda one: bar(one[1].span, start, total, BAR),
        "failed": lambda one: one[1].span["failure"] or "",
    }
    print_table(lines, columns, "No spans.")


def _titled_at(depth: int, branch: Branch) -> str:
    more = f"  (+ {branch.hidden} alike)" if branch.hidden else ""
    return "  " * depth + titled(branch.span) + more


def titled(span: Mapping[str, Any]) -> str:
    """Name the span with what tells it from its like."""
    about = span["attributes"]
    if span["name"] == "http_request":
        path = about.get("http.route") or about.get("url.path")
        status = about.get("http.response.status_code")
        return f"http_request {about.get('http.request.method')} {path} {status}"
    if span["name"] == "execute_experiment":
        return f"execute_experiment {about.get('experiment_id')} {about.get('lab.status')}"
    if "lab.chunk_first" in about:
        last = about["lab.chunk_first"] + about["lab.chunk_count"] - 1
        return f"{span['name']} {about['lab.chunk_first']}-{last}"
    if "lab.sample" in about:
        return f"{span['name']} #{about['lab.sample']}"
    return str(span["name"])


def milliseconds(ns: int) -> str:
    """Write a duration for a person."""
    return f"{ns / NS_IN_MS:,.{2 if ns < NS_IN_MS else 1}f} ms"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace", epilog="Example: lab trace --slowest 5")(trace)
