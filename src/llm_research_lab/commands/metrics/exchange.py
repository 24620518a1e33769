"""Samples leave and come as OpenMetrics text or as Parquet; only Parquet carries stale markers.

Parquet is long: a sample a row, columns `series` (labels as JSON), `time_ms`, `value`, `stale`.
Source: OpenMetrics 1.0; Prometheus's "Backfilling from OpenMetrics format".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from llm_research_lab.promql.floats import format_float
from llm_research_lab.promql.values import Columns
from llm_research_lab.scrape.exposition import parse_openmetrics
from llm_research_lab.storage.private import explained
from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, labels_of, without

Format = Literal["openmetrics", "parquet"]

PIECE_BYTES = 8_000_000
"""Text that is read at a time."""

ROWS = 1_000_000
"""Samples of a Parquet row group."""

_SCHEMA = pa.schema(
    [
        ("series", pa.dictionary(pa.int32(), pa.string())),
        ("time_ms", pa.int64()),
        ("value", pa.float64()),
        ("stale", pa.bool_()),
    ]
)
_END = b"# EOF\n"


def format_of(path: Path) -> Format:
    """Tell the format by the file's ending. Raises InvalidError."""
    if path.suffix in {".om", ".txt", ".prom"}:
        return "openmetrics"
    if path.suffix == ".parquet":
        return "parquet"
    raise InvalidError(
        f"file {path}", "a name that ends in .om, .txt or .parquet", path.name, "rename it"
    )


def export(columns: Iterable[Columns], path: Path) -> tuple[int, int]:
    """Write the samples: how many, and how many stale markers were left out."""
    write = {"openmetrics": _write_text, "parquet": _write_parquet}[format_of(path)]
    try:
        return write(columns, path)
    except OSError as error:
        raise explained(error, path) from error


def read(path: Path) -> Iterator[Batch]:
    """Give the file's samples in batches. Raises InvalidError where it breaks its format."""
    batches = {"openmetrics": _read_text, "parquet": _read_parquet}[format_of(path)]
    try:
        yield from batches(path)
    except OSError as error:
        raise explained(error, path) from error


def _write_text(columns: Iterable[Columns], path: Path) -> tuple[int, int]:
    """Write a family at a time: OpenMetrics wants a family's samples together."""
    pieces = [(labels, one, row) for one in columns for row, labels in enumerate(one.labels)]
    pieces.sort(key=lambda piece: (dict(piece[0]).get(METRIC_NAME, ""), piece[0]))
    written = left = 0
    with path.open("wb") as file:
        for name, family in groupby(pieces, key=lambda piece: dict(piece[0]).get(METRIC_NAME, "")):
            file.write(f"# TYPE {name} unknown\n".encode())
            for labels, one, row in family:
                stale = None if one.stale is None else one.stale[row]
                written += _write_series(file, labels, one, row, stale)
                left += 0 if stale is None else int(stale.sum())
        file.write(_END)
    return written, left


def _write_series(
    file: BinaryIO, labels: Labels, one: Columns, row: int, stale: np.ndarray | None
) -> int:
    head = _series_text(labels)
    kept = range(len(one.times)) if stale is None else np.flatnonzero(~stale).tolist()
    times, values = one.times.tolist(), one.values[row].tolist()
    lines = [
        f"{head} {format_float(values[at], 'g')} {times[at] // 1000}.{times[at] % 1000:03d}\n"
        for at in kept
    ]
    file.write("".join(lines).encode())
    return len(lines)


def _series_text(labels: Labels) -> str:
    name = dict(labels).get(METRIC_NAME, "")
    pairs = ",".join(f"{key}={_quoted(value)}" for key, value in without(labels, (METRIC_NAME,)))
    return f"{name}{{{pairs}}}" if pairs else name


def _quoted(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def _read_text(path: Path) -> Iterator[Batch]:
    """Read text piece by piece, in constant memory."""
    cache: dict[str, Labels] = {}
    with path.open("rb") as file:
        number = 0
        while lines := file.readlines(PIECE_BYTES):
            body = b"".join(lines).removesuffix(_END).removesuffix(b"# EOF")
            parsed = parse_openmetrics(body + _END, cache, _labels_of_series)
            if len(parsed.times) != len(parsed.values):
                raise InvalidError(
                    f"file {path}, lines from {number + 1}",
                    "a time behind each sample",
                    "a sample without one",
                    "export it with times",
                )
            number += len(lines)
            yield Batch(
                tuple(parsed.series),
                np.fromiter((parsed.times[at] for at in range(len(parsed.values))), np.int64),
                np.asarray(parsed.values, dtype=np.float64),
            )


def _labels_of_series(series: object) -> Labels:
    """Take the labels as they were exposed."""
    return labels_of(series.labels)  # type: ignore[attr-defined]


def _write_parquet(columns: Iterable[Columns], path: Path) -> tuple[int, int]:
    written = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for one in columns:
            for row, labels in enumerate(one.labels):
                count = len(one.times)
                text = orjson.dumps(dict(labels)).decode()
                stale = np.zeros(count, np.bool_) if one.stale is None else one.stale[row]
                series = pa.DictionaryArray.from_arrays(
                    pa.array(np.zeros(count, np.int32)), pa.array([text])
                )
                table = pa.table([series, one.times, one.values[row], stale], schema=_SCHEMA)
                writer.write_table(table, row_group_size=ROWS)
                written += count
    return written, 0


def _read_parquet(path: Path) -> Iterator[Batch]:
    try:
        file = pq.ParquetFile(path)
        missing = set(_SCHEMA.names) - set(file.schema_arrow.names)
    except pa.ArrowInvalid as error:
        raise InvalidError(
            f"file {path}", "a Parquet file", str(error), "export it anew"
        ) from error
    if missing:
        got = ", ".join(file.schema_arrow.names)
        raise InvalidError(
            f"file {path}", f"columns {', '.join(_SCHEMA.names)}", got, "export it anew"
        )
    with file:
        for batch in file.iter_batches(ROWS, columns=_SCHEMA.names):
            series = batch.column("series").to_pylist()
            yield Batch(
                tuple(map(_labels_of_text, series)),
                batch.column("time_ms").to_numpy(zero_copy_only=False).astype(np.int64),
                batch.column("value").to_numpy(zero_copy_only=False).astype(np.float64),
                batch.column("stale").to_numpy(zero_copy_only=False).astype(np.bool_),
            )


@lru_cache(maxsize=100_000)
def _labels_of_text(text: str) -> Labels:
    try:
        return labels_of(orjson.loads(text))
    except (ValueError, TypeError) as error:
        raise InvalidError(
            "column series", "labels as a JSON object", repr(text[:80]), "export it anew"
        ) from error
