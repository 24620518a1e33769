"""``lab reference``: the pages of docs/reference that are written by the code itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DIFFERS = 1


def reference(
    write: Annotated[Path | None, typer.Option(help="Write the pages into this directory.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Compare with this directory; 1 when a page differs.")
    ] = None,
) -> None:
    """List the generated pages; write them, or check that they are current."""
    from llm_research_lab.cli.pages import pages
    from llm_research_lab.cli.rendering import print_line

    made = pages()
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (write / name).write_text(text, encoding="utf-8")
    for name in made:
        print_line(name)
    if check is not None:
        stale = [name for name, text in made.items() if text != _text(check / name)]
        for name in stale:
            print_line(f"{check / name}: differs; run make docs")
        if stale:
            raise typer.Exit(DIFFERS)


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reference", epilog="Example: lab reference --write docs/reference")(reference)
