"""A table holds some series over some files of blocks, whole; answers are cut from it uncopied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from llm_research_lab.promql.values import Columns, Floats
from llm_research_lab.storage.timeseries.blocks import File
from llm_research_lab.storage.timeseries.log import Deletion
from llm_research_lab.storage.timeseries.pieces import (
    PRESENT,
    STALE,
    Piece,
    columns_of,
    in_order,
    joined,
    run_of,
)
from llm_research_lab.storage.timeseries.tombstones import without
from llm_research_lab.vocabulary.labels import Labels

Read = Callable[[Path, File, Sequence[int], Floats], Piece]


class UnreadableError(Exception):
    """A file of a block cannot be read; the cause says why."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class Source:
    """Some series of one file. Equal to another of the same file with the same deletions."""

    path: Path
    deletions: tuple[Deletion, ...]
    file: File = field(compare=False)
    cols: tuple[int, ...] = field(compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Series that stand in the same files."""

    labels: tuple[Labels, ...]
    sources: tuple[Source, ...]

    def between(self, from_ms: int, to_ms: int, gone: set[Path]) -> tuple[Source, ...]:
        """Give the sources that may have samples in the time, but for those that are damaged."""
        own = self.sources
        if gone or any(one.file.start_ms > to_ms or one.file.end_ms < from_ms for one in own):
            return tuple(
                one
                for one in own
                if one.file.start_ms <= to_ms
                and one.file.end_ms >= from_ms
                and one.path not in gone
            )
        return own


class Table:
    """All samples of the series in the files. `places`: where each file's stand, without holes."""

    __slots__ = ("columns", "labels", "places", "rows", "size", "sources")

    def __init__(
        self, labels: tuple[Labels, ...], sources: tuple[Source, ...], columns: Sequence[Columns]
    ) -> None:
        self.labels, self.sources, self.columns = labels, sources, tuple(columns)
        for own in self.columns:
            for array in (own.times, own.values, own.stale):
                if array is not None:
                    array.flags.writeable = False
        self.rows: dict[Labels, tuple[int, int]] = {
            one: (number, row)
            for number, own in enumerate(self.columns)
            for row, one in enumerate(own.labels)
        }
        self.size = sum(_size(own) for own in self.columns)
        self.places = self._places()

    def _places(self) -> dict[Source, slice]:
        ordered = sorted(self.sources, key=_start)
        total = sum(one.file.rows for one in ordered)
        if len(self.columns) != 1 or self.columns[0].labels != self.labels:
            return {}
        if len(self.columns[0].times) != total:
            return {}
        if any(b.file.end_ms >= a.file.start_ms for b, a in pairwise(ordered)):
            return {}
        ends = np.cumsum([one.file.rows for one in ordered]).tolist()
        return {one: slice(e - one.file.rows, e) for one, e in zip(ordered, ends, strict=True)}

    def holds(self, labels: tuple[Labels, ...], sources: tuple[Source, ...]) -> bool:
        """Whether the samples of the series in the files are here, and no others of their time."""
        if sources != self.sources:
            if sources[0] not in self.sources:
                return False
            at = self.sources.index(sources[0])
            if self.sources[at : at + len(sources)] != sources:
                return False
        return labels == self.labels or all(one in self.rows for one in labels)

    def chosen(self, labels: tuple[Labels, ...]) -> list[tuple[Columns, list[int]]]:
        """Give the rows of the series."""
        if labels is self.labels or labels == self.labels:
            return [(own, list(range(len(own.labels)))) for own in self.columns]
        found: dict[int, list[int]] = defaultdict(list)
        for one in labels:
            number, row = self.rows[one]
            found[number].append(row)
        return [(self.columns[number], sorted(rows)) for number, rows in found.items()]

    def gives(self, labels: tuple[Labels, ...]) -> bool:
        """Whether the series can be cut out without copies, and nothing is derived for each cut."""
        return all(
            len(rows) == len(own.labels) or (own.stale is None and run_of(rows) is not None)
            for own, rows in self.chosen(labels)
        )

    def of(self, labels: tuple[Labels, ...]) -> Table:
        """Copy some series."""
        return Table(
            labels,
            self.sources,
            [
                Columns(
                    tuple(own.labels[row] for row in rows),
                    own.times,
                    own.values[rows],
                    None if own.stale is None else own.stale[rows],
                )
                for own, rows in self.chosen(labels)
            ],
        )

    def cut(self, labels: tuple[Labels, ...], from_ms: int, to_ms: int) -> list[Columns]:
        """Give the samples between both ends, included; in views, unless it is a small part."""
        found = (_cut(own, rows, from_ms, to_ms) for own, rows in self.chosen(labels))
        return [one for one in found if one is not None]


def _size(own: Columns) -> int:
    held = own.values.nbytes + own.times.nbytes
    return held if own.stale is None else 2 * held + own.stale.nbytes  # what rates derive from it


def _start(source: Source) -> int:
    return source.file.start_ms


def _cut(own: Columns, rows: list[int], from_ms: int, to_ms: int) -> Columns | None:
    low = int(np.searchsorted(own.times, from_ms, "left"))
    high = int(np.searchsorted(own.times, to_ms, "right"))
    if low >= high:
        return None
    if len(rows) != len(own.labels):
        run = run_of(rows)
        picked = rows if run is None else run
        own = Columns(
            tuple(own.labels[row] for row in rows),
            own.times,
            own.values[picked],
            None if own.stale is None else own.stale[picked],
        )
    if high - low == len(own.times):
        return own
    times, values = own.times[low:high], own.values[:, low:high]
    stale = None if own.stale is None else own.stale[:, low:high]
    if 2 * (high - low) < len(own.times):
        if stale is not None and not stale.any():
            stale = None
        return Columns(own.labels, times, values.copy(), stale)
    return Columns(own.labels, times, values, stale, own)


def built(
    labels: tuple[Labels, ...], sources: tuple[Source, ...], read: Read, known: Iterable[Table]
) -> Table:
    """Read the files, but for those that a known table of the same series holds.

    Raises UnreadableError.
    """
    values = np.empty((len(labels), sum(one.file.rows for one in sources)))
    pieces: dict[Source, Piece] = {}
    at, ready = 0, list(known)
    for one in sorted(sources, key=_start):
        into = values[:, at : at + one.file.rows]
        piece = _copied(one, into, ready)
        if piece is None:
            try:
                piece = read(one.path, one.file, one.cols, into)
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                raise UnreadableError(one.path) from error
            piece = without(piece, one.deletions)
        pieces[one] = piece
        at += one.file.rows
    if in_order(list(pieces.values())):
        whole = [_side_by_side(labels, list(pieces.values()), values)]
    else:
        whole = joined(pieces[one] for one in sources)
    return Table(labels, sources, [own for piece in whole for own in columns_of(piece)])


def _copied(source: Source, into: Floats, known: Sequence[Table]) -> Piece | None:
    for table in known:
        place = table.places.get(source)
        if place is not None:
            (own,) = table.columns
            into[:] = own.values[:, place]
            stale = None if own.stale is None else own.stale[:, place]
            states = None if stale is None else np.where(stale, STALE, PRESENT).astype(np.uint8)
            return Piece(own.labels, own.times[place], into, states)
    return None


def _side_by_side(labels: tuple[Labels, ...], pieces: Sequence[Piece], values: Floats) -> Piece:
    times = np.concatenate([piece.times for piece in pieces])
    states = None
    if any(piece.states is not None for piece in pieces):
        states = np.concatenate([piece.known_states() for piece in pieces], axis=1)
    return Piece(labels, times, values, states)
