"""Columns go in, blocks come out: samples of series in arrays, one row a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.vocabulary import Instant
from llm_research_lab.vocabulary.labels import Labels
from llm_research_lab.vocabulary.matchers import Matcher

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

STALE_BITS = 0x7FF0000000000002
"""The NaN that ends a series. Source: Prometheus, model/value/value.go, StaleNaN."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Series that share one time column.

    Shapes: `times` int64 [N], strictly increasing, milliseconds; `values` float64 [S, N], each row
    contiguous; `stale` bool [S, N], True where the sample is a stale marker (its value is any
    NaN then), or None when there is no marker at all.
    """

    labels: tuple[Labels, ...]
    times: Times
    values: Floats
    stale: Flags | None = None
    cut_from: Columns | None = None
    """Wider columns of the same series, C-contiguous and kept: windows on those hold the same."""
    derived: dict[str, Any] = field(default_factory=dict)
    """What is made of the samples alone, made once."""
    starts: Times | None = None
    """When each sample's counter began, int64 [S, N], 0 where not known; None: nowhere known."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants of an evaluation: `start_ms`, by `step_ms`, up to `end_ms` included.

    An instant query has one instant and `step_ms` 0.
    """

    start_ms: Instant
    end_ms: Instant
    step_ms: int

    @property
    def count(self) -> int:
        """How many instants."""
        return 1 if self.step_ms <= 0 else (self.end_ms - self.start_ms) // self.step_ms + 1

    @property
    def times(self) -> Times:
        """All instants, int64 [T]."""
        return self.start_ms + np.arange(self.count, dtype=np.int64) * self.step_ms


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """An instant vector at every instant of a grid.

    Shapes: `labels` S; `values` float64 [S, T]; `present` bool [S, T]: where False there is no
    sample and the value means nothing. NaN with `present` is a sample that is NaN. No row is wholly
    absent, no two rows of an answer have equal labels. `drop_name[s]` True: the metric name is
    still in `labels[s]` but is to be dropped at the end (only with `Options.delayed_names`).
    Row order is the answer's order for an instant query.
    """

    labels: tuple[Labels, ...]
    values: Floats
    present: Flags
    drop_name: tuple[bool, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScalarValue:
    """A scalar at every instant: float64 [T]."""

    values: Floats


@dataclass(frozen=True, slots=True)
class StringValue:
    """A string."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class RangeSeries:
    """One series of a range vector: stale markers left out."""

    labels: Labels
    times: Times
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RangeValue:
    """A range vector at one instant (the answer to ``x[5m]``)."""

    series: tuple[RangeSeries, ...]


Value = Block | ScalarValue | StringValue | RangeValue


@dataclass(frozen=True, slots=True)
class Need:
    """Samples that an evaluation reads, of the series that all matchers accept.

    From `from_ms` to `to_ms`, both included.
    """

    matchers: tuple[Matcher, ...]
    from_ms: Instant
    to_ms: Instant


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may take. Going over raises `QueryLimitError`."""

    samples: int = 50_000_000
    """Prometheus's --query.max-samples."""
    series: int = 100_000
    memory_bytes: int = 2 << 30
    steps: int = 1_000_000


def _never() -> None:
    """Nothing asks the evaluation to stop."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read and evaluate an expression.

    `compat` 3: windows open on the left, as Prometheus 3; 2: closed, as 2.42.
    `check` is called between pieces of work and may raise, to cancel or to end it in time.
    """

    compat: Literal[2, 3] = 3
    lookback_ms: int = 300_000
    default_step_ms: int = 60_000
    """The step of a subquery that gives none: the global evaluation interval."""
    experimental: bool = False
    """Prometheus's promql-experimental-functions."""
    delayed_names: bool = False
    """Prometheus's promql-delayed-name-removal."""
    text: str = ""
    """The expression as written, for the places (line:column) that annotations and errors name."""
    limits: Limits = field(default_factory=Limits)
    check: Callable[[], None] = _never


@dataclass(slots=True)
class Annotations:
    """What an answer is accompanied by; in order of finding, each text once."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """Add a warning."""
        self.warnings[text] = None

    def inform(self, text: str) -> None:
        """Add an info."""
        self.infos[text] = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A value, and what was noticed. `samples` counts the samples read (Prometheus's stats)."""

    value: Value
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    samples: int = 0
