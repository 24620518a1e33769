"""``lab query``, ``tsdb``, ``rules``, ``promql``: the metrics engine from a terminal."""

from __future__ import annotations

import typer

from llm_research_lab.cli.metrics import querying, ruling, scripting, storing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    querying.register(app)
    app.add_typer(storing.app, name="tsdb")
    app.add_typer(ruling.app, name="rules")
    app.add_typer(scripting.app, name="promql")


__all__ = ["register"]
