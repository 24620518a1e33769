"""A history is written as compaction would leave it, and yields to what is there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.timeseries_samples import EVER, batch, named, told
from tests.contract.timeseries_writer import SHAPE

from llm_research_lab.promql.values import Columns
from llm_research_lab.storage.timeseries import FileSeries, MemorySeries, Shape
from llm_research_lab.storage.timeseries.history import FILE_SERIES
from llm_research_lab.vocabulary.matchers import Matcher

A, B = named("m", job="a"), named("n", job="b")


@pytest.fixture
def files(tmp_path):
    made = FileSeries.open(tmp_path / "m", SHAPE)
    yield made
    made.close()


def columns(labels, times, stale=None, start=0.0):
    values = start + np.arange(len(labels) * len(times), dtype=np.float64)
    times = np.asarray(times, dtype=np.int64)
    return Columns(tuple(labels), times, values.reshape(len(labels), len(times)), stale)


def test_columns_are_a_history(files, tmp_path):
    stale = np.array([[False, False, True], [False, True, False]])
    done = files.add_history([columns([A, B], [10, 20, 30], stale), columns([A], [40])])
    assert (done.taken, done.duplicate, done.conflicting, done.too_new) == (7, 0, 0, 0)
    expected = {
        A: [(10, 0.0), (20, 1.0), (30, None), (40, 0.0)],
        B: [(10, 3.0), (20, None), (30, 5.0)],
    }
    assert told(files) == told(FileSeries.open(tmp_path / "m", SHAPE, read_only=True)) == expected
    assert files.verify() == []


def test_columns_ahead_of_the_clock_are_cut(tmp_path):
    store = FileSeries.open(tmp_path / "m", Shape(ahead_ms=100), clock=lambda: 1_000)
    done = store.add_history([columns([A, B], [1_000, 1_100, 1_101, 9_000]), columns([B], [9_001])])
    assert (done.taken, done.too_new) == (4, 5)
    assert [time for time, _ in told(store)[A]] == [1_000, 1_100]
    assert "5 were refused" in store.findings[0].message
    store.close()


def test_blocks_are_as_wide_as_compaction_makes_them_and_are_left_alone_by_it(tmp_path):
    hour = 3_600_000
    store = FileSeries.open(tmp_path / "m", Shape())
    times = np.arange(0, 30 * 24 * hour, hour // 4)
    store.add_history([columns([A, B], times)])
    blocks = [path.name for path in (tmp_path / "m/blocks").iterdir()]
    assert len(blocks) == 5
    store.compact()
    assert {path.name for path in (tmp_path / "m/blocks").iterdir()} == set(blocks)
    assert [time for time, _ in told(store)[A]] == times.tolist()
    store.close()


def test_small_pieces_share_a_file_with_those_whose_times_they_have(files, tmp_path):
    names = [named("m", instance=str(number)) for number in range(FILE_SERIES)]
    odd = columns([named("odd")], [11, 31])
    parts = [columns([one], [10, 20, 30][: 1 + turn % 3]) for turn, one in enumerate(names)]
    files.add_history([*parts, columns([named("last")], [20, 30]), odd])
    assert len(list((tmp_path / "m/blocks").glob("*/*.parquet"))) == 3
    found = told(files)
    assert [len(found[one]) for one in names[:3]] == [1, 2, 3]
    assert found[named("odd")] == [(11, 0.0), (31, 1.0)]
    assert found[named("last")] == [(20, 0.0), (30, 1.0)]


@pytest.mark.parametrize("place", ["head", "block", "both"])
def test_a_history_yields_to_samples_wherever_they_are(files, place):
    files.append(batch((A, 50_000, 1.0), (B, 60_000, None)))
    if place != "head":
        files.flush()
    if place == "both":
        files.append(batch((A, 150_000, 2.0)))
    new = columns([A, B, named("m", job="z")], [40_000, 50_000, 60_000, 150_000], start=10.0)
    files.add_history([new])
    found = told(files)
    last = 2.0 if place == "both" else 13.0
    assert found[A] == [(40_000, 10.0), (50_000, 1.0), (60_000, 12.0), (150_000, last)]
    assert found[B] == [(40_000, 14.0), (50_000, 15.0), (60_000, None), (150_000, 17.0)]
    assert len(found[named("m", job="z")]) == 4
    before = files.status().blocks
    files.add_history([new])
    assert files.status().blocks == before, "nothing of it is new"


def test_a_history_takes_the_place_of_what_was_deleted(files):
    files.append(batch((A, 50_000, 1.0), (B, 50_000, 1.0)))
    files.flush()
    files.delete([Matcher("job", "=", "a")], *EVER)
    files.add_history([columns([A, B], [50_000], start=7.0)])
    assert told(files) == {A: [(50_000, 7.0)], B: [(50_000, 1.0)]}


def test_duplicates_of_batches_are_counted(files):
    first = batch((A, 10, 1.0), (A, 20, None), (A, 10, 1.0), (A, 10, 2.0), (A, 20, 3.0))
    done = files.add_history([first, batch((A, 20, None), (A, 5, float("nan")))])
    assert (done.taken, done.duplicate, done.conflicting) == (3, 2, 2)
    assert told(files)[A][1:] == [(10, 1.0), (20, None)]
    assert files.add_history([]).taken == 0


samples = st.tuples(
    st.sampled_from([A, B, named("m"), named("m", job="a", instance="i")]),
    st.integers(0, 40).map(lambda tick: tick * 20_000),
    st.sampled_from([None, 0.0, -0.0, 1.5, 7.0, float("inf")]),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(samples, min_size=1, max_size=20), max_size=6),
    st.integers(1, 30),
    st.booleans(),
)
def test_in_any_parts_the_first_sample_of_a_time_stays(tmp_path_factory, parts, most, as_columns):
    shape = Shape(block_ms=100_000, late_ms=20_000, history_samples=most)
    store = FileSeries.open(tmp_path_factory.mktemp("m"), shape)
    twin = MemorySeries()
    batches = [batch(*part) for part in parts]
    for one in batches:
        twin.append(one)
    if as_columns:
        batches = [
            Columns(
                (labels,),
                np.array([time]),
                np.array([[np.nan if v is None else v]]),
                np.array([[v is None]]),
            )
            for part in parts
            for labels, time, v in part
        ]
    store.add_history(iter(batches))
    assert repr(sorted(told(store).items())) == repr(sorted(told(twin).items()))
    store.compact()
    assert repr(sorted(told(store).items())) == repr(sorted(told(twin).items()))
    assert store.verify() == []
    store.close()
