"""Columns cut from wider ones answer as columns of their own do, to the last bit."""

import numpy as np
import pytest
from tests.unit.promql.asking import fetch, labelled

from llm_research_lab.promql import Columns, Grid, Options, evaluate, needs, parse

LABELS = (labelled("m_total a=1"), labelled("m_total a=2"))
COUNT = 120
PLAIN = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "changes",
    "resets",
    "deriv",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "mad_over_time",
]
EXPRESSIONS = [
    *(f"{name}(m_total[65s])" for name in PLAIN),
    "quantile_over_time(0.3, m_total[65s])",
    "predict_linear(m_total[65s], 60)",
    "double_exponential_smoothing(m_total[65s], 0.5, 0.5)",
    "rate(m_total[65s] anchored)",
    "increase(m_total[65s] smoothed)",
    "m_total smoothed",
    "m_total offset 10s",
    "max_over_time(rate(m_total[30s])[65s:10s])",
]


def samples(*, marked):
    """A counter with resets, and a row that falls and rises; with a marker or without."""
    rng = np.random.default_rng(11)
    counter = np.cumsum(rng.uniform(0, 3, COUNT)) % 40
    values = np.stack([counter, rng.normal(0, 1e3, COUNT)])
    stale = np.zeros(values.shape, dtype=bool)
    stale[:, 50] = stale[1, 70] = marked
    return Columns(LABELS, np.arange(COUNT, dtype=np.int64) * 5_000, values, stale)


def cut(wide, need):
    inside = slice(*np.searchsorted(wide.times, [need.from_ms, need.to_ms + 1]))
    stale = wide.stale[:, inside]
    return [Columns(wide.labels, wide.times[inside], wide.values[:, inside], stale, wide)]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_windows_on_wider_columns_hold_the_same(text, marked):
    wide, grid = samples(marked=marked), Grid(200_000, 400_000, 7_000)
    options = Options(text=text, experimental=True, lookback_ms=30_000)
    expr = parse(text, experimental=True)
    asked = needs(expr, grid, options)
    own = evaluate(expr, grid, {need: fetch(need, [wide]) for need in asked}, options)
    for _ in range(2):  # what was derived before serves again
        got = evaluate(expr, grid, {need: cut(wide, need) for need in asked}, options)
        assert got.value.labels == own.value.labels
        assert got.value.present.tobytes() == own.value.present.tobytes()
        held = own.value.present
        assert got.value.values[held].tobytes() == own.value.values[held].tobytes()
    assert "dense" in wide.derived or text.startswith("m_total offset")
