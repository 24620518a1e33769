"""``lab demo``: the sample, from nothing to scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from llm_research_lab.service.client import Client

FAILED = 1


def demo(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Run the sample and exit: the world's capitals, asked of the bundled model in three ways.

    Uses the lab that runs on the data directory, or starts one and stops it at the end.
    """
    from llm_research_lab.cli.rendering import print_json
    from llm_research_lab.service.client import connect, running_url
    from llm_research_lab.service.supervisor import run_up

    settings = settings_of(data_dir)
    found: list[dict[str, Any]] = []

    def carry_out() -> None:
        with connect(settings) as client:
            found.append(show_sample(client, quiet=as_json))

    if settings.url or running_url(settings.data_dir):
        carry_out()
    else:
        run_up(settings, once=carry_out)
    if as_json:
        print_json(found[0])
    if any(one["status"] != "completed" for one in found[0]["experiments"]):
        raise typer.Exit(FAILED)


def show_sample(client: Client, *, quiet: bool = False) -> dict[str, Any]:
    """Run the sample with a progress bar; print scores and comparison unless `quiet`."""
    from llm_research_lab.cli.progress import samples
    from llm_research_lab.cli.rendering import note, print_line
    from llm_research_lab.cli.results import print_comparison, print_experiments
    from llm_research_lab.service.sample import run_sample

    note("The sample: does a small model know the capitals of the world's countries?")
    with samples() as show:
        found = run_sample(client, show)
    if not quiet:
        print_experiments([{**one, "summary": one} for one in found["experiments"]])
        print_line("")
        print_comparison(found["comparison"])
    return found


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: lab demo --json --data-dir /tmp/lab")(demo)
