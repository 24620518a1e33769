"""A snapshot is a store of one moment, made of links where the file system has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from llm_research_lab.storage.private import PRIVATE_DIRECTORY, explained, sync_directory
from llm_research_lab.storage.timeseries.tombstones import TOMBSTONES
from llm_research_lab.storage.timeseries.view import Held
from llm_research_lab.telemetry.crash import crash_point

FOLDERS = ("log", "blocks", "quarantine")


def snapshot(held: Held, place: Path) -> None:
    """Make it at `place`. Raises what `explained` makes of OSErrors."""
    log = held.writing()
    with held.maintaining:
        with held.guard:
            log.rotate(held.view.floor_ms)
            blocks, sealed = held.view.blocks, sorted(log.sealed)
        try:
            for folder in FOLDERS:
                (place / folder).mkdir(PRIVATE_DIRECTORY, parents=True)
            for block in blocks:
                (place / "blocks" / block.path.name).mkdir(PRIVATE_DIRECTORY)
                for file in block.path.iterdir():
                    _link(file, place / "blocks" / block.path.name / file.name)
            for path in sealed:
                _link(path, place / "log" / path.name)
            stones = held.root / TOMBSTONES
            if stones.exists():
                shutil.copy2(stones, place / stones.name)
            crash_point("timeseries.snapshot_linked")
            sync_directory(place)
        except OSError as error:
            raise explained(error, place) from error


def _link(source: Path, place: Path) -> None:
    try:
        place.hardlink_to(source)
    except OSError:
        shutil.copy2(source, place)
