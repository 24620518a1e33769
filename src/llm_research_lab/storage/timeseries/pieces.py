"""A piece is a table of series by time, with holes; pieces become columns without holes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Columns, Floats, Times
from llm_research_lab.vocabulary.labels import Labels

States = NDArray[np.uint8]

ABSENT, PRESENT, STALE = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Shapes: `times` int64 [N], strictly increasing; `values` [S, N]; `states` [S, N].

    `states` is None when every cell holds an ordinary sample.
    """

    labels: tuple[Labels, ...]
    times: Times
    values: Floats
    states: States | None = None

    def cut(self, from_ms: int, to_ms: int) -> Piece:
        """Give the part between both ends, included; views, no copies."""
        low = int(np.searchsorted(self.times, from_ms, "left"))
        high = int(np.searchsorted(self.times, to_ms, "right"))
        if low == 0 and high == len(self.times):
            return self
        states = None if self.states is None else self.states[:, low:high]
        return Piece(self.labels, self.times[low:high], self.values[:, low:high], states)

    def of(self, rows: Sequence[int]) -> Piece:
        """Give some rows, in a view when they stand side by side; itself when it is all of them."""
        run = run_of(rows)
        if run is not None and len(rows) == len(self.labels):
            return self
        index = np.asarray(rows, dtype=np.int64) if run is None else run
        states = None if self.states is None else self.states[index]
        return Piece(
            tuple(self.labels[row] for row in rows), self.times, self.values[index], states
        )

    def known_states(self) -> States:
        """Give the states, made where all are ordinary samples."""
        if self.states is not None:
            return self.states
        return np.full(self.values.shape, PRESENT, dtype=np.uint8)


def run_of(rows: Sequence[int]) -> slice | None:
    """Give the rows as a slice when each follows the one before it."""
    if rows and all(after == before + 1 for before, after in pairwise(rows)):
        return slice(rows[0], rows[-1] + 1)
    return None


def in_order(pieces: Sequence[Piece]) -> bool:
    """Whether each piece begins after the one before it ends."""
    return all(b.times[-1] < a.times[0] for b, a in pairwise(pieces))


def piece_of(columns: Columns) -> Piece:
    """Give columns as a piece."""
    stale = columns.stale
    states = None if stale is None else np.where(stale, STALE, PRESENT).astype(np.uint8)
    return Piece(columns.labels, columns.times, columns.values, states)


def gathered(pieces: Iterable[Piece]) -> list[Columns]:
    """Join the pieces of each series; where two have one time, the earlier piece's sample stays.

    Series that have equal times stand together. Pieces without holes are not copied.
    """
    return [one for piece in joined(pieces) for one in columns_of(piece)]


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Join the pieces of each series; series that stand in the same pieces stay together."""
    given = [piece for piece in pieces if len(piece.times) and piece.labels]
    places: dict[Labels, list[tuple[int, int]]] = defaultdict(list)
    for number, piece in enumerate(given):
        for row, labels in enumerate(piece.labels):
            places[labels].append((number, row))
    groups: dict[tuple[int, ...], list[list[tuple[int, int]]]] = defaultdict(list)
    for found in places.values():
        groups[tuple(number for number, _ in found)].append(found)
    return [
        _join(
            [
                given[number].of([found[turn][1] for found in members])
                for turn, number in enumerate(numbers)
            ]
        )
        for numbers, members in groups.items()
    ]


def columns_of(piece: Piece) -> list[Columns]:
    """Split by holes, so that every row has a sample at each of its times."""
    states = piece.states
    if states is None:
        return [Columns(piece.labels, piece.times, np.ascontiguousarray(piece.values))]
    present = states != ABSENT
    if present.all():
        stale = states == STALE
        values = np.ascontiguousarray(piece.values)
        return [Columns(piece.labels, piece.times, values, stale if stale.any() else None)]
    alike: dict[bytes, list[int]] = defaultdict(list)
    for row in range(len(piece.labels)):
        alike[np.packbits(present[row]).tobytes()].append(row)
    return [
        _whole(piece, states, rows, present[rows[0]])
        for rows in alike.values()
        if present[rows[0]].any()
    ]


def _whole(piece: Piece, states: States, rows: list[int], held: NDArray[np.bool_]) -> Columns:
    index = np.ix_(np.asarray(rows), np.flatnonzero(held))
    stale = states[index] == STALE
    return Columns(
        tuple(piece.labels[row] for row in rows),
        piece.times[held],
        piece.values[index],
        stale if stale.any() else None,
    )


def _join(pieces: list[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    ordered = sorted(pieces, key=lambda piece: int(piece.times[0]))
    if not in_order(ordered):
        return _merged(pieces)
    times = np.concatenate([piece.times for piece in ordered])
    values = np.concatenate([piece.values for piece in ordered], axis=1)
    states = None
    if any(piece.states is not None for piece in ordered):
        states = np.concatenate([piece.known_states() for piece in ordered], axis=1)
    return Piece(pieces[0].labels, times, values, states)


def _merged(pieces: list[Piece]) -> Piece:
    times = np.unique(np.concatenate([piece.times for piece in pieces]))
    shape = (len(pieces[0].labels), len(times))
    values, states = np.zeros(shape), np.zeros(shape, dtype=np.uint8)
    for piece in reversed(pieces):
        places = np.searchsorted(times, piece.times)
        new = piece.known_states()
        held = new != ABSENT
        values[:, places] = np.where(held, piece.values, values[:, places])
        states[:, places] = np.where(held, new, states[:, places])
    return Piece(pieces[0].labels, times, values, states)
