"""A store of series takes batches of samples, and gives columns of what was taken.

Whatever `append` has returned for is kept: a crash after it loses nothing of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from llm_research_lab.promql.values import Columns, Flags, Floats, Times
from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples as they came: one an entry, many of one series among them.

    Shapes: all of length N. `stale` True marks an entry as a stale marker, whose value means
    nothing; None when there is none.
    """

    labels: tuple[Labels, ...]
    times: Times
    values: Floats
    stale: Flags | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch's samples.

    `duplicate`: an equal sample was there; `conflicting`: another value was, which stays;
    `too_old`: older than the store takes samples late; `too_new`: too far ahead of the store's
    clock, where one sample would make all that come after it too old.
    Source: Prometheus, tsdb/head_append.go.
    """

    taken: int
    duplicate: int = 0
    conflicting: int = 0
    too_old: int = 0
    too_new: int = 0


class SeriesStore(Protocol):
    """Where samples are kept. `matchers` empty accept all series."""

    def append(self, batch: Batch) -> Appended:
        """Keep the batch's samples; return when they are safe."""
        ...

    def select(
        self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant
    ) -> list[Columns]:
        """Give the samples of the series that all matchers accept, both ends included.

        A series stands in one of the columns alone; columns have at least one sample of each row.
        """
        ...

    def series(self, matchers: Sequence[Matcher], from_ms: Instant, to_ms: Instant) -> list[Labels]:
        """Name the series that all matchers accept and that may have samples in the time."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
