"""Prometheus 2.42 and the engine under `--compat 2` answer every generated expression alike."""

from __future__ import annotations

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from tests.reference.comparing import differences, grids, ours, theirs
from tests.reference.expressions import vectors
from tests.reference.worlds import world
from tests.servers.prometheus_server import prometheus

from llm_research_lab.storage.timeseries import MemorySeries

WORLDS = [1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 9))]


@pytest.fixture(scope="module", params=WORLDS)
def both(request, tmp_path_factory):
    """The same samples in a real Prometheus and in ours."""
    made = world(request.param)
    batch = made.batch()
    store = MemorySeries()
    store.append(batch)
    with prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        server.write(batch)
        yield made, store, server


@settings(max_examples=max(250, settings().max_examples))
@given(text=vectors(2), which=st.integers(0, 4))
def test_every_generated_expression_is_answered_as_prometheus_does(both, text, which):
    made, store, server = both
    grid = grids(made)[which]
    told, why = theirs(server, text, grid)
    mine, error = ours(store, text, grid)
    note(f"{text}\n{grid}\nours: {error}\ntheirs: {why}")
    assert differences(mine, told) == []
