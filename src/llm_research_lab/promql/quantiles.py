"""A quantile is read from the window's samples in order: the order is kept while the window slides.

Samples are ordered as integers: NaN before all, then by value, -0 before 0; so the order, and the
bytes, do not depend on how the window came about.
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917, PLR2004

from __future__ import annotations

from typing import Any

import numpy as np

from llm_research_lab.promql.kernels import compiled, fixed
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags

NAN_KEY = -(1 << 63)
MAGNITUDE = (1 << 63) - 1


@compiled
def _keys(bits: Any, row: Any, count: int, keys: Any) -> None:  # pragma: no cover - compiled
    """Turn floats into integers of the same order."""
    for i in range(count):
        if np.isnan(row[i]):
            keys[i] = NAN_KEY
        elif bits[i] < 0:
            keys[i] = bits[i] ^ MAGNITUDE
        else:
            keys[i] = bits[i]


@compiled
def _value(key: int, bits: Any, floats: Any) -> float:  # pragma: no cover - compiled
    """Turn such an integer back; `floats` views `bits`, one element."""
    if key == NAN_KEY:
        return np.nan
    bits[0] = key ^ MAGNITUDE if key < 0 else key
    return float(floats[0])


@compiled
def _quantile(  # pragma: no cover - compiled
    phi: float, order: Any, count: int, bits: Any, floats: Any
) -> float:
    """Read between two neighbours. Source: Prometheus, promql/quantile.go, quantile."""
    if np.isnan(phi):
        return np.nan
    if phi < 0:
        return -np.inf
    if phi > 1:
        return np.inf
    rank = phi * (float(count) - 1)
    lower = int(max(0.0, np.floor(rank)))
    upper = min(count - 1, lower + 1)
    weight = rank - np.floor(rank)
    below, above = _value(order[lower], bits, floats), _value(order[upper], bits, floats)
    return float(below * (1 - weight) + above * weight)


@compiled
def _place(order: Any, count: int, key: int) -> int:  # pragma: no cover - compiled
    """Give the first place whose key is not less."""
    left, right = 0, count
    while left < right:
        middle = (left + right) // 2
        if order[middle] < key:
            left = middle + 1
        else:
            right = middle
    return left


@compiled
def _swap(order: Any, count: int, old: int, new: int) -> None:  # pragma: no cover - compiled
    """Take one key out and put another in; only those between them move."""
    place = _place(order, count, old)
    while place + 1 < count and order[place + 1] < new:
        order[place] = order[place + 1]
        place += 1
    while place > 0 and order[place - 1] > new:
        order[place] = order[place - 1]
        place -= 1
    order[place] = new


@compiled
def _sort(order: Any, count: int, spare: Any) -> None:  # pragma: no cover - compiled
    """Sort by insertion in runs, then by merging; NumPy's own takes seconds to compile."""
    run = 16
    for begin in range(0, count, run):
        for i in range(begin + 1, min(begin + run, count)):
            key, place = order[i], i
            while place > begin and order[place - 1] > key:
                order[place] = order[place - 1]
                place -= 1
            order[place] = key
    while run < count:
        for begin in range(0, count - run, 2 * run):
            end = min(begin + 2 * run, count)
            for i in range(run):
                spare[i] = order[begin + i]
            left, right, place = 0, begin + run, begin
            while left < run:
                if right < end and order[right] < spare[left]:
                    order[place] = order[right]
                    right += 1
                else:
                    order[place] = spare[left]
                    left += 1
                place += 1
        run *= 2


@compiled
def _median_distance(  # pragma: no cover - compiled
    middle: float, order: Any, count: int, distances: Any, bits: Any, floats: Any
) -> float:
    """Walk outward from a finite median, by distance: no second sort. No NaN in order."""
    right = 0
    left = count
    while right < left:
        place = (right + left) // 2
        if _value(order[place], bits, floats) < middle:
            right = place + 1
        else:
            left = place
    left = right - 1
    half = (count - 1) // 2
    for i in range(min(half + 2, count)):
        below = abs(_value(order[left], bits, floats) - middle) if left >= 0 else np.inf
        above = abs(_value(order[right], bits, floats) - middle) if right < count else np.inf
        if right >= count or (left >= 0 and below < above):
            distances[i] = below
            left -= 1
        else:
            distances[i] = above
            right += 1
    rank = 0.5 * (float(count) - 1)
    weight = rank - np.floor(rank)
    return float(distances[half] * (1 - weight) + distances[min(count - 1, half + 1)] * weight)


