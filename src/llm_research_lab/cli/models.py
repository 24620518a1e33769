"""``lab model``: add, list, show."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, Owner, client_of
from llm_research_lab.cli.versions import fetch, print_versions

app = typer.Typer(
    help="Model entries: which model, how, at what price, within which limits.",
    no_args_is_help=True,
)


@app.command("add", epilog="Example: lab model add smollm2 --provider bundled --id smollm2-135m")
def add(
    name: Annotated[str, typer.Argument(help="The entry's name.")],
    file: Annotated[
        Path | None, typer.Argument(help="YAML or JSON with the fields; options win over it.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="bundled, openai or echo.")] = None,
    model_id: Annotated[str | None, typer.Option("--id", help="The provider's name of it.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Of an OpenAI-compatible server.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="Reference to the API key: env:NAME or file:PATH.")
    ] = None,
    parameters: Annotated[str | None, typer.Option(help="JSON object of defaults.")] = None,
    price_in: Annotated[str | None, typer.Option(help="US dollars a million tokens in.")] = None,
    price_out: Annotated[str | None, typer.Option(help="US dollars a million tokens out.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Keep a model entry as a new version. Secrets are named, never given."""
    from llm_research_lab.cli.rendering import print_json, print_line

    options = {
        "provider": provider,
        "id": model_id,
        "base_url": base_url,
        "secret": secret,
        "parameters": _object(parameters, "--parameters"),
        "price": _price(price_in, price_out),
    }
    given = {field: value for field, value in options.items() if value is not None}
    with client_of(data_dir) as client:
        made = client.post("/v1/models", {"name": name, **_file(file), **given})
    if as_json:
        print_json(made)
    else:
        print_line(f"{made['reference']}: {made['provider']} {made['model']}")


def _file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    from llm_research_lab.cli.reading import read_document

    found = read_document(file).value
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} holds no fields: write provider: and id:")
    return found


def _object(text: str | None, option: str) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{option} is not a JSON object")
    return found


def _price(tokens_in: str | None, tokens_out: str | None) -> dict[str, str] | None:
    if tokens_in is None and tokens_out is None:
        return None
    if tokens_in is None or tokens_out is None:
        raise typer.BadParameter("--price-in and --price-out go together")
    return {"input_usd_per_million": tokens_in, "output_usd_per_million": tokens_out}


@app.command("list", epilog="Example: lab model list")
def list_(
    owner: Owner = None, limit: Limit = 100, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the versions, newest first."""
    print_versions(
        "model",
        {"owner": owner},
        limit,
        data_dir,
        {"provider": itemgetter("provider")},
        as_json=as_json,
    )


@app.command("show", epilog="Example: lab model show smollm2")
def show(
    reference: Annotated[str, typer.Argument(help="[owner/]name[@vN]")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show one version."""
    from llm_research_lab.cli.rendering import print_fields, print_json

    found = fetch("model", reference, data_dir)
    if as_json:
        print_json(found)
    else:
        print_fields({name: value for name, value in found.items() if value not in (None, {}, "")})
