"""The demonstration: a made-up quarter, and two sets of files that are replayed over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from llm_research_lab.commands.replay.demo import TARGETS, World, life
from llm_research_lab.commands.replay.history import FOR_EVER
from llm_research_lab.commands.replay.inputs import Inputs, read_inputs
from llm_research_lab.commands.replay.running import Span
from llm_research_lab.storage.timeseries import FileSeries

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITTEN, CORRECTED = "written", "corrected"
HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Where the demonstration's history and files are."""

    place: Path
    world: World

    @property
    def span(self) -> Span:
        """The quarter."""
        times = self.world.times
        return Span(int(times[0]), int(times[-1]))

    def inputs(self, which: str) -> Inputs:
        """Read one of the two sets of files."""
        return read_inputs(
            self.place / which / "rules",
            self.place / which / "alertmanager.yml",
            self.place / "roster.yaml",
            self.place / "responders.yaml",
        )

    @contextmanager
    def history(self) -> Iterator[FileSeries]:
        """Open the history."""
        store = FileSeries.open(self.place / HISTORY, FOR_EVER, read_only=True)
        try:
            yield store
        finally:
            store.close()


def made(
    place: Path, world: World, said: Callable[[int, int], None] = lambda _done, _of: None
) -> Demonstration:
    """Make what is not there: the files, and the history of so many days.

    `said` is told how many targets of all are written. Files that are there stay, so that they can
    be changed and replayed.
    """
    place.mkdir(parents=True, exist_ok=True)
    with as_file(files("llm_research_lab.catalog") / "demo") as source:
        for which in (WRITTEN, CORRECTED):
            if not (place / which).exists():
                shutil.copytree(source / which, place / which)
        for name in ("roster.yaml", "responders.yaml", "repairs.yaml"):
            if not (place / name).exists():
                shutil.copyfile(source / name, place / name)
    mark = place / HISTORY / "made"
    words = f"{world.days} days, seed {world.seed}\n"
    if not mark.exists() or mark.read_text(encoding="utf-8") != words:
        shutil.rmtree(place / HISTORY, ignore_errors=True)
        _write(place / HISTORY, world, said)
        mark.write_text(words, encoding="utf-8")
    return Demonstration(place, world)


def _write(place: Path, world: World, said: Callable[[int, int], None]) -> None:
    store = FileSeries.open(place, FOR_EVER)
    try:
        for done, target in enumerate(life(world), 1):
            store.add_history(target)
            said(done, TARGETS)
        store.compact()
    finally:
        store.close()
