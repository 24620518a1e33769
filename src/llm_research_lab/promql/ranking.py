"""topk and bottomk keep the rows that a heap of k would hold at each instant, ties as in Go.

Source: Prometheus, promql/engine.go (vectorByValueHeap, vectorByReverseValueHeap); Go,
container/heap (Push, Pop, Fix).
"""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: C901, PLR0917

from __future__ import annotations

import math

import numpy as np

from llm_research_lab.promql.kernels import compiled
from llm_research_lab.promql.values import Flags, Floats, Times


@compiled
def _less(a: float, b: float, sign: float) -> bool:  # pragma: no cover - compiled
    """Whether a is further from being kept than b. NaN is the furthest."""
    if math.isnan(a):
        return True
    return sign * a < sign * b


@compiled
def _up(heap: Times, at: int, column: Floats, sign: float) -> None:  # pragma: no cover - compiled
    while at > 0:
        parent = (at - 1) // 2
        if parent == at or not _less(column[heap[at]], column[heap[parent]], sign):
            break
        heap[at], heap[parent] = heap[parent], heap[at]
        at = parent


@compiled
def _down(
    heap: Times, at: int, size: int, column: Floats, sign: float
) -> None:  # pragma: no cover - compiled
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _less(column[heap[child + 1]], column[heap[child]], sign):
            child += 1
        if not _less(column[heap[child]], column[heap[at]], sign):
            break
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@compiled
def ranked(
    values: Floats, present: Flags, k: Times, sign: float, popping: bool, keep: Flags, order: Times
) -> None:  # pragma: no cover - compiled
    """Mark in `keep` [S, T] what the heap of each instant holds.

    `order` has the last one's, best first. `sign` 1 keeps the greatest, -1 the least. `popping`:
    2.42 pops and pushes where 3 replaces.
    """
    rows, steps = values.shape
    heap = np.empty(rows + 1, dtype=np.int64)
    for t in range(steps):
        column = values[:, t].copy()
        size = 0
        most = min(k[t], rows)
        if most < 1:
            order[:] = -1
            continue
        for s in range(rows):
            if not present[s, t]:
                continue
            if size < most:
                heap[size] = s
                size += 1
                _up(heap, size - 1, column, sign)
                continue
            worst = column[heap[0]]
            better = sign * worst < sign * column[s]
            if not (better or (math.isnan(worst) and (popping or not math.isnan(column[s])))):
                continue
            if most == 1:
                heap[0] = s
            elif popping:
                heap[0] = heap[size - 1]
                _down(heap, 0, size - 1, column, sign)
                heap[size - 1] = s
                _up(heap, size - 1, column, sign)
            else:
                heap[0] = s
                _down(heap, 0, size, column, sign)
        for i in range(1, size):  # a stable insertion sort, best first
            j = i
            while j > 0 and _less(column[heap[j - 1]], column[heap[j]], sign):
                heap[j], heap[j - 1] = heap[j - 1], heap[j]
                j -= 1
        order[:] = -1
        for i in range(size):
            keep[heap[i], t] = True
            order[i] = heap[i]
