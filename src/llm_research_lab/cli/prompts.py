"""``lab prompt``: add, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, Owner, client_of
from llm_research_lab.cli.versions import fetch, print_versions

app = typer.Typer(help="Prompts: named, versioned templates.", no_args_is_help=True)
STRUCTURED = {".yaml", ".yml", ".json"}


@app.command(
    "add", epilog="Example: lab prompt add ask --text 'What is the capital of {{ country }}?'"
)
def add(
    name: Annotated[str, typer.Argument(help="The prompt's name.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="Text, or YAML/JSON with messages of role and content; - is stdin."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="The template itself.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Keep a Jinja2 template, text or chat messages, as a new version."""
    from llm_research_lab.cli.rendering import print_json, print_line

    body = {"name": name, **content(file, text)}
    with client_of(data_dir) as client:
        made = client.post("/v1/prompts", body)
    if as_json:
        print_json(made)
    else:
        print_line(f"{made['reference']}")


def content(file: Path | None, text: str | None) -> dict[str, Any]:
    """Give the template from the option or the file: exactly one of the two."""
    from llm_research_lab.cli.reading import read_document, read_text

    if (file is None) == (text is None):
        raise typer.BadParameter("name a FILE, or give --text: one of the two")
    if file is None:
        return {"text": text}
    if file.suffix.lower() not in STRUCTURED:
        return {"text": read_text(file)}
    found = read_document(file).value
    return found if isinstance(found, dict) else {"messages": found}


@app.command("list", epilog="Example: lab prompt list")
def list_(
    owner: Owner = None, limit: Limit = 100, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the versions, newest first."""
    print_versions("prompt", {"owner": owner}, limit, data_dir, {}, as_json=as_json)


@app.command("show", epilog="Example: lab prompt show ask@v1")
def show(
    reference: Annotated[str, typer.Argument(help="[owner/]name[@vN]")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show one version's template."""
    from llm_research_lab.cli.rendering import print_fields, print_json, print_line

    found = fetch("prompt", reference, data_dir)
    if as_json:
        print_json(found)
        return
    print_fields({name: found[name] for name in ("reference", "id", "digest", "created_at")})
    for message in found.get("messages") or ():
        print_line(f"\n{message['role']}:\n{message['content']}")
    if found.get("text") is not None:
        print_line(f"\n{found['text']}")
