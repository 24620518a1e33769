"""Options that every command shares, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llm_research_lab.service.client import Client
    from llm_research_lab.service.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="The lab's data directory (else LAB_DATA_DIR, ./.lab, or the user's own).",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Owner = Annotated[str | None, typer.Option(help="Whose namespace; your own is the default.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]


def settings_of(data_dir: Path | None, **flags: object) -> Settings:
    """Read the settings with the flags that were given."""
    from llm_research_lab.service.settings import read_settings

    return read_settings({"data_dir": data_dir, **flags})


def client_of(data_dir: Path | None) -> Client:
    """Connect to the lab that is meant."""
    from llm_research_lab.service.client import connect

    return connect(settings_of(data_dir))
