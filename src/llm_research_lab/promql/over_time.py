"""What a window holds: how many, the first, the last; and the table of all range functions."""

# Kernels are flat loops over many arrays: split up they would be slower to compile and to run.
# ruff: noqa: PLR0917

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from llm_research_lab.promql.averages import AVERAGES
from llm_research_lab.promql.extremes import EXTREMES
from llm_research_lab.promql.quantiles import QUANTILES
from llm_research_lab.promql.rates import RATES
from llm_research_lab.promql.regressions import REGRESSIONS
from llm_research_lab.promql.values import Annotations, Flags, Floats, Options, Times
from llm_research_lab.promql.windows import RangeFunction, Windows, flags

KEEPS_NAME = frozenset({"last_over_time", "first_over_time"})
"""These answer with a sample of the series, its name too.
Source: Prometheus, promql/engine.go, dropName; 2.42 has last_over_time alone."""


def _each(pick: Callable[[Times, Floats, Windows], Floats]) -> RangeFunction:
    """Make a range function of what it picks from windows that are not empty: [S, T'] or [T']."""

    def picked(
        times: Times,
        values: Floats,
        w: Windows,
        params: tuple[Floats, ...],  # noqa: ARG001 - takes none
        options: Options,  # noqa: ARG001 - the same in all versions
        notes: Annotations | None = None,  # noqa: ARG001 - has nothing to say
    ) -> tuple[Floats, Flags]:
        present = flags(w, len(values))
        out = np.zeros(present.shape)
        full = np.flatnonzero(w.counts > 0)
        some = Windows(
            w.lo[full], w.hi[full], w.starts_ms, w.ends_ms, w.range_ms, w.instants_ms, w.edges
        )
        out[:, full] = pick(times, values, some)
        return out, present

    return picked


def absent(present: Sequence[Flags], instants: int) -> Flags:
    """Flag the instants at which no series has a sample in its window, bool [T].

    Give the flags [S, T] of ``present_over_time``, one per time column.
    Source: Prometheus, promql/engine.go, the end of a matrix function's call.
    """
    somewhere = np.zeros(instants, np.bool_)
    for some in present:
        somewhere |= some.any(axis=0)
    return ~somewhere


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    **RATES,
    **AVERAGES,
    **EXTREMES,
    **QUANTILES,
    **REGRESSIONS,
    "count_over_time": _each(lambda _, _values, w: w.counts.astype(np.float64)),
    "present_over_time": _each(lambda _, _values, w: np.ones(len(w.lo))),
    "first_over_time": _each(lambda _, values, w: values[:, w.lo]),
    "last_over_time": _each(lambda _, values, w: values[:, w.hi - 1]),
    "ts_of_first_over_time": _each(lambda times, _, w: times[w.lo] / 1000),
    "ts_of_last_over_time": _each(lambda times, _, w: times[w.hi - 1] / 1000),
}
"""By PromQL's name; ``absent_over_time`` is `absent` of ``present_over_time``."""
