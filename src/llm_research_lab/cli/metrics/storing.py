"""``lab tsdb``: what the store of metrics holds, whether it is whole, and samples in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

app = typer.Typer(
    help="Look after the store of metrics: status, verify, snapshot, compact, import, export.",
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(help="A file that ends in .om, .txt, .prom or .parquet.")]


@app.command(epilog="Example: lab tsdb status --json")
def status(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show how much is kept, since when, and what was found damaged."""
    from llm_research_lab.cli.rendering import print_fields, print_json
    from llm_research_lab.service.metrics_store import open_series
    from llm_research_lab.vocabulary import rfc3339

    with open_series(settings_of(data_dir), write=False) as store:
        found = store.status()
    first, last = (None if one is None else rfc3339(one) for one in (found.first_ms, found.last_ms))
    fields = {
        "series in the head": found.head_series,
        "samples in the head": found.head_samples,
        "blocks": found.blocks,
        "samples in blocks": found.block_samples,
        "bytes in blocks": found.block_bytes,
        "bytes in the log": found.log_bytes,
        "first sample": first,
        "last sample": last,
        "damaged": [f"{one.where}: {one.message}" for one in found.findings],
    }
    if as_json:
        print_json({name.replace(" ", "_"): value for name, value in fields.items()})
    else:
        print_fields(fields | {"damaged": fields["damaged"] or None})


@app.command(epilog="Example: lab tsdb verify")
def verify(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Read every block and the log; status 1 when anything is not as it was written."""
    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.service.metrics_store import open_series

    with open_series(settings_of(data_dir), write=False) as store:
        found = store.verify()
    if as_json:
        print_json([{"where": one.where, "message": one.message, "fix": one.fix} for one in found])
    else:
        columns = {
            "where": lambda one: one.where,
            "damage": lambda one: one.message,
            "fix": lambda one: one.fix,
        }
        print_table(found, columns, "Everything is as it was written.")
    raise typer.Exit(1 if found else 0)


@app.command(epilog="Example: lab tsdb snapshot /backup/metrics-2026-01-02")
def snapshot(
    place: Annotated[Path, typer.Argument(help="A directory that does not exist yet.")],
    data_dir: DataDir = None,
) -> None:
    """Make a consistent copy, of links where the file system has them; the lab may run."""
    from llm_research_lab.cli.rendering import print_line
    from llm_research_lab.service.metrics_client import snapshot as take
    from llm_research_lab.vocabulary import ConflictError

    if place.exists():
        raise ConflictError(f"path {place}", "a directory to be made", "one there", "name another")
    take(settings_of(data_dir), place.absolute())
    print_line(f"snapshot at {place}")


@app.command(epilog="Example: lab tsdb compact")
def compact(data_dir: DataDir = None) -> None:
    """Join blocks, carry out deletes and retention now; the lab may run."""
    from llm_research_lab.cli.rendering import print_line
    from llm_research_lab.service.metrics_client import compact as join

    join(settings_of(data_dir))
    print_line("compacted")


@app.command("import", epilog="Example: lab tsdb import history.om")
def import_(file: File, data_dir: DataDir = None) -> None:
    """Take samples in, of any age; where a sample is there, it stays. The lab must not run.

    A file that breaks its format leaves nothing. OpenMetrics needs a time behind each sample.
    """
    from llm_research_lab.cli.progress import transfer
    from llm_research_lab.cli.rendering import note, print_line
    from llm_research_lab.commands.metrics.exchange import import_ as take
    from llm_research_lab.service.metrics_store import open_series
    from llm_research_lab.storage import DataDirectory

    settings = settings_of(data_dir)
    size = file.stat().st_size if file.is_file() else 0
    tmp = DataDirectory(settings.data_dir).tmp
    with open_series(settings, write=True) as store, transfer(file.name, size) as said:
        done = take(store, file, tmp, said)
    told = f"{done.taken:,} samples taken, {done.duplicate:,} known"
    print_line(f"{told}, {done.conflicting:,} refused for another value that is there")
    if done.too_new:
        note(f"{done.too_new:,} left out: too far ahead of this machine's clock")


@app.command(epilog="Example: lab tsdb export history.parquet --from -1d --match 'up'")
def export(
    file: File,
    match: Annotated[
        str | None, typer.Option("--match", help="A selector; all series without one.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="The first instant.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The last instant.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write samples to a file, which appears when it is whole; the lab may run.

    Only Parquet carries stale markers.
    """
    from llm_research_lab.cli.metrics.spans import between
    from llm_research_lab.cli.progress import counted
    from llm_research_lab.cli.rendering import note, print_line
    from llm_research_lab.commands.metrics.exchange import export as write
    from llm_research_lab.commands.metrics.selecting import matchers_of
    from llm_research_lab.service.metrics_store import open_series

    span, matchers = between(start, end), matchers_of(match) if match else ()
    with open_series(settings_of(data_dir), write=False) as store, counted(file.name) as said:
        done = write(store, matchers, span, file, said=said)
    print_line(f"{done.samples:,} samples to {file}")
    for count, what in ((done.stale, "stale markers"), (done.nameless, "series without a name")):
        if count:
            note(f"{count:,} {what} left out: OpenMetrics has none; .parquet keeps them")
