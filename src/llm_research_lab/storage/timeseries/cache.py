"""Blocks are read by columns, and the columns read last are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from llm_research_lab.promql.values import STALE_BITS, Floats, Times
from llm_research_lab.storage.timeseries.blocks import TIME, Block, File, checksum
from llm_research_lab.storage.timeseries.pieces import PRESENT, STALE, Piece, States

Column = tuple[Floats | Times, States | None]


class Cache:
    """Decoded columns, the least lately used given up beyond so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._columns: OrderedDict[tuple[Path, str], Column] = OrderedDict()
        self._whole: set[Path] = set()
        self._lock = threading.Lock()

    def get(self, path: Path, names: Sequence[str], crc: int) -> dict[str, Column]:
        """Give the columns of the file, read where they are not known.

        A file is read only when it is as it was written, which is looked at once: Parquet sums
        its pages, not their headers nor the footer. Raises OSError, ValueError.
        """
        with self._lock:
            known = {n: self._columns[path, n] for n in names if (path, n) in self._columns}
            for name in known:
                self._columns.move_to_end((path, name))
        missing = [name for name in names if name not in known]
        if missing:
            if path not in self._whole:
                if checksum(path) != crc:
                    raise ValueError("its checksum differs")
                self._whole.add(path)
            read = _read(path, missing)
            with self._lock:
                for name, column in read.items():
                    self._keep((path, name), column)
            known |= read
        return known

    def forget(self, folder: Path) -> None:
        """Let go of the columns of a block that is gone."""
        with self._lock:
            self._whole = {path for path in self._whole if path.parent != folder}
            for key in [key for key in self._columns if key[0].parent == folder]:
                self.bytes -= _size(self._columns.pop(key))

    def _keep(self, key: tuple[Path, str], column: Column) -> None:
        if key in self._columns:
            return
        self._columns[key] = column
        self.bytes += _size(column)
        while self.bytes > self.most_bytes:
            self.bytes -= _size(self._columns.popitem(last=False)[1])


def _size(column: Column) -> int:
    return column[0].nbytes + (0 if column[1] is None else column[1].nbytes)


def _read(path: Path, names: Sequence[str]) -> dict[str, Column]:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read(columns=list(names))
    return {name: _decoded(name, table.column(name)) for name in names}


def _decoded(name: str, column: pa.ChunkedArray) -> Column:
    states: States | None = None
    if column.null_count:
        states = np.asarray(column.is_valid()).astype(np.uint8)
        column = column.fill_null(0)
    values: NDArray[Any] = column.to_numpy()
    if name == TIME:
        return values.astype(np.int64, copy=False), None
    if values.dtype == np.int64:
        return values.astype(np.float64), states
    stale = values.view(np.uint64) == STALE_BITS
    if stale.any():
        states = np.full(len(values), PRESENT, dtype=np.uint8) if states is None else states
        states[stale] = STALE
    return values, states


def pieces_of(
    block: Block, file: File, cols: list[int], times_ms: tuple[int, int], cache: Cache
) -> Piece | None:
    """Read some series of a file between both ends. Raises OSError for a damaged file."""
    path = block.path / file.name
    times = cache.get(path, [TIME], file.crc)[TIME][0].astype(np.int64, copy=False)
    low = int(np.searchsorted(times, times_ms[0], "left"))
    high = int(np.searchsorted(times, times_ms[1], "right"))
    if low == high:
        return None
    columns = cache.get(path, [str(col) for col in cols], file.crc)
    values = np.empty((len(cols), high - low))
    states: States | None = None
    for row, col in enumerate(cols):
        own, held = columns[str(col)]
        values[row] = own[low:high]
        if held is not None:
            if states is None:
                states = np.full(values.shape, PRESENT, dtype=np.uint8)
            states[row] = held[low:high]
    labels = tuple(file.series[col].labels for col in cols)
    return Piece(labels, times[low:high], values, states)
