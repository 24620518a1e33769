"""``lab oncall``: who is on call, who will be, where nobody is, and what each had of it."""

from __future__ import annotations

import typer

from llm_research_lab.cli.oncall import calendars, showing

app = typer.Typer(help="Who is on call, from a roster file.", no_args_is_help=True)
showing.register(app)
calendars.register(app)

__all__ = ["app"]
