"""Ask an expression of columns held in memory, as a store would be asked."""

from __future__ import annotations

import numpy as np

from llm_research_lab.promql import Columns, Grid, Options, parse
from llm_research_lab.promql.evaluate import evaluate
from llm_research_lab.promql.plan import needs
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import accepts

NAN, INF = float("nan"), float("inf")


def labelled(text):
    """Read ``name a=1 b=2`` as labels; ``-`` is no name."""
    name, *pairs = text.split()
    own = dict(pair.split("=", 1) for pair in pairs)
    return labels_of(own if name == "-" else {"__name__": name, **own})


def columns(step_ms, series, *, start_ms=0, stale=()):
    """Columns of `series` (text: values), by the step; `stale`: (row, sample) of the markers."""
    values = np.array([list(row) for row in series.values()], dtype=np.float64)
    times = start_ms + np.arange(values.shape[1], dtype=np.int64) * step_ms
    marks = None
    if stale:
        marks = np.zeros(values.shape, dtype=bool)
        for row, sample in stale:
            marks[row, sample] = True
    return Columns(tuple(labelled(text) for text in series), times, values, marks)


def fetch(need, store):
    """What a store gives for a need."""
    found = []
    for one in store:
        rows = [row for row, labels in enumerate(one.labels) if accepts(need.matchers, labels)]
        inside = (one.times >= need.from_ms) & (one.times <= need.to_ms)
        if rows:
            found.append(
                Columns(
                    tuple(one.labels[row] for row in rows),
                    one.times[inside],
                    np.ascontiguousarray(one.values[rows][:, inside]),
                    None if one.stale is None else one.stale[rows][:, inside],
                )
            )
    return found


def ask(text, store, at=None, over=None, **options):
    """Answer at one second, or over (start, end, step) in seconds."""
    chosen = Options(text=text, experimental=True, **options)
    expr = parse(text, experimental=True)
    start, end, step = (at, at, 0) if over is None else over
    grid = Grid(int(start * 1000), int(end * 1000), int(step * 1000))
    return evaluate(
        expr, grid, {need: fetch(need, store) for need in needs(expr, grid, chosen)}, chosen
    )


def table(answer):
    """The rows of a block: text of the labels to values, None where absent."""
    block = answer.value
    return {
        " ".join(
            [dict(labels).get("__name__", "-")] + [f"{n}={v}" for n, v in labels if n != "__name__"]
        ): [float(value) if here else None for value, here in zip(values, present, strict=True)]
        for labels, values, present in zip(block.labels, block.values, block.present, strict=True)
    }
