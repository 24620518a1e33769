"""A history is a store of series, or a file of samples that becomes one for the time being."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from llm_research_lab.commands.metrics.exchange import format_of, import_
from llm_research_lab.storage.timeseries import FileSeries
from llm_research_lab.storage.timeseries.shape import Shape
from llm_research_lab.vocabulary import NotFoundError

FOR_EVER = Shape(retention_ms=None)


def digest_of(place: Path) -> str:
    """Give what changes when a history does: its files' names, sizes, times; or a file's bytes."""
    found = hashlib.sha256()
    if place.is_file():
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    for path in sorted(place.rglob("*")):
        state = path.stat()
        if path.is_file() and path.name != "lock":
            words = (str(path.relative_to(place)), state.st_size, state.st_mtime_ns)
            found.update(repr(words).encode())
    return found.hexdigest()


def _unheard(_size: int) -> None: ...


@contextmanager
def history(place: Path, said: Callable[[int], None] = _unheard) -> Iterator[FileSeries]:
    """Open a lab's data directory, a store, or a file in Parquet or OpenMetrics.

    `said` is told how many bytes of a file were read. Raises NotFoundError, InvalidError.
    """
    if place.is_dir():
        roots = [one for one in (place / "metrics", place) if (one / "blocks").is_dir()]
        if not roots:
            fix = "name a lab's data directory, a store, a .parquet or an .om file"
            raise NotFoundError(f"directory {place}", "a store of series", "none", fix)
        store = FileSeries.open(roots[0], FOR_EVER, read_only=True)
        try:
            yield store
        finally:
            store.close()
        return
    format_of(place)
    with tempfile.TemporaryDirectory(prefix="lab-replay-") as folder:
        tmp = Path(folder, "tmp")
        tmp.mkdir()
        store = FileSeries.open(Path(folder, "history"), FOR_EVER)
        try:
            import_(store, place, tmp, said)
            yield store
        finally:
            store.close()
