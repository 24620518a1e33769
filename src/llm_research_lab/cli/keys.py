"""``lab key``: create, list, revoke."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, client_of

app = typer.Typer(help="API keys: who may do what. A key is shown once.", no_args_is_help=True)


@app.command("create", epilog="Example: lab key create laptop --user ann --role researcher")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    user: Annotated[str, typer.Option(help="Who will hold it.")],
    role: Annotated[str, typer.Option(help="viewer, researcher or admin.")] = "researcher",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once; the lab keeps only its digest."""
    from llm_research_lab.cli.rendering import note, print_json, print_line

    with client_of(data_dir) as client:
        made = client.post("/v1/keys", {"name": name, "user": user, "role": role})
    if as_json:
        print_json(made)
        return
    print_line(made["secret"])
    note(f"{made['id']}: {user}, {role}. Keep it now; it is not shown again.")


@app.command("list", epilog="Example: lab key list")
def list_(limit: Limit = 100, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List all keys, revoked ones too, newest first."""
    from llm_research_lab.cli.rendering import print_json, print_table

    with client_of(data_dir) as client:
        found = list(client.items("/v1/keys", limit))
    if as_json:
        print_json(found)
        return
    names = ("id", "name", "user", "role", "created_at", "revoked_at")
    print_table(found, {name: itemgetter(name) for name in names}, "No keys.")


@app.command("revoke", epilog="Example: lab key revoke key_01JF2Q…")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id of the key.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """End a key's life at once; a second time changes nothing."""
    from llm_research_lab.cli.reading import checked_id
    from llm_research_lab.cli.rendering import print_json, print_line

    with client_of(data_dir) as client:
        gone = client.delete(f"/v1/keys/{checked_id(key_id, 'key')}")
    if as_json:
        print_json(gone)
    else:
        print_line(f"{gone['id']}: revoked at {gone['revoked_at']}")
