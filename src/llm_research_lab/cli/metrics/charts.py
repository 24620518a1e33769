"""A series as a line of bars: as high as its values, empty where it was absent."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60
GAP = " "
ODD = "·"


def sparkline(values: Sequence[float | None], low: float, high: float, width: int = WIDTH) -> str:
    """Draw the values, oldest first, each column the largest of its share; None is a gap."""
    return "".join(_bar(share, low, high) for share in _shares(values, width))


def bounds(rows: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    """Give the least and the greatest finite value of all rows; (0, 0) without one."""
    finite = [v for row in rows for v in row if v is not None and math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (0.0, 0.0)


def _shares(values: Sequence[float | None], width: int) -> list[list[float]]:
    columns = min(width, len(values))
    made = []
    for column in range(columns):
        share = values[column * len(values) // columns : (column + 1) * len(values) // columns]
        made.append([v for v in share if v is not None])
    return made


def _bar(share: list[float], low: float, high: float) -> str:
    if not share:
        return GAP
    finite = [v for v in share if math.isfinite(v)]
    if not finite:
        return ODD
    if high <= low:
        return BARS[3]
    height = (max(finite) - low) / (high - low)
    return BARS[min(len(BARS) - 1, int(height * len(BARS)))]
