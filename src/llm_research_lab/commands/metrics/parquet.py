"""Parquet is long: a sample a row; it carries stale markers.

Columns: `series` (labels as a JSON object), `time_ms`, `value`, `stale`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from llm_research_lab.commands.metrics.samples import Numbering, Samples
from llm_research_lab.promql.values import Columns
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import labels_of

ROWS = 1_000_000
"""Samples of a row group that is written, and at most of a piece that is read."""

_SCHEMA = pa.schema(
    [
        ("series", pa.dictionary(pa.int32(), pa.string())),
        ("time_ms", pa.int64()),
        ("value", pa.float64()),
        ("stale", pa.bool_()),
    ]
)
_FIX = "export it anew; nothing of the file was imported"


class ParquetWriter:
    """Takes columns; keeps at most about a row group of them in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(file, _SCHEMA, compression="zstd")
        self._waiting: list[tuple[str, Columns, int]] = []
        self._rows = 0

    def write(self, columns: Columns) -> int:
        """Write the samples; give how many."""
        count = len(columns.times)
        for row, labels in enumerate(columns.labels):
            self._waiting.append((orjson.dumps(dict(labels)).decode(), columns, row))
            self._rows += count
            if self._rows >= ROWS:
                self._flush()
        return count * len(columns.labels)

    def _flush(self) -> None:
        """Write one row group, with a dictionary of its own series."""
        given, self._waiting, self._rows = self._waiting, [], 0
        if not given:
            return
        counts = [len(columns.times) for _, columns, _ in given]
        places = np.repeat(np.arange(len(given), dtype=np.int32), counts)
        arrays = [
            pa.DictionaryArray.from_arrays(
                pa.array(places), pa.array([text for text, *_ in given])
            ),
            pa.array(np.concatenate([columns.times for _, columns, _ in given])),
            pa.array(np.concatenate([columns.values[row] for _, columns, row in given])),
            pa.array(np.concatenate([_stale(columns, row) for _, columns, row in given])),
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))

    def close(self) -> None:
        """Write what waits, and the footer."""
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Keep the library from writing a footer to a file that is closed."""
        self._writer.is_open = False


def _stale(columns: Columns, row: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.zeros(len(columns.times), np.bool_) if columns.stale is None else columns.stale[row]


def read_parquet(
    path: Path, numbering: Numbering, said: Callable[[int], None], piece_rows: int = ROWS
) -> Iterator[Samples]:
    """Read piece by piece; series of other columns' order or string type are read as well.

    `said` is told about how many bytes each piece took. Raises InvalidError with row and column.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check(path, file.schema_arrow.names)
            rows, size, at = file.metadata.num_rows, path.stat().st_size, 0
            known: dict[str, int] = {}
            for part in file.iter_batches(piece_rows, columns=_SCHEMA.names):
                count = part.num_rows
                yield _samples(path, part, at, numbering, known)
                at += count
                said(size * count // rows)
    except pa.ArrowException as error:
        raise _broken(path, "", "a Parquet file", str(error)) from error


def _check(path: Path, names: list[str]) -> None:
    missing = [name for name in _SCHEMA.names if name not in names]
    if missing:
        expected = f"columns {', '.join(_SCHEMA.names)}"
        raise _broken(path, "", expected, ", ".join(names) or "none")


def _samples(
    path: Path, part: pa.RecordBatch, first: int, numbering: Numbering, known: dict[str, int]
) -> Samples:
    for name in _SCHEMA.names:
        nulls = part.column(name).is_null()
        if nulls.true_count:
            row = first + nulls.index(pa.scalar(value=True)).as_py() + 1
            raise _broken(path, f", row {row}, column {name}", "a value", "null")
    series = _cast(path, part, "series")
    numbers = np.empty(len(series.dictionary), dtype=np.int32)
    for place, text in enumerate(series.dictionary.to_pylist()):
        if text not in known:
            labels = _labels(text)
            if labels is None:
                row = first + series.indices.index(place).as_py() + 1
                where = f", row {row}, column series"
                raise _broken(path, where, "labels as a JSON object of text", repr(text[:80]))
            known[text] = numbering.number(labels_of(labels))
        numbers[place] = known[text]
    times, values, stale = (
        _cast(path, part, name).to_numpy(zero_copy_only=False) for name in _SCHEMA.names[1:]
    )
    return Samples(numbers[series.indices.to_numpy()], times, values, stale)


def _cast(path: Path, part: pa.RecordBatch, name: str) -> Any:
    column, wanted = part.column(name), _SCHEMA.field(name).type
    if column.type == wanted:
        return column
    try:
        if name == "series":
            return column.cast(pa.string()).dictionary_encode()
        return column.cast(wanted)
    except pa.ArrowException as error:
        raise _broken(path, f", column {name}", str(wanted), str(error)) from error


def _labels(text: str) -> dict[str, str] | None:
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
        return found
    return None


def _broken(path: Path, where: str, expected: str, got: str) -> InvalidError:
    return InvalidError(f"file {path}{where}", expected, got, _FIX)
