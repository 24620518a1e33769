"""The head holds the newest samples by target: series that arrive together share a time column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Floats, Times
from llm_research_lab.storage.timeseries.pieces import ABSENT, STALE, Piece, States
from llm_research_lab.storage.timeseries.port import Appended
from llm_research_lab.vocabulary.labels import Labels, label
from llm_research_lab.vocabulary.matchers import Matcher, accepts

Index = NDArray[np.int64]
Target = tuple[str, str]

ROWS = 64
"""Instants that a new group has room for; doubled when full."""

GROUPS_TRIED = 8
"""Groups of a target that a new series is compared with; more are of series in their own phase."""


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
        """Add samples; give how many are taken, equal to one that is there, or contradict one."""
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

    def piece(self, cols: list[int], from_ms: int, to_ms: int) -> Piece:
        """Copy a part out, one row a series."""
        own = self.times[: self.count]
        low = int(np.searchsorted(own, from_ms, "left"))
        high = int(np.searchsorted(own, to_ms, "right"))
        labels = tuple(self.labels[col] for col in cols)
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


class Head:
    """Not safe from many threads: whoever owns it holds a lock."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._series: dict[Labels, tuple[_Group, int]] = {}
        self._targets: dict[Target, list[_Group]] = defaultdict(list)
        self._placed: dict[int, tuple[tuple[Labels, ...], list[tuple[_Group, Index, Index]]]] = {}
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
        states = np.ones(len(times), dtype=np.uint8)
        if stale is not None:
            states[stale] = STALE
        totals = [0, 0, 0]
        for group, index, cols in self._places(labels, times):
            counts = group.put(times[index], cols, values[index], states[index])
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
        self.min_ms = low if self.min_ms is None else min(low, self.min_ms)
        self.max_ms = high if self.max_ms is None else max(high, self.max_ms)
        return Appended(*totals)

    def _places(
        self, labels: tuple[Labels, ...], times: Times
    ) -> list[tuple[_Group, Index, Index]]:
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
            (group, np.asarray(index, dtype=np.int64), np.asarray(cols, dtype=np.int64))
            for group, index, cols in by_group.values()
        ]
        if len(self._placed) > 10_000:  # noqa: PLR2004 - layouts of batches, one a target
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
        asked = tuple(matchers)
        return [one for one in self._series if accepts(asked, one)]

    def pieces(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> list[Piece]:
        """Copy out the samples of the series that all matchers accept, both ends included."""
        chosen: dict[int, tuple[_Group, list[int]]] = {}
        for one in self.labels(matchers):
            group, col = self._series[one]
            chosen.setdefault(id(group), (group, []))[1].append(col)
        return list(starmap(lambda g, cols: g.piece(cols, from_ms, to_ms), chosen.values()))

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
        self._series = {
            one: (group, col) for group in self._groups for col, one in enumerate(group.labels)
        }
        self._targets = defaultdict(list)
        for group in self._groups:
            one = group.labels[0]
            self._targets[label(one, "job"), label(one, "instance")].append(group)
        lows = [int(group.times[0]) for group in self._groups if group.count]
        self.min_ms = min(lows, default=None)
