"""The tree of commands; a user's mistake ends in four lines and status 1, never a traceback."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from llm_research_lab import __version__
from llm_research_lab.cli import (
    audit,
    datasets,
    demo,
    experiments,
    inspecting,
    keys,
    metrics,
    models,
    oncall,
    processes,
    prompts,
    reference,
    replay,
    routing,
    stories,
    traces,
    why,
)

INTERRUPTED, BROKEN_PIPE = 130, 141  # 128 + the signal, as shells count

app = typer.Typer(
    name="lab",
    help="Run LLM experiments, and the service that runs them.",
    epilog="Example: lab demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
processes.register(app)
demo.register(app)
inspecting.register(app)
traces.register(app)
stories.register(app)
app.add_typer(datasets.app, name="dataset")
app.add_typer(prompts.app, name="prompt")
app.add_typer(models.app, name="model")
app.add_typer(experiments.app, name="experiment")
app.add_typer(keys.app, name="key")
app.add_typer(audit.app, name="audit")
metrics.register(app)
app.add_typer(oncall.app, name="oncall")
app.add_typer(routing.app, name="route")
replay.register(app)
why.register(app)
reference.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lab {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command of sys.argv and exit with its status."""
    from llm_research_lab.vocabulary import LabError

    try:
        app()
    except LabError as error:
        from llm_research_lab.cli.rendering import print_error

        print_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output left: `lab audit list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
