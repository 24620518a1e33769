"""``lab audit``: list."""

from __future__ import annotations

from typing import Annotated

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, client_of

app = typer.Typer(
    help="The audit trail: who did what to which thing, from where, and how it ended.",
    no_args_is_help=True,
)
Filter = Annotated[str | None, typer.Option(help="Only these.")]


@app.command("list", epilog="Example: lab audit list --user ann --outcome failure")
def list_(
    user: Filter = None,
    action: Filter = None,
    resource_type: Filter = None,
    resource_id: Filter = None,
    outcome: Filter = None,
    limit: Limit = 100,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List entries, newest first."""
    from llm_research_lab.cli.rendering import print_json, print_table

    filters = {
        "user_id": user,
        "action": action,
        "resource_type": resource_type,
        "resource_id": resource_id,
        "outcome": outcome,
    }
    with client_of(data_dir) as client:
        found = list(client.items("/v1/audit", limit, **filters))
    if as_json:
        print_json(found)
        return
    columns = {
        "when": lambda one: one["timestamp"],
        "user": lambda one: one["user_id"],
        "action": lambda one: one["action"],
        "resource": lambda one: f"{one['resource_type']} {one['resource_id']}",
        "from": lambda one: one["source_ip"],
        "outcome": lambda one: one["outcome"],
        "what": lambda one: one["metadata"].get("event_type"),
    }
    print_table(found, columns, "No entries of that kind.")
