"""The head holds the newest samples by target: series that arrive together share a time column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Floats, Times
from llm_research_lab.storage.timeseries.pieces import (
    ABSENT,
    PRESENT,
    STALE,
    Piece,
    States,
    run_of,
)
from llm_research_lab.storage.timeseries.port import Appended
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label
from llm_research_lab.vocabulary.matchers import Matcher, accepts

Index = NDArray[np.int64]
Target = tuple[str, str]

ROWS = 64
"""Instants that a new group has room for; doubled when full."""

GROUPS_TRIED = 8
"""Groups of a target that a new series is compared with; more are of series in their own phase."""

LAYOUTS, ASKED = 10_000, 500
"""Layouts of batches, one a target, and questions, one a parsed expression, that are remembered."""


class _Group:
    """Series that share times: [cap]; values and states: [cap, S]; `count` rows are in use."""

    __slots__ = ("count", "labels", "states", "times", "values")

    def __init__(self) -> None:
        self.labels: list[Labels] = []
        self.count = 0
        self.times: Times = np.empty(ROWS, dtype=np.int64)
        self.values: Floats = np.empty((ROWS, 0))
        self.states: States = np.empty((ROWS, 0), dtype=np.uint8)

    def widen(self, new: Sequence[Labels]) -> None:
        """Add series that have no sample yet."""
        shape = (len(self.times), len(new))
        self.labels += new
        self.values = np.hstack([self.values, np.zeros(shape)])
        self.states = np.hstack([self.states, np.zeros(shape, dtype=np.uint8)])

    def holds(self, times: Times) -> bool:
        """Whether each of the times is one of the group's."""
        own = self.times[: self.count]
        places = np.minimum(np.searchsorted(own, times), self.count - 1)
        return self.count > 0 and bool((own[places] == times).all())

    def put(
        self, times: Times, cols: Index, values: Floats, states: States
    ) -> tuple[int, int, int]:
        """Add samples; give how many are taken, equal to one that is there, or contradict one.

        Of a series that has a time twice, the first stays.
        """
        rows = self._rows(times)
        cells = rows * len(self.labels) + cols
        first = np.unique(cells, return_index=True)[1]
        if len(first) == len(cells):
            return self._fill(rows, cols, values, states)
        again = np.ones(len(cells), dtype=np.bool_)
        again[first] = False
        parts = [np.sort(first), *(np.array([place]) for place in np.flatnonzero(again))]
        totals = (0, 0, 0)
        for part in parts:
            one = self._fill(rows[part], cols[part], values[part], states[part])
            totals = (totals[0] + one[0], totals[1] + one[1], totals[2] + one[2])
        return totals

    def add_row(self, time: int, cols: Index | slice, values: Floats, states: States | int) -> bool:
        """Add a sample of each of the columns, where the time is behind all others."""
        if self.count and time <= self.times[self.count - 1]:
            return False
        if self.count == len(self.times):
            self._reserve(1)
        row = self.count
        self.times[row] = time
        self.states[row] = ABSENT
        self.states[row, cols] = states
        self.values[row, cols] = values
        self.count += 1
        return True

    def _fill(
        self, rows: Index, cols: Index, values: Floats, states: States
    ) -> tuple[int, int, int]:
        there = self.states[rows, cols]
        free = there == ABSENT
        if free.all():
            self.values[rows, cols] = values
            self.states[rows, cols] = states
            return len(rows), 0, 0
        old = self.values[rows, cols]
        same = (there == states) & (
            (states == STALE) | (old == values) | (np.isnan(old) & np.isnan(values))
        )
        self.values[rows[free], cols[free]] = values[free]
        self.states[rows[free], cols[free]] = states[free]
        taken, equal = int(free.sum()), int((same & ~free).sum())
        return taken, equal, len(rows) - taken - equal

    def _rows(self, times: Times) -> Index:
        """Give the row of each time, made where there is none."""
        asked = np.unique(times)
        own = self.times[: self.count]
        if not self.count or asked[0] > own[-1]:
            self._reserve(len(asked))
            self.times[self.count : self.count + len(asked)] = asked
            self.states[self.count : self.count + len(asked)] = ABSENT
            self.count += len(asked)
        else:
            places = np.searchsorted(own, asked)
            known = own[np.minimum(places, self.count - 1)] == asked
            if not known.all():
                self._insert(places[~known], asked[~known])
        return np.searchsorted(self.times[: self.count], times)

    def _insert(self, places: Index, times: Times) -> None:
        self.times = np.insert(self.times, places, times)
        self.values = np.insert(self.values, places, 0.0, axis=0)
        self.states = np.insert(self.states, places, ABSENT, axis=0)
        self.count += len(times)

    def _reserve(self, more: int) -> None:
        if self.count + more > len(self.times):
            size = max(2 * len(self.times), self.count + more)
            extra = size - len(self.times)
            width = len(self.labels)
            self.times = np.concatenate([self.times, np.empty(extra, dtype=np.int64)])
            self.values = np.concatenate([self.values, np.zeros((extra, width))])
            self.states = np.concatenate([self.states, np.zeros((extra, width), dtype=np.uint8)])

    def piece(self, labels: tuple[Labels, ...], cols: Index, from_ms: int, to_ms: int) -> Piece:
        """Copy a part out, one row a series."""
        own = self.times[: self.count]
        low = int(np.searchsorted(own, from_ms, "left"))
        high = int(np.searchsorted(own, to_ms, "right"))
        values = np.ascontiguousarray(self.values[low:high, cols].T)
        states = np.ascontiguousarray(self.states[low:high, cols].T)
        return Piece(labels, own[low:high].copy(), values, states)

    def forget(self, before_ms: int) -> None:
        """Drop the rows before the time, and the series that have no sample after it."""
        low = int(np.searchsorted(self.times[: self.count], before_ms, "left"))
        keep = np.flatnonzero((self.states[low : self.count] != ABSENT).any(axis=0))
        self.labels = [self.labels[col] for col in keep.tolist()]
        self.times = self.times[low:].copy()
        self.values, self.states = self.values[low:, keep], self.states[low:, keep]
        self.count -= low


