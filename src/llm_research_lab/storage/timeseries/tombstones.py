"""What was deleted from blocks, until they are written anew without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import orjson

from llm_research_lab.storage.private import write_private
from llm_research_lab.storage.timeseries.log import Deletion
from llm_research_lab.storage.timeseries.pieces import ABSENT, Piece
from llm_research_lab.telemetry.crash import crash_point
from llm_research_lab.vocabulary.matchers import Matcher, accepts

TOMBSTONES = "tombstones.json"

Tombstones = dict[str, list[Deletion]]
"""Deletions by the name of the block."""


def read_tombstones(root: Path) -> Tombstones:
    """Read the file; nothing where there is none. Raises ValueError when it is damaged."""
    try:
        told = orjson.loads((root / TOMBSTONES).read_bytes())
        return {
            name: [Deletion(tuple(map(tuple, one[0])), one[1], one[2]) for one in ones]
            for name, ones in told.items()
        }
    except FileNotFoundError:
        return {}
    except (TypeError, AttributeError, IndexError) as error:
        raise ValueError(str(error)) from error


def write_tombstones(root: Path, stones: Mapping[str, Sequence[Deletion]]) -> None:
    """Replace the file. Raises UnavailableError when the disk takes no more."""
    content = {
        name: [[one.matchers, one.from_ms, one.to_ms] for one in ones]
        for name, ones in stones.items()
    }
    write_private(
        root / TOMBSTONES,
        orjson.dumps(content),
        synced=lambda: crash_point("timeseries.tombstones_synced"),
    )
    crash_point("timeseries.tombstones_written")


def clear_tombstones(root: Path) -> None:
    """Delete what a crash left of a file that was being written."""
    for path in root.glob(f".{TOMBSTONES}.*"):
        path.unlink(missing_ok=True)


def matchers_of(deletion: Deletion) -> tuple[Matcher, ...]:
    """Give the matchers, as they were asked."""
    return tuple(Matcher(name, op, value) for name, op, value in deletion.matchers)  # type: ignore[arg-type]


def without(piece: Piece, deletions: Sequence[Deletion]) -> Piece:
    """Leave out what was deleted."""
    states = None if piece.states is None or not deletions else piece.states.copy()
    for deletion in deletions:
        matchers = matchers_of(deletion)
        rows = [i for i, labels in enumerate(piece.labels) if accepts(matchers, labels)]
        held = (piece.times >= deletion.from_ms) & (piece.times <= deletion.to_ms)
        if rows and held.any():
            if states is None:
                states = np.ones(piece.values.shape, dtype=np.uint8)
            states[np.ix_(np.asarray(rows), np.flatnonzero(held))] = ABSENT
    return piece if states is None else Piece(piece.labels, piece.times, piece.values, states)
