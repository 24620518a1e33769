"""A store's view is loaded from its files; a writer clears what a crash left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from llm_research_lab.storage.timeseries.batches import since
from llm_research_lab.storage.timeseries.blocks import Block, read_block
from llm_research_lab.storage.timeseries.damage import Damage
from llm_research_lab.storage.timeseries.log import Deletion, Floor, Log, Reading, segments
from llm_research_lab.storage.timeseries.tombstones import (
    TOMBSTONES,
    Tombstones,
    clear_tombstones,
    matchers_of,
    read_tombstones,
)
from llm_research_lab.storage.timeseries.view import View


def load(root: Path, damage: Damage) -> View:
    """Read blocks, tombstones and log. Raises FileNotFoundError when files vanish meanwhile."""
    view = View(_blocks(root, damage), tombstones=tombstones_of(root, damage))
    floors = [block.floor_ms for block in view.blocks if block.floor_ms is not None]
    view.floor_ms = max(floors, default=None)
    read_log(root, view, damage)
    return view


def _blocks(root: Path, damage: Damage) -> tuple[Block, ...]:
    blocks = []
    for path in sorted((root / "blocks").glob("*")):
        if path.suffix == ".tmp":
            continue
        try:
            blocks.append(read_block(path))
        except FileNotFoundError:
            if path.exists():  # else the writer has just replaced it
                damage.isolate(path, "it has no index")
        except (OSError, ValueError, KeyError) as error:
            damage.isolate(path, str(error))
    replaced = frozenset[str]().union(*(block.replaces for block in blocks))
    return tuple(block for block in blocks if block.path.name not in replaced)


def tombstones_of(root: Path, damage: Damage) -> Tombstones:
    """Read the tombstones; none where they are damaged, which is said."""
    try:
        return read_tombstones(root)
    except ValueError as error:
        damage.say(root / TOMBSTONES, str(error))
        return {}


def read_log(root: Path, view: View, damage: Damage) -> None:
    """Read on from where the view's readings were."""
    paths = segments(root / "log")
    for path in paths:
        reading = view.readings.setdefault(path, Reading(path))
        for entry in reading.entries(last=path == paths[-1]):
            if isinstance(entry, Floor):
                view.floor_ms = max(entry.floor_ms, view.floor_ms or entry.floor_ms)
                view.head.forget(view.floor_ms)
            elif isinstance(entry, Deletion):
                view.head.delete(matchers_of(entry), entry.from_ms, entry.to_ms)
            else:
                kept, _ = since(entry, view.floor_ms)
                view.head.put(kept.labels, kept.times, kept.values, kept.stale)
        damage.add(reading.bad)


def begin(root: Path, view: View, damage: Damage) -> Log:
    """As the writer: clear what a crash left, keep damaged segments aside, begin a new one."""
    held = {block.path for block in view.blocks}
    for path in (root / "blocks").iterdir():
        if path.suffix == ".tmp" or path not in held:
            shutil.rmtree(path, ignore_errors=True)
    clear_tombstones(root)
    paths, position = segments(root / "log"), 0
    for path in paths:
        reading = view.readings[path]
        position = max(position, reading.position)
        if reading.bad:
            damage.copy(path, path.name)
        if reading.offset < path.stat().st_size:
            os.truncate(path, reading.offset)
    log = Log(root / "log", position, view.floor_ms)
    log.sealed = {path: view.readings[path].max_ms for path in paths}
    view.readings = {}
    return log
