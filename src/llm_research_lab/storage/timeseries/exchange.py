"""What leaves a store, and comes back, as batches or as one Parquet file of samples.

The file's columns: `series` (labels as JSON), `time_ms`, `value`, `stale`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from llm_research_lab.storage.private import explained
from llm_research_lab.storage.timeseries.port import Batch, SeriesStore
from llm_research_lab.vocabulary import Instant, InvalidError
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

_SCHEMA = pa.schema(
    [
        ("series", pa.dictionary(pa.int32(), pa.string())),
        ("time_ms", pa.int64()),
        ("value", pa.float64()),
        ("stale", pa.bool_()),
    ]
)


def batches(
    store: SeriesStore, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
) -> Iterator[Batch]:
    """Give the samples, one batch a series, each in order of time."""
    for columns in store.select(matchers, from_ms, to_ms):
        for row, labels in enumerate(columns.labels):
            stale = None if columns.stale is None else columns.stale[row]
            count = len(columns.times)
            yield Batch((labels,) * count, columns.times, columns.values[row], stale)


def export_parquet(given: Iterator[Batch], path: Path) -> int:
    """Write the batches, each of one series; give how many samples."""
    total = 0
    try:
        with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
            for batch in given:
                count = len(batch.values)
                name = pa.array([orjson.dumps(dict(batch.labels[0])).decode()])
                places = pa.array(np.zeros(count, dtype=np.int32))
                stale = np.zeros(count, dtype=np.bool_) if batch.stale is None else batch.stale
                series = pa.DictionaryArray.from_arrays(places, name)
                columns = [series, pa.array(batch.times), pa.array(batch.values), pa.array(stale)]
                writer.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA))
                total += count
    except OSError as error:
        raise explained(error, path) from error
    return total


def import_parquet(path: Path) -> Iterator[Batch]:
    """Read such a file. Raises InvalidError for any other."""
    try:
        with pq.ParquetFile(path) as file:
            for part in file.iter_batches(100_000, columns=_SCHEMA.names):
                series = (
                    part.column(0).dictionary_encode()
                    if not pa.types.is_dictionary(part.column(0).type)
                    else part.column(0)
                )
                names = [labels_of(orjson.loads(one)) for one in series.dictionary.to_pylist()]
                labels = tuple(names[place] for place in series.indices.to_pylist())
                times, values = part.column(1).to_numpy(), part.column(2).to_numpy()
                stale = part.column(3).to_numpy(zero_copy_only=False)
                yield Batch(labels, times, values, stale if stale.any() else None)
    except (pa.ArrowException, KeyError, ValueError) as error:
        expected = "a Parquet file with series, time_ms, value and stale"
        raise InvalidError(f"file {path}", expected, str(error), "export it again") from error
    except OSError as error:
        raise explained(error, path) from error
