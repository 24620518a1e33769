"""A block's file is read by columns into rows; what is not as it was written is an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from llm_research_lab.promql.values import STALE_BITS, Floats, Times
from llm_research_lab.storage.timeseries.blocks import TIME, File, checksum
from llm_research_lab.storage.timeseries.pieces import PRESENT, STALE, Piece, States


class Decoder:
    """Looks once at the sum of each whole file: Parquet sums its pages, not headers nor footer."""

    def __init__(self) -> None:
        self._whole: set[Path] = set()

    def forget(self, folder: Path) -> None:
        """Look again at what comes to stand there."""
        self._whole = {path for path in self._whole if path.parent != folder}

    def piece(
        self, path: Path, file: File, cols: Sequence[int], into: Floats | None = None
    ) -> Piece:
        """Read some series of a file, the values into an array [cols, rows] where one is given.

        Raises OSError, ValueError, KeyError or pyarrow's errors for a file that is damaged.
        """
        if path not in self._whole:
            if checksum(path) != file.crc:
                raise ValueError("its checksum differs")
            self._whole.add(path)
        with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
            table = parquet.read(columns=[TIME, *map(str, cols)])
        times = _times(table.column(TIME))
        values = np.empty((len(cols), len(times))) if into is None else into
        if values.shape[1] != len(times):
            raise ValueError(f"it has {len(times)} rows, not {values.shape[1]}")
        states: States | None = None
        for row, col in enumerate(cols):
            own = _decoded(table.column(str(col)), values[row])
            if own is not None:
                if states is None:
                    states = np.full(values.shape, PRESENT, dtype=np.uint8)
                states[row] = own
        return Piece(tuple(file.series[col].labels for col in cols), times, values, states)


def _times(column: pa.ChunkedArray) -> Times:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _decoded(column: pa.ChunkedArray, into: Floats) -> States | None:
    """Lay a column's values there; give its states unless all are ordinary samples."""
    states: States | None = None
    if column.null_count:
        states = np.asarray(column.is_valid()).astype(np.uint8)
        column = column.fill_null(0)
    at = 0
    for chunk in column.chunks:
        values: NDArray[Any] = chunk.to_numpy()
        into[at : at + len(values)] = values
        at += len(values)
    if pa.types.is_floating(column.type):
        stale = into.view(np.uint64) == STALE_BITS
        if stale.any():
            states = np.full(len(into), PRESENT, dtype=np.uint8) if states is None else states
            states[stale] = STALE
    return states