@dataclass(slots=True)
class _Place:
    """Where a batch's entries stand in a group: `entries` of the batch, in `cols` of the group."""

    group: _Group
    entries: Index
    cols: Index
    at: Index | slice
    """`cols`, as a slice where they stand side by side."""
    whole: bool
    """Whether they are all of the batch's entries in order, each series once."""


@dataclass(slots=True)
class _Rows:
    """Series of one group that are asked for; the tuple and array are made when they are read."""

    group: _Group
    cols: list[int] = field(default_factory=list)
    _labels: tuple[Labels, ...] = ()
    _index: Index = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def piece(self, from_ms: int, to_ms: int) -> Piece:
        """Copy their samples out."""
        if len(self._index) != len(self.cols):
            self._index = np.asarray(self.cols, dtype=np.int64)
            self._labels = tuple(self.group.labels[col] for col in self.cols)
        return self.group.piece(self._labels, self._index, from_ms, to_ms)


@dataclass(slots=True)
class _Chosen:
    """What matchers accept of the first `seen` series of a list that only grows."""

    seen: int = 0
    rows: dict[int, _Rows] = field(default_factory=dict)


class Head:
    """Not safe from many threads: whoever owns it holds a lock."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._series: dict[Labels, tuple[_Group, int]] = {}
        self._names: dict[str, list[Labels]] = defaultdict(list)
        self._targets: dict[Target, list[_Group]] = defaultdict(list)
        self._placed: dict[int, tuple[tuple[Labels, ...], list[_Place]]] = {}
        self._chosen: dict[tuple[Matcher, ...], _Chosen] = {}
        self.min_ms: int | None = None
        self.max_ms: int | None = None

    def __len__(self) -> int:
        """How many series have a sample here."""
        return len(self._series)

    @property
    def samples(self) -> int:
        """How many samples are here."""
        return sum(int((one.states[: one.count] != ABSENT).sum()) for one in self._groups)

    def put(
        self,
        labels: tuple[Labels, ...],
        times: Times,
        values: Floats,
        stale: NDArray[np.bool_] | None,
    ) -> Appended:
        """Add samples, one an entry."""
        if not len(times):
            return Appended(0)
        low, high = int(times.min()), int(times.max())
        places = self._places(labels, times)
        self.min_ms = low if self.min_ms is None else min(low, self.min_ms)
        self.max_ms = high if self.max_ms is None else max(high, self.max_ms)
        states: States | int = PRESENT
        if stale is not None:
            states = np.where(stale, STALE, PRESENT).astype(np.uint8)
        if low == high and len(places) == 1 and places[0].whole:
            (place,) = places
            if place.group.add_row(low, place.at, values, states):
                return Appended(len(values))
        if isinstance(states, int):
            states = np.full(len(times), states, dtype=np.uint8)
        totals = [0, 0, 0]
        for place in places:
            index = place.entries
            counts = place.group.put(times[index], place.cols, values[index], states[index])
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
        return Appended(*totals)

    def _places(self, labels: tuple[Labels, ...], times: Times) -> list[_Place]:
        cached = self._placed.get(id(labels))
        if cached is not None and cached[0] is labels:
            return cached[1]
        self._make_room(labels, times)
        by_group: dict[int, tuple[_Group, list[int], list[int]]] = {}
        for entry, one in enumerate(labels):
            group, col = self._series[one]
            _, index, cols = by_group.setdefault(id(group), (group, [], []))
            index.append(entry)
            cols.append(col)
        found = [
            _Place(
                group,
                np.asarray(index, dtype=np.int64),
                np.asarray(cols, dtype=np.int64),
                run_of(cols) or np.asarray(cols, dtype=np.int64),
                whole=len(index) == len(labels) == len(set(cols)),
            )
            for group, index, cols in by_group.values()
        ]
        if len(self._placed) > LAYOUTS:
            self._placed.clear()
        self._placed[id(labels)] = (labels, found)
        return found

    def _make_room(self, labels: tuple[Labels, ...], times: Times) -> None:
        """Place new series beside those of their target that have their times."""
        new: dict[Labels, list[int]] = defaultdict(list)
        known: dict[int, tuple[_Group, set[int]]] = {}
        for one, time in zip(labels, times.tolist(), strict=True):
            place = self._series.get(one)
            if place is None:
                new[one].append(time)
            else:
                known.setdefault(id(place[0]), (place[0], set()))[1].add(time)
        together: dict[tuple[Target, tuple[int, ...]], list[Labels]] = defaultdict(list)
        for one, own in new.items():
            target = (label(one, "job"), label(one, "instance"))
            together[target, tuple(sorted(set(own)))].append(one)
        for (target, own_times), members in together.items():
            group = self._group(target, np.asarray(own_times, dtype=np.int64), known.values())
            for col, one in enumerate(members, len(group.labels)):
                self._series[one] = (group, col)
                self._names[label(one, METRIC_NAME)].append(one)
            group.widen(members)

    def _group(
        self, target: Target, times: Times, coming: Iterable[tuple[_Group, set[int]]]
    ) -> _Group:
        arriving = {id(group): own for group, own in coming}
        for group in self._targets[target][-GROUPS_TRIED:]:
            if group.holds(times) or arriving.get(id(group), set()).issuperset(times.tolist()):
                return group
        group = _Group()
        self._groups.append(group)
        self._targets[target].append(group)
        return group

    def labels(self, matchers: Sequence[Matcher]) -> list[Labels]:
        """Name the series that all matchers accept."""
        return [rows.group.labels[col] for rows in self._rows(matchers) for col in rows.cols]

    def pieces(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> list[Piece]:
        """Copy out the samples of the series that all matchers accept, both ends included."""
        if self.min_ms is None or self.max_ms is None:
            return []
        if from_ms > self.max_ms or to_ms < self.min_ms:
            return []
        found = (rows.piece(from_ms, to_ms) for rows in self._rows(matchers))
        return [piece for piece in found if len(piece.times)]

    def _rows(self, matchers: Sequence[Matcher]) -> Iterable[_Rows]:
        """Find the series; those that were looked at for an earlier question are not again."""
        asked = tuple(matchers)
        found = self._chosen.get(asked)
        if found is None:
            if len(self._chosen) > ASKED:
                self._chosen.clear()
            found = self._chosen[asked] = _Chosen()
        series = self._candidates(asked)
        for one in islice(series, found.seen, None):
            if accepts(asked, one):
                group, col = self._series[one]
                found.rows.setdefault(id(group), _Rows(group)).cols.append(col)
        found.seen = len(series)
        return found.rows.values()

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Collection[Labels]:
        for one in matchers:
            if one.name == METRIC_NAME and one.op == "=":
                return self._names.get(one.value, ())
        return self._series

    def delete(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> None:
        """Drop samples, both ends included."""
        for one in self.labels(matchers):
            group, col = self._series[one]
            own = group.times[: group.count]
            low, high = np.searchsorted(own, from_ms), np.searchsorted(own, to_ms, "right")
            group.states[low:high, col] = ABSENT

    def forget(self, before_ms: int) -> None:
        """Drop what is before the time, and series that have nothing else."""
        for group in self._groups:
            group.forget(before_ms)
        self._groups = [group for group in self._groups if group.labels]
        self._placed.clear()
        self._chosen.clear()
        self._series = {
            one: (group, col) for group in self._groups for col, one in enumerate(group.labels)
        }
        self._targets = defaultdict(list)
        for group in self._groups:
            one = group.labels[0]
            self._targets[label(one, "job"), label(one, "instance")].append(group)
        self._names = defaultdict(list)
        for one in self._series:
            self._names[label(one, METRIC_NAME)].append(one)
        lows = [int(group.times[0]) for group in self._groups if group.count]
        self.min_ms = min(lows, default=None)
