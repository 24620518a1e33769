"""``lab story``: all that is known of an experiment, in order of time."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from llm_research_lab.cli.options import DataDir, Json, client_of
from llm_research_lab.cli.traces import directory_of, milliseconds, titled

if TYPE_CHECKING:
    from pathlib import Path

    from llm_research_lab.service.client import Client
    from llm_research_lab.service.story import Item

ALIKE = 10
"""Spans of one name that are shown; --json has all."""

_COMMON = frozenset(
    {"timestamp", "level", "event", "message", "service", "version", "environment", "logger"}
    | {"file", "line", "thread", "experiment_id", "trace_id", "span_id"}
)
"""What each line has, or the story's head says once."""


def story(
    experiment: Annotated[str, typer.Argument(help="The experiment's id.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Tell an experiment's story: log lines, spans, exemplars, audit entries, by time.

    Without a running lab there are the log lines and the spans.
    """
    from llm_research_lab.cli.rendering import note, print_json, print_line
    from llm_research_lab.service.story import story as gather
    from llm_research_lab.vocabulary import NotFoundError

    directory = directory_of(data_dir)
    with _client(data_dir) as client:
        items, trace_id = gather(directory, experiment, client)
    if not items:
        fix = "lab experiment list shows their ids"
        raise NotFoundError("experiment", "one that left a trace", repr(experiment[:60]), fix)
    if as_json:
        told = [{"at": one.at, "kind": one.kind, "what": one.what} for one in items]
        print_json({"experiment_id": experiment, "trace_id": trace_id, "items": told})
        return
    if client is None:
        note("no lab runs here: audit entries and exemplars are missing")
    print_line(f"experiment {experiment}, trace {trace_id or '-'}")
    for line in _told(items):
        print_line(line)


@contextlib.contextmanager
def _client(data_dir: Path | None) -> Iterator[Client | None]:
    """Connect to the running lab, if there is one."""
    from llm_research_lab.vocabulary import UnavailableError

    try:
        client = client_of(data_dir)
    except UnavailableError:
        yield None
        return
    with client:
        yield client


def _told(items: Iterable[Item]) -> Iterator[str]:
    """Tell the items a line each; of many alike spans the first ones."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.kind == "span":
            name = item.what["name"]
            seen[name] += 1
            if name.startswith("database_") or seen[name] > ALIKE:
                continue
        yield f"{item.at}  {item.kind:<8}  {said(item)}"
    for name, count in seen.items():
        if count > ALIKE and not name.startswith("database_"):
            yield f"and {count - ALIKE} more spans {name}"


def said(item: Item) -> str:
    """Say in a line what an item says."""
    what = item.what
    match item.kind:
        case "log":
            rest = " ".join(f"{k}={v}" for k, v in what.items() if k not in _COMMON)
            return f"{what.get('level', ''):<5} {what.get('event', '')} {rest}".rstrip()
        case "span":
            failed = f" failed: {what['failure']}" if what["failure"] else ""
            return (
                f"{titled(what)} took {milliseconds(what['took_ns'])} ({what['process']}){failed}"
            )
        case "exemplar":
            return f"{what['metric']} {what['value']:g}"
        case "audit":
            by = f"by {what['user_id']} from {what['source_ip']}"
            return (
                f"{what['action']} {what['metadata'].get('event_type', '')} {by}: {what['outcome']}"
            )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("story", epilog="Example: lab story exp_01JF2Q…")(story)
