"""Samples in any order are sorted by time on the disk: in memory are one block's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from llm_research_lab.commands.metrics.samples import Samples

ROWS = 2_000_000
"""Samples that are handed on at a time: about what two hours of a large lab have."""

_ROW = np.dtype(
    [("time", np.int64), ("value", np.float64), ("series", np.int32), ("stale", np.bool_)]
)


class Spool:
    """One file a span of time, in a folder that the caller makes and removes."""

    def __init__(self, folder: Path, span_ms: int, rows: int = ROWS) -> None:
        self.folder, self.span_ms, self.rows = folder, span_ms, rows
        self._spans: set[int] = set()

    def put(self, samples: Samples) -> None:
        """Add the samples to their spans' files."""
        if not len(samples.times):
            return
        rows = np.empty(len(samples.times), dtype=_ROW)
        rows["time"], rows["value"] = samples.times, samples.values
        rows["series"], rows["stale"] = samples.series, samples.stale
        spans = samples.times // self.span_ms
        order = np.argsort(spans, kind="stable")
        rows, spans = rows[order], spans[order]
        found, starts = np.unique(spans, return_index=True)
        for span, part in zip(found.tolist(), np.split(rows, starts[1:]), strict=True):
            with (self.folder / str(span)).open("ab") as file:
                file.write(part.tobytes())
            self._spans.add(span)

    def __iter__(self) -> Iterator[Samples]:
        """Give the spans' samples, the oldest span first; a file is removed when it was read."""
        for span in sorted(self._spans):
            path = self.folder / str(span)
            with path.open("rb") as file:
                while data := file.read(self.rows * _ROW.itemsize):
                    yield _samples(np.frombuffer(data, dtype=_ROW))
            path.unlink()


def spooled(samples: Iterable[Samples], folder: Path, span_ms: int, rows: int = ROWS) -> Spool:
    """Put all of the samples; `rows` are given at a time."""
    spool = Spool(folder, span_ms, rows)
    for one in samples:
        spool.put(one)
    return spool


def _samples(rows: np.ndarray) -> Samples:
    return Samples(
        *(np.ascontiguousarray(rows[name]) for name in ("series", "time", "value", "stale"))
    )
