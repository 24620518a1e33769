"""Functions of instant vectors and scalars, each over all instants at once.

An entry of `FUNCTIONS` takes the call and its evaluated arguments. Source: Prometheus, "Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llm_research_lab.promql.absence import absence
from llm_research_lab.promql.calendars import FIELDS
from llm_research_lab.promql.elementwise import ELEMENTWISE, larger, rounded, smaller
from llm_research_lab.promql.frames import Frame, left_open
from llm_research_lab.promql.info import enrich
from llm_research_lab.promql.limiting import Run
from llm_research_lab.promql.naming import empty_block, kept, nameless, one_row
from llm_research_lab.promql.nodes import Call
from llm_research_lab.promql.relabelling import join_labels, replace_label
from llm_research_lab.promql.sorting import RANGE_WARNING, by_labels, by_value
from llm_research_lab.promql.values import Block, Floats, ScalarValue, Value


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """A call with its evaluated arguments, where it stands, and the run it is part of.

    The parser has checked the types, so `block`, `scalar` and `texts` need not.
    """

    call: Call
    values: Sequence[Any]
    frame: Frame
    run: Run

    def block(self, index: int = 0) -> Block:
        """The argument, an instant vector."""
        block: Block = self.values[index]
        return block

    def scalar(self, index: int, default: float = 0.0) -> Floats:
        """The argument's values, float64 [T]; the default's where it is not given."""
        if index >= len(self.values):
            return np.full(self.frame.count, default)
        values: Floats = self.values[index].values
        return values

    def texts(self, start: int) -> list[str]:
        """The arguments from `start` on, strings."""
        return [one.value for one in self.values[start:]]

    def renewed(self, block: Block, values: Floats) -> Block:
        """The block with new values, and so without its name."""
        return nameless(replace(block, values=values), self.frame.options, self.call.span)


Function = Callable[[Arguments], Value]


def _elementwise(calculate: Callable[[Floats], Floats]) -> Function:
    return lambda of: of.renewed(of.block(), calculate(of.block().values))


def _calendar(field: Callable[[Floats], Any]) -> Function:
    def calculate(of: Arguments) -> Value:
        if of.values:
            return of.renewed(of.block(), field(of.block().values).astype(np.float64))
        times = (of.frame.times // 1000).astype(np.float64)
        return _everywhere(field(times).astype(np.float64))

    return calculate


def _everywhere(values: Floats) -> Block:
    return one_row((), values, np.ones(len(values), dtype=np.bool_))


def _clamp(of: Arguments) -> Value:
    block, low, high = of.block(), of.scalar(1), of.scalar(2)
    clamped = of.renewed(block, larger(low, smaller(high, block.values)))
    return kept(replace(clamped, present=clamped.present & ~(high < low)))


def _clamp_min(of: Arguments) -> Value:
    return of.renewed(of.block(), larger(of.scalar(1), of.block().values))


def _clamp_max(of: Arguments) -> Value:
    return of.renewed(of.block(), smaller(of.scalar(1), of.block().values))


def _round(of: Arguments) -> Value:
    return of.renewed(of.block(), rounded(of.block().values, of.scalar(1, 1.0)))


def _scalar(of: Arguments) -> Value:
    """The one sample's value; NaN where there is none or more."""
    block = of.block()
    if not block.labels:
        return ScalarValue(np.full(of.frame.count, np.nan))
    row = block.present.argmax(axis=0)
    picked = np.take_along_axis(block.values, row[np.newaxis], axis=0)[0]
    return ScalarValue(np.where(block.present.sum(axis=0) == 1, picked, np.nan))


def _sort(*, falling: bool, labels: bool) -> Function:
    def order(of: Arguments) -> Value:
        query = of.frame.query
        if query.step_ms > 0 and query.count > 1 and left_open(of.frame.options):
            of.run.notes.warn(RANGE_WARNING)
        if of.frame.count != 1:
            return of.block()
        if labels:
            return by_labels(of.block(), of.texts(1), falling=falling)
        return by_value(of.block(), falling=falling)

    return order


def _constant(value: Callable[[Frame], float]) -> Function:
    return lambda of: ScalarValue(np.full(of.frame.count, value(of.frame)))


def _of_query(frame: Frame, start: int, end: int) -> float:
    return (end * frame.query.end_ms + start * frame.query.start_ms) / 1000.0


FUNCTIONS: dict[str, Function] = {
    **{name: _elementwise(calculate) for name, calculate in ELEMENTWISE.items()},
    **{name: _calendar(field) for name, field in FIELDS.items()},
    "absent": lambda of: absence(of.call.args[0], of.block()),
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "end": _constant(lambda frame: _of_query(frame, 0, 1)),
    "info": lambda of: enrich(of.call, of.block(), of.frame, of.run),
    "label_join": lambda of: join_labels(of.call, of.block(), of.texts(1), of.frame.options),
    "label_replace": lambda of: replace_label(of.call, of.block(), of.texts(1), of.frame.options),
    "max_of": lambda of: ScalarValue(larger(of.scalar(0), of.scalar(1))),
    "min_of": lambda of: ScalarValue(smaller(of.scalar(0), of.scalar(1))),
    "pi": _constant(lambda _: np.pi),
    "range": _constant(lambda frame: _of_query(frame, -1, 1)),
    "round": _round,
    "scalar": _scalar,
    "sort": _sort(falling=False, labels=False),
    "sort_by_label": _sort(falling=False, labels=True),
    "sort_by_label_desc": _sort(falling=True, labels=True),
    "sort_desc": _sort(falling=True, labels=False),
    "start": _constant(lambda frame: _of_query(frame, 1, 0)),
    "start_timestamp": lambda of: empty_block(of.frame.count),
    "step": _constant(lambda frame: frame.query.step_ms / 1000.0),
    "time": lambda of: ScalarValue(of.frame.times / 1000.0),
    "timestamp": lambda of: of.renewed(
        of.block(), np.broadcast_to(of.frame.times / 1000.0, of.block().values.shape).copy()
    ),
    "vector": lambda of: _everywhere(of.scalar(0)),
}
"""By name; functions of histograms are in histogram_calls.py, of ranges in over_time.py."""
