"""Where a lab keeps its metrics: one writer, `lab ops`; whoever else opens it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llm_research_lab.storage import DataDirectory
from llm_research_lab.storage.timeseries.store import FileSeries, Shape
from llm_research_lab.vocabulary import NotFoundError

if TYPE_CHECKING:
    from llm_research_lab.service.settings import Settings

DAY_MS = 86_400_000


@contextmanager
def open_series(settings: Settings, *, write: bool) -> Iterator[FileSeries]:
    """Open the store of the data directory, made when it is written.

    Raises ConflictError when another writes it, NotFoundError when there is nothing to read.
    """
    root = DataDirectory(settings.data_dir).metrics
    if not write and not root.exists():
        fix = f"start the lab: lab up --data-dir {settings.data_dir}"
        raise NotFoundError(f"directory {root}", "the metrics of a lab that ran", "none", fix)
    shape = Shape(
        retention_ms=int(settings.metrics_retention_days * DAY_MS),
        retention_bytes=settings.metrics_bytes,
    )
    store = FileSeries.open(root, shape, read_only=not write)
    try:
        yield store
    finally:
        store.close()
