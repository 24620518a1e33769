"""``lab dataset``: add, list, show, preview."""

from __future__ import annotations

import sys
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, Owner, client_of
from llm_research_lab.cli.versions import fetch, print_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm_research_lab.service.client import Client

app = typer.Typer(help="Datasets: immutable versions of rows.", no_args_is_help=True)
FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
CHUNK_BYTES = 1 << 18


@app.command("add", epilog="Example: lab dataset add capitals capitals.csv")
def add(
    name: Annotated[str, typer.Argument(help="The dataset's name.")],
    file: Annotated[Path, typer.Argument(help="CSV or JSON Lines; - reads the standard input.")],
    kind: Annotated[
        str | None, typer.Option("--format", help="csv or jsonl, where the suffix does not say.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="JSON file of the schema; else it is inferred.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Check every row of a file and keep it as a new version; a bad file leaves nothing."""
    from llm_research_lab.cli.rendering import print_json, print_line

    with client_of(data_dir) as client:
        made = send(client, name, file, kind, schema)
    if as_json:
        print_json(made)
        return
    columns = ", ".join(f"{one['name']} {one['type']}" for one in made["schema"]["columns"])
    print_line(f"{made['reference']}: {made['rows']} rows, columns {columns}")


def send(
    client: Client, name: str, file: Path, kind: str | None, schema: Path | None
) -> dict[str, Any]:
    """Stream the file to the lab in constant memory."""
    from llm_research_lab.cli.reading import read_text
    from llm_research_lab.vocabulary import checked_name

    kind = _known(kind) if kind else format_of(file)
    given = read_text(schema) if schema else None
    made = client.upload(
        f"/v1/datasets/{checked_name(name, 'name')}",
        _chunks(file),
        MEDIA_TYPES[kind],
        format=kind,
        schema=given,
    )
    return dict(made)


def format_of(file: Path) -> str:
    """Tell the format by the file's suffix."""
    from llm_research_lab.vocabulary import LabError

    if file.suffix.lower() in FORMATS:
        return FORMATS[file.suffix.lower()]
    raise LabError(str(file), "a suffix .csv, .jsonl or .ndjson", repr(file.suffix), "say --format")


def _known(kind: str) -> str:
    from llm_research_lab.vocabulary import LabError

    if kind not in MEDIA_TYPES:
        raise LabError("--format", "csv or jsonl", repr(kind), "say --format csv or --format jsonl")
    return kind


def _chunks(file: Path) -> Iterator[bytes]:
    """Read the file piece by piece, showing how far it is."""
    from llm_research_lab.cli.progress import transfer
    from llm_research_lab.cli.reading import open_bytes

    if str(file) == "-":
        yield from iter(lambda: sys.stdin.buffer.read(CHUNK_BYTES), b"")
        return
    with open_bytes(file) as source, transfer(file.name, file.stat().st_size) as advance:
        while chunk := _piece(source, file):
            yield chunk
            advance(len(chunk))


def _piece(source: IO[bytes], file: Path) -> bytes:
    from llm_research_lab.cli.reading import unreadable

    try:
        return source.read(CHUNK_BYTES)
    except OSError as error:
        raise unreadable(file, error) from error


@app.command("list", epilog="Example: lab dataset list --json")
def list_(
    owner: Owner = None, limit: Limit = 100, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the versions, newest first."""
    print_versions(
        "dataset",
        {"owner": owner},
        limit,
        data_dir,
        {"rows": itemgetter("rows"), "format": itemgetter("format")},
        as_json=as_json,
    )


@app.command("show", epilog="Example: lab dataset show capitals@v1")
def show(
    reference: Annotated[str, typer.Argument(help="[owner/]name[@vN]")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show one version: its columns and their statistics."""
    from llm_research_lab.cli.rendering import print_fields, print_json, print_table

    found = fetch("dataset", reference, data_dir)
    if as_json:
        print_json(found)
        return
    named = ("reference", "id", "rows", "bytes", "format", "digest", "created_at")
    print_fields({name: found[name] for name in named})
    print_table(found["schema"]["columns"], column_table(found["statistics"]), "No columns.")


def column_table(statistics: Any) -> dict[str, Any]:
    """Say of each column its type, and whatever statistics were kept of it."""
    by_column = (
        statistics.get("columns", statistics) if isinstance(statistics, dict) else statistics
    )
    if isinstance(by_column, list):
        by_column = {one.get("name"): one for one in by_column}
    known = [one for one in by_column.values() if isinstance(one, dict)]
    names = [
        name for name in (known[0] if known else {}) if name not in {"name", "type", "nullable"}
    ]

    def reader(name: str) -> Any:
        return lambda column: by_column.get(column["name"], {}).get(name)

    return {
        "column": lambda column: column["name"],
        "type": lambda column: column["type"] + (" or null" if column["nullable"] else ""),
        **{name: reader(name) for name in names},
    }


@app.command("preview", epilog="Example: lab dataset preview capitals --limit 5")
def preview(
    reference: Annotated[str, typer.Argument(help="[owner/]name[@vN]")],
    offset: Annotated[int, typer.Option(min=0, help="Start at this row.")] = 0,
    limit: Limit = 10,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show some rows."""
    from llm_research_lab.cli.rendering import print_json, print_table

    found = fetch("dataset", reference, data_dir, "/rows", offset=offset, limit=limit)["items"]
    if as_json:
        print_json(found)
        return
    names = list(dict.fromkeys(name for row in found for name in row))

    def reader(name: str) -> Any:
        return lambda row: row.get(name)

    print_table(found, {name: reader(name) for name in names}, "No rows there.")
