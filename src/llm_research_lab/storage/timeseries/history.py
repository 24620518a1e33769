"""A history becomes pieces: samples of any age and order; of one series' time the first stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Columns, Flags, Floats, Times
from llm_research_lab.storage.timeseries.pieces import (
    ABSENT,
    PRESENT,
    STALE,
    Piece,
    States,
    piece_of,
)
from llm_research_lab.storage.timeseries.port import Appended, Batch
from llm_research_lab.vocabulary.labels import Labels, label

Numbers = NDArray[np.int64]

FILE_SERIES = 128
"""Small pieces are packed together up to so many series: each file costs a sync."""


@dataclass(slots=True)
class Waiting:
    """What of a history is to be written next; earlier parts come before later ones."""

    most: int
    """So many samples are enough."""
    done: Appended = field(default_factory=lambda: Appended(0))
    _batches: list[Batch] = field(default_factory=list)
    _pieces: list[Piece] = field(default_factory=list)
    _samples: int = 0

    @property
    def full(self) -> bool:
        """Whether enough is there to be written."""
        return self._samples >= self.most

    def add(self, part: Batch | Columns, too_new: int) -> None:
        """Take a part; so many of its samples were refused."""
        self.done = replace(self.done, too_new=self.done.too_new + too_new)
        self._samples += part.values.size
        if isinstance(part, Batch):
            self._batches.append(part)
            return
        self._sort()
        self._pieces.append(piece_of(part))
        self.done = replace(self.done, taken=self.done.taken + part.values.size)

    def take(self) -> list[Piece]:
        """Give what waits."""
        self._sort()
        pieces, self._pieces, self._samples = self._pieces, [], 0
        return pieces

    def _sort(self) -> None:
        if not self._batches:
            return
        pieces, more = pieces_of(self._batches)
        self._pieces += pieces
        self._batches, done = [], self.done
        self.done = replace(
            done,
            taken=done.taken + more.taken,
            duplicate=done.duplicate + more.duplicate,
            conflicting=done.conflicting + more.conflicting,
        )


def pieces_of(batches: Sequence[Batch]) -> tuple[list[Piece], Appended]:
    """Sort the batches' samples by series and time; series of equal times stand together."""
    numbers, labels = _numbered(batches)
    times = np.concatenate([batch.times for batch in batches])
    values = np.concatenate([batch.values for batch in batches])
    states = np.concatenate([_states(batch) for batch in batches])
    if not len(times):
        return [], Appended(0)
    order = _order(numbers, times)
    if order is not None:
        numbers, times, values, states = (one[order] for one in (numbers, times, values, states))
    first = np.ones(len(times), np.bool_)
    first[1:] = (numbers[1:] != numbers[:-1]) | (times[1:] != times[:-1])
    again = int((~first).sum())
    same = 0
    if again:
        at = np.flatnonzero(~first)
        kept = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))[at]
        same = int(_equal(values[at], states[at], values[kept], states[kept]).sum())
        numbers, times, values, states = (one[first] for one in (numbers, times, values, states))
    done = Appended(len(times), same, again - same)
    return _together(numbers, labels, times, values, states), done


def _numbered(batches: Sequence[Batch]) -> tuple[Numbers, list[Labels]]:
    """Number the series of all entries; labels are compared once an object, not once a sample."""
    number: dict[Labels, int] = {}
    layouts: dict[int, Numbers] = {}
    for batch in batches:
        if id(batch.labels) not in layouts:
            ids = np.fromiter(map(id, batch.labels), np.int64, len(batch.labels))
            _, firsts, inverse = np.unique(ids, return_index=True, return_inverse=True)
            found = np.empty(len(firsts), np.int64)
            for place in np.argsort(firsts).tolist():
                found[place] = number.setdefault(batch.labels[firsts[place]], len(number))
            layouts[id(batch.labels)] = found[inverse]
    return np.concatenate([layouts[id(batch.labels)] for batch in batches]), list(number)


def _order(numbers: Numbers, times: Times) -> Numbers | None:
    """Give the order by series, then time, the earlier entry first; None where it is that."""
    ahead = (numbers[1:] > numbers[:-1]) | (
        (numbers[1:] == numbers[:-1]) & (times[1:] > times[:-1])
    )
    return None if ahead.all() else np.lexsort((times, numbers))


def _states(batch: Batch) -> States:
    states = np.full(len(batch.times), PRESENT, dtype=np.uint8)
    if batch.stale is not None:
        states[batch.stale] = STALE
    return states


def _equal(values: Floats, states: States, old: Floats, was: States) -> Flags:
    equal = (states == STALE) | (values == old) | (np.isnan(values) & np.isnan(old))
    return np.asarray(equal & (states == was), np.bool_)


