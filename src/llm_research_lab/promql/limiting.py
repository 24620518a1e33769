"""An evaluation ends with a clear error before it takes more than it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_research_lab.promql.errors import QueryLimitError
from llm_research_lab.promql.values import (
    Annotations,
    Block,
    Columns,
    Grid,
    Need,
    Options,
    ScalarValue,
    Value,
)

CELL_BYTES = 9
"""A value of a block, and whether it is there."""

_FIX = "ask for a shorter range, longer steps or fewer series, or raise the limit"


def _over(what: str, most: int, got: int) -> QueryLimitError:
    return QueryLimitError(f"query: {what}", f"at most {most:,}", f"{got:,}", _FIX)


def too_deep() -> QueryLimitError:
    """The error for an expression nested beyond what can be walked."""
    return QueryLimitError(
        "query: nesting", "an expression of moderate depth", "a deeper one", "nest it less"
    )


def check_steps(grid: Grid, options: Options) -> None:
    """Refuse a grid of too many instants."""
    if grid.count > options.limits.steps:
        raise _over("steps", options.limits.steps, grid.count)


@dataclass(slots=True)
class Run:
    """One evaluation under way: what it reads, what it notices, what it holds.

    `cells` counts the values of the blocks alive now; `samples` those read so far.
    """

    fetched: Mapping[Need, Sequence[Columns]]
    options: Options
    notes: Annotations = field(default_factory=Annotations)
    cells: int = 0
    samples: int = 0

    def make_room(self, series: int, steps: int) -> None:
        """Refuse a block before it is made: too many series, samples or bytes. Asks `check` too."""
        self.options.check()
        limits = self.options.limits
        if series > limits.series:
            raise _over("series", limits.series, series)
        cells = self.cells + series * steps
        if cells > limits.samples:
            raise _over("samples", limits.samples, cells)
        if cells * CELL_BYTES > limits.memory_bytes:
            raise _over("memory bytes", limits.memory_bytes, cells * CELL_BYTES)

    def settle(self, before: int, value: Value) -> None:
        """Forget the operands' cells, count the answer's."""
        self.cells = before
        if isinstance(value, Block):
            self.make_room(*value.values.shape)
            self.cells += value.values.size
        elif isinstance(value, ScalarValue):
            self.cells += value.values.size

    def read(self, need: Need) -> Sequence[Columns]:
        """The samples of a need; refuses more series than may be."""
        columns = self.fetched.get(need, ())
        self.make_room(sum(len(one.labels) for one in columns), 0)
        return columns
