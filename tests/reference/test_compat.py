"""The semantics of 2.42 and of 3 differ at left edges and at the clamp at zero, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reference.comparing import differences, ours
from tests.reference.worlds import SCRAPE_MS, START_MS, world

from llm_research_lab.promql.values import Grid, Options
from llm_research_lab.storage.timeseries import Batch, MemorySeries
from llm_research_lab.vocabulary.labels import labels_of

FUNCTIONS = ["delta", "idelta", "irate", "resets", "changes", "deriv"] + [
    f"{word}_over_time" for word in ("avg", "sum", "count", "min", "max", "last", "stddev")
]
NAMES = ["c_total", "f_total", 'g{kind="walk"}', "big", "h_seconds_count"]


@pytest.fixture(scope="module")
def store():
    made = MemorySeries()
    made.append(world(9).batch())
    return made


@given(
    st.sampled_from(FUNCTIONS),
    st.sampled_from(NAMES),
    st.tuples(st.integers(1, 40), st.integers(1, 20), st.integers(0, 60)),
)
def test_where_no_sample_lies_on_an_edge_both_agree(store, function, name, lengths):
    """Windows are whole scrape intervals long, and end in no series' phase."""
    width, step, start = lengths
    phases = {int(time) % SCRAPE_MS for one in store.select((), 0, 1 << 62) for time in one.times}
    shift = next(ms for ms in range(SCRAPE_MS) if ms not in phases)
    begin = START_MS // SCRAPE_MS * SCRAPE_MS + start * SCRAPE_MS + shift
    grid = Grid(begin, begin + 30 * SCRAPE_MS, step * SCRAPE_MS)
    text = f"sum by (job) ({function}({name}[{width * 15}s]))"
    two, _ = ours(store, text, grid, Options(compat=2))
    three, _ = ours(store, text, grid, Options(compat=3))
    assert differences(two, three) == []


def test_a_sample_on_the_left_edge_is_in_the_window_of_2_alone(store):
    times = store.select((), 0, 1 << 62)[0].times
    end = int(times[10])
    grid = Grid(end, end, 0)
    text = "max(count_over_time(c_total[1m]))"
    (two,), (three,) = (
        list(ours(store, text, grid, Options(compat=compat))[0].values()) for compat in (2, 3)
    )
    assert two[end] == three[end] + 1


def test_the_clamp_at_zero_acts_in_3_where_the_threshold_says_and_in_2_before_it():
    """A counter that begins near zero: 2.42 shortens the extrapolation first, 3 asks the threshold."""
    made = MemorySeries()
    made.append(_young_counter())
    end = START_MS + 5 * SCRAPE_MS + 1
    grid = Grid(end, end, 0)
    values = [
        next(iter(ours(made, "increase(young_total[2m])", grid, Options(compat=c))[0].values()))[
            end
        ]
        for c in (2, 3)
    ]
    assert values[0] != values[1]


def _young_counter():
    labels = labels_of({"__name__": "young_total"})
    count = 5
    times = START_MS + SCRAPE_MS * np.arange(1, count + 1, dtype=np.int64)
    return Batch((labels,) * count, times, np.arange(1.0, count + 1))