def _together(
    numbers: Numbers, labels: list[Labels], times: Times, values: Floats, states: States
) -> list[Piece]:
    """Cut sorted samples by series, and lay series of one target and equal times side by side."""
    edges = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1)).tolist()
    alike: dict[tuple[str, str, bytes], list[tuple[int, int]]] = defaultdict(list)
    for low, high in pairwise(edges):
        own = labels[int(numbers[low])]
        key = label(own, "job"), label(own, "instance"), times[low:high].tobytes()
        alike[key].append((low, high))
    found = []
    for members in alike.values():
        low, high = members[0]
        marks = np.stack([states[one:other] for one, other in members])
        found.append(
            Piece(
                tuple(labels[int(numbers[one])] for one, _ in members),
                times[low:high],
                np.stack([values[one:other] for one, other in members]),
                marks if (marks == STALE).any() else None,
            )
        )
    return found


def by_range(pieces: Sequence[Piece], width_ms: int) -> Iterator[list[Piece]]:
    """Cut pieces at whole multiples of a width; the parts of each range that has a sample."""
    ranges = [set(np.unique(piece.times // width_ms).tolist()) for piece in pieces]
    for number in sorted(set().union(*ranges)):
        low, high = number * width_ms, (number + 1) * width_ms - 1
        pairs = zip(pieces, ranges, strict=True)
        yield [_cut(piece, low, high) for piece, own in pairs if number in own]


def _cut(piece: Piece, from_ms: int, to_ms: int) -> Piece:
    low, high = np.searchsorted(piece.times, (from_ms, to_ms + 1)).tolist()
    states = None if piece.states is None else piece.states[:, low:high]
    return Piece(piece.labels, piece.times[low:high], piece.values[:, low:high], states)


def without_known(pieces: Iterable[Piece], known: Sequence[Piece]) -> list[Piece]:
    """Leave out the samples whose series have one at their times among the known."""
    found = []
    for piece in pieces:
        states = None
        rows = {labels: row for row, labels in enumerate(piece.labels)}
        for other in known:
            pairs = [(rows[one], row) for row, one in enumerate(other.labels) if one in rows]
            mine, theirs = np.isin(piece.times, other.times), np.isin(other.times, piece.times)
            if not pairs or not mine.any():
                continue
            if states is None:
                full = np.full(piece.values.shape, PRESENT, dtype=np.uint8)
                states = full if piece.states is None else piece.states.copy()
            index = np.ix_(np.array([one for one, _ in pairs]), np.flatnonzero(mine))
            if other.states is None:
                states[index] = ABSENT
            else:
                there = other.states[np.array([row for _, row in pairs])][:, theirs] != ABSENT
                states[index] = np.where(there, ABSENT, states[index])
        found.append(piece if states is None else _trimmed(piece, states))
    return [piece for piece in found if len(piece.times) and piece.labels]


def _trimmed(piece: Piece, states: States) -> Piece:
    """Drop the series and the times that have no sample left."""
    rows, held = (states != ABSENT).any(axis=1), (states != ABSENT).any(axis=0)
    index = np.ix_(np.flatnonzero(rows), np.flatnonzero(held))
    labels = tuple(one for one, kept in zip(piece.labels, rows.tolist(), strict=True) if kept)
    return Piece(labels, piece.times[held], piece.values[index], states[index])


def packed(pieces: Iterable[Piece]) -> list[Piece]:
    """Lay small pieces into larger ones whose times have theirs; what is missing is a hole."""
    hosts: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: (-len(one.times), one.labels)):
        host = next((one for one in hosts[-_HOSTS:] if _fits(one, piece)), None)
        if host is None:
            hosts.append([piece])
        else:
            host.append(piece)
    return [_laid(host) for host in hosts]


_HOSTS = 16
"""Larger pieces that a small one is compared with; more are of series in their own phase."""


def _fits(host: list[Piece], piece: Piece) -> bool:
    if sum(len(one.labels) for one in host) + len(piece.labels) > FILE_SERIES:
        return False
    times = host[0].times
    places = np.minimum(np.searchsorted(times, piece.times), len(times) - 1)
    return bool((times[places] == piece.times).all())


def _laid(host: list[Piece]) -> Piece:
    if len(host) == 1:
        return host[0]
    times = host[0].times
    shape = (sum(len(one.labels) for one in host), len(times))
    values, states = np.zeros(shape), np.full(shape, ABSENT, dtype=np.uint8)
    row = 0
    for piece in host:
        rows = slice(row, row + len(piece.labels))
        places = np.searchsorted(times, piece.times)
        values[rows, places] = piece.values
        states[rows, places] = PRESENT if piece.states is None else piece.states
        row = rows.stop
    whole = bool((states == PRESENT).all())
    labels = tuple(one for piece in host for one in piece.labels)
    return Piece(labels, times, values, None if whole else states)
