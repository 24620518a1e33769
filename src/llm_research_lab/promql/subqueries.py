"""A subquery's answers are samples: at absolute multiples of its step, or whole steps before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llm_research_lab.promql.frames import Frame
from llm_research_lab.promql.nodes import Subquery
from llm_research_lab.promql.ranging import RangeVector
from llm_research_lab.promql.sampling import Dense, dense
from llm_research_lab.promql.values import Block, Times
from llm_research_lab.vocabulary.labels import Labels

EVERY = slice(None)

Turn = tuple[slice | Times, RangeVector]
"""Which of the instants, and their windows."""


def samples_of(block: Block, times: Times) -> list[Dense]:
    """Let series that answered at the same instants share times; an absent answer is no sample."""
    if not block.labels:
        return []
    return dense(block.labels, times, block.values, ~block.present)


def turns_of(expr: Subquery, block: Block, times: Times, frame: Frame) -> list[Turn]:
    """The windows on the answers `block` at `times`; of an aligned one, a turn for each phase.

    Ends that are whole steps apart see the same samples.
    """
    ends, width = frame.ends(expr), frame.length(expr.range, positive=True)
    if not expr.aligned:
        return [(EVERY, RangeVector(tuple(samples_of(block, times)), ends, width, frame.times))]
    step = frame.step(expr)
    answered = _by_phase(times, step)
    found: list[Turn] = []
    for phase, turn in _by_phase(ends, step).items():
        seen = answered[phase]
        part = Block(block.labels, block.values[:, seen], block.present[:, seen])
        parts = tuple(samples_of(part, times[seen]))
        found.append((turn, RangeVector(parts, ends[turn], width, frame.times[turn])))
    return found


def _by_phase(times: Times, step: int) -> dict[int, Times]:
    """Which of the times, ascending, are as far behind a multiple of the step."""
    behind = times % step
    order = np.argsort(behind, kind="stable")
    phases, starts = np.unique(behind[order], return_index=True)
    return dict(zip(phases.tolist(), np.split(order, starts[1:]), strict=True))


def gathered(answers: Sequence[tuple[slice | Times, Block]], steps: int) -> Block:
    """Put the answers of all turns together, in the order of their labels."""
    if len(answers) == 1:
        return answers[0][1]
    known = sorted({labels for _, block in answers for labels in block.labels})
    rows: dict[Labels, int] = {labels: row for row, labels in enumerate(known)}
    values = np.zeros((len(known), steps))
    present = np.zeros((len(known), steps), dtype=np.bool_)
    marked = False
    for turn, block in answers:
        marked |= block.drop_name is not None
        for row, labels in enumerate(block.labels):
            values[rows[labels], turn] = block.values[row]
            present[rows[labels], turn] = block.present[row]
    return Block(tuple(known), values, present, (True,) * len(known) if marked else None)