@compiled
def _slide(  # pragma: no cover - compiled
    order: Any, keys: Any, begin: int, seen: int, first: int, end: int, spare: Any
) -> None:
    """Make the order of samples `begin` to `seen` that of `first` to `end`."""
    if first < begin or end < seen or first >= seen or (end - seen) * 4 > end - first:
        for i in range(end - first):
            order[i] = keys[first + i]
        _sort(order, end - first, spare)
        return
    count = seen - begin
    while begin < first and seen < end:
        _swap(order, count, keys[begin], keys[seen])
        begin += 1
        seen += 1
    while begin < first:
        for i in range(_place(order, count, keys[begin]), count - 1):
            order[i] = order[i + 1]
        count -= 1
        begin += 1
    while seen < end:
        i = count
        while i > 0 and order[i - 1] > keys[seen]:
            order[i] = order[i - 1]
            i -= 1
        order[i] = keys[seen]
        count += 1
        seen += 1


@compiled
def _quantiles(  # pragma: no cover - compiled
    values: Any, lo: Any, hi: Any, phi: Any, deviation: int, out: Any
) -> None:
    samples = values.shape[1]
    keys, order = np.empty(samples, np.int64), np.empty(samples, np.int64)
    apart, apart_keys, spare = (
        np.empty(samples),
        np.empty(samples, np.int64),
        np.empty(samples, np.int64),
    )
    apart_bits = apart.view(np.int64)
    bits = np.zeros(1, np.int64)
    floats = bits.view(np.float64)
    for series in range(values.shape[0]):
        row = values[series]
        _keys(row.view(np.int64), row, samples, keys)
        begin, seen = 0, 0
        for window in range(lo.shape[0]):
            first, end = lo[window], hi[window]
            count = end - first
            if count <= 0:
                continue
            _slide(order, keys, begin, seen, first, end, spare)
            begin, seen = first, end
            answer = _quantile(phi[window], order, count, bits, floats)
            if deviation == 1 and np.isfinite(answer) and order[0] != NAN_KEY:
                answer = _median_distance(answer, order, count, apart, bits, floats)
            elif deviation == 1:
                for i in range(count):
                    apart[i] = abs(row[first + i] - answer)
                _keys(apart_bits, apart, count, apart_keys)
                _sort(apart_keys, count, spare)
                answer = _quantile(phi[window], apart_keys, count, bits, floats)
            out[series, window] = np.nan if np.isnan(answer) else answer


def shown(number: float) -> str:
    """Write a number as Go's ``%g`` does: shortest digits, an exponent from 1e21 on."""
    if np.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if np.isnan(number):
        return "NaN"
    if number == int(number) and abs(number) < 1e21:
        return "-0" if str(number) == "-0.0" else str(int(number))
    return repr(float(number))


def quantile_over_time(
    times: Times,  # noqa: ARG001 - order is enough
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],
    options: Options,
    notes: Annotations | None = None,
) -> tuple[Floats, Flags]:
    """Give each window's quantile; below 0 it is -Inf, above 1 +Inf, and both are warned of.

    Source: Prometheus, promql/functions.go, funcQuantileOverTime; 2.42 has no warning.
    """
    (phi,) = params
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    _quantiles(fixed(values), fixed(w.lo), fixed(w.hi), fixed(phi), 0, out)
    if notes is not None and options.compat != 2 and len(values):
        for wrong in phi[(w.counts > 0) & ~((phi >= 0) & (phi <= 1))]:
            notes.warn(f"quantile value should be between 0 and 1, got {shown(float(wrong))}")
    return out, present


def mad_over_time(
    times: Times,  # noqa: ARG001 - order is enough
    values: Floats,
    w: Windows,
    params: tuple[Floats, ...],  # noqa: ARG001 - takes none
    options: Options,  # noqa: ARG001 - the same in all versions
    notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
) -> tuple[Floats, Flags]:
    """Give the median distance from the median.

    Source: Prometheus, promql/functions.go, funcMadOverTime.
    """
    present = flags(w, len(values))
    out = np.zeros(present.shape)
    phi = np.full(len(w.lo), 0.5)
    _quantiles(fixed(values), fixed(w.lo), fixed(w.hi), fixed(phi), 1, out)
    return out, present


QUANTILES: dict[str, RangeFunction] = {
    "quantile_over_time": quantile_over_time,
    "mad_over_time": mad_over_time,
}
