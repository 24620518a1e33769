"""A roster file that the user named, and which of its schedules are meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llm_research_lab.oncall import Roster

File = Annotated[Path, typer.Argument(help="The roster file (docs/how-to/on-call.md).")]
Schedules = Annotated[
    list[str] | None, typer.Option("--schedule", help="A schedule, and again for more; else all.")
]


def load(file: Path) -> Roster:
    """Read a roster; InvalidError lists all that is wrong with it."""
    from llm_research_lab.cli.reading import read_text, refused
    from llm_research_lab.oncall import read_roster

    roster, findings = read_roster(read_text(file))
    if roster is None:
        raise refused(file, findings)
    return roster


def chosen(roster: Roster, names: list[str] | None) -> list[str]:
    """Give the schedules that are meant. Raises NotFoundError for one that there is not."""
    from llm_research_lab.vocabulary import NotFoundError

    for name in names or ():
        if name not in roster.schedules:
            known = ", ".join(roster.schedules) or "none"
            raise NotFoundError("--schedule", "a schedule of the roster", repr(name), known)
    return names or list(roster.schedules)
