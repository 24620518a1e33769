"""Samples leave and come as OpenMetrics text or as Parquet; only Parquet carries stale markers.

Memory does not grow with the file: series leave a few at a time, and come sorted by time on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import numpy as np

from llm_research_lab.commands.metrics.openmetrics import TextWriter, read_text
from llm_research_lab.commands.metrics.parquet import ParquetWriter, read_parquet
from llm_research_lab.commands.metrics.samples import Numbering, Samples
from llm_research_lab.commands.metrics.spool import spooled
from llm_research_lab.commands.metrics.whole import whole
from llm_research_lab.promql.values import Columns
from llm_research_lab.storage.private import explained
from llm_research_lab.storage.timeseries import Appended, Batch, FileSeries, SeriesStore
from llm_research_lab.vocabulary import InvalidError, NotFoundError
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label
from llm_research_lab.vocabulary.matchers import Matcher

Format = Literal["openmetrics", "parquet"]

TOGETHER = 8
"""Series of a family that are read at once in any case: of a hundred days they are about 40 MB."""

SAMPLES = 4_000_000
"""Samples of a family, by its first series, up to which it is read at once."""

_ENDINGS: dict[str, Format] = {
    ".om": "openmetrics",
    ".txt": "openmetrics",
    ".prom": "openmetrics",
    ".parquet": "parquet",
}


class Writer(Protocol):
    """What a format writes with."""

    def write(self, columns: Columns) -> int:
        """Write samples; give how many."""
        ...

    def close(self) -> None:
        """Write the end."""
        ...

    def abandon(self) -> None:
        """Write nothing more: the file is given up."""
        ...


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote, and what its format has no words for."""

    samples: int = 0
    stale: int = 0
    """Stale markers that were left out."""
    nameless: int = 0
    """Series without a metric's name that were left out."""


def format_of(path: Path) -> Format:
    """Tell the format by the file's ending. Raises InvalidError."""
    try:
        return _ENDINGS[path.suffix]
    except KeyError:
        expected, fix = "a name that ends in .om, .txt, .prom or .parquet", "rename it"
        raise InvalidError(f"file {path}", expected, path.name, fix) from None


def export(
    store: SeriesStore,
    matchers: Sequence[Matcher],
    span_ms: tuple[int, int],
    path: Path,
    *,
    said: Callable[[int, int], None] = lambda _done, _of: None,
    most: int = SAMPLES,
) -> Exported:
    """Write the samples of the series that all matchers accept, both ends of the span included.

    `said` is told how many series of all are written; a family of more than `most` samples is read
    series by series. The file appears when it is whole.
    """
    as_text = format_of(path) == "openmetrics"
    families: dict[str, list[Labels]] = {}
    for labels in store.series(matchers, *span_ms):
        families.setdefault(label(labels, METRIC_NAME), []).append(labels)
    total, done, told = sum(map(len, families.values())), 0, Exported()
    if as_text:
        told = Exported(nameless=len(families.pop("", [])))
    with whole(path) as file, _writing(file, as_text=as_text) as writer:
        for name in sorted(families):
            for columns in _family(store, matchers, span_ms, families[name], most):
                stale = 0 if columns.stale is None or not as_text else int(columns.stale.sum())
                count = writer.write(columns)
                told = replace(told, samples=told.samples + count, stale=told.stale + stale)
            done += len(families[name])
            said(done, total)
    return told


@contextmanager
def _writing(file: BinaryIO, *, as_text: bool) -> Iterator[Writer]:
    writer: Writer = TextWriter(file) if as_text else ParquetWriter(file)
    try:
        yield writer
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def _family(
    store: SeriesStore,
    matchers: Sequence[Matcher],
    span_ms: tuple[int, int],
    series: list[Labels],
    most: int,
) -> Iterator[Columns]:
    """Select a family at once when it is small, else series by series."""
    first, *rest = sorted(series)
    if len(series) > TOGETHER:
        probe = list(_series(store, span_ms, first))
        if sum(len(one.times) for one in probe) * len(series) > most:
            yield from probe
            for labels in rest:
                yield from _series(store, span_ms, labels)
            return
    yield from store.select(
        (*matchers, Matcher(METRIC_NAME, "=", label(first, METRIC_NAME))), *span_ms
    )


def _series(store: SeriesStore, span_ms: tuple[int, int], labels: Labels) -> Iterator[Columns]:
    """Select one series: matchers accept those with more labels as well."""
    exact = tuple(Matcher(key, "=", value) for key, value in labels)
    for columns in store.select(exact, *span_ms):
        rows = [row for row, one in enumerate(columns.labels) if one == labels]
        if rows:
            stale = None if columns.stale is None else columns.stale[rows]
            yield Columns((labels,), columns.times, columns.values[rows], stale)


def import_(
    store: FileSeries,
    path: Path,
    tmp: Path,
    said: Callable[[int], None] = lambda _bytes: None,
) -> Appended:
    """Take the file's samples in, of any age; where the store has one, that one stays.

    The whole file is read, and sorted by time in `tmp`, before the first sample is taken: a file
    that breaks its format leaves nothing. `said` is told bytes of the file as they are read.
    """
    read = {"openmetrics": read_text, "parquet": read_parquet}[format_of(path)]
    if not path.is_file():
        raise NotFoundError(f"file {path}", "a file", "none", "see ls for its name")
    numbering, totals = Numbering(), Appended(0)
    try:
        tmp.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="import-", dir=tmp) as folder:
            spool = spooled(read(path, numbering, said), Path(folder), store.shape.block_ms)
            for samples in spool:
                new, known, refused = _unknown(store, numbering, samples)
                done = store.add_history([new])
                totals = Appended(
                    totals.taken + done.taken,
                    totals.duplicate + done.duplicate + known,
                    totals.conflicting + done.conflicting + refused,
                    too_new=totals.too_new + done.too_new,
                )
    except OSError as error:
        raise explained(error, path) from error
    return totals


def _unknown(store: SeriesStore, numbering: Numbering, samples: Samples) -> tuple[Batch, int, int]:
    """Leave out what the store has: give the rest, how many are equal, and how many contradict."""
    have = {
        labels: (columns, row)
        for columns in store.select((), int(samples.times.min()), int(samples.times.max()))
        for row, labels in enumerate(columns.labels)
    }
    order = np.argsort(samples.series, kind="stable")
    found, starts = np.unique(samples.series[order], return_index=True)
    kept = np.ones(len(order), dtype=np.bool_)
    known = refused = 0
    for number, places in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        there = have.get(numbering.labels[number])
        if there is not None:
            held, same = _held(*there, samples, places)
            kept[places] = ~held
            known, refused = known + int(same.sum()), refused + int((held & ~same).sum())
    left = np.flatnonzero(kept)
    labels = tuple(numbering.labels[number] for number in samples.series[left].tolist())
    stale = samples.stale[left]
    batch = Batch(labels, samples.times[left], samples.values[left], stale if stale.any() else None)
    return batch, known, refused


def _held(
    columns: Columns, row: int, samples: Samples, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which of one series' samples the store has at their times, and which are equal there."""
    times, values, stale = samples.times[places], samples.values[places], samples.stale[places]
    at = np.minimum(np.searchsorted(columns.times, times), len(columns.times) - 1)
    held = columns.times[at] == times
    old = columns.values[row][at]
    was = np.zeros(len(at), np.bool_) if columns.stale is None else columns.stale[row][at]
    equal = (old == values) | (np.isnan(old) & np.isnan(values))
    return held, held & (was == stale) & (was | equal)
