"""What a store of series acknowledged it gives back, whole, in order, after anything."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.timeseries_samples import EVER, batch, named, scrape, told
from tests.contract.timeseries_writer import LABELS, SHAPE

from llm_research_lab.storage.timeseries import FileSeries, MemorySeries, Shape
from llm_research_lab.vocabulary import ConflictError
from llm_research_lab.vocabulary.matchers import Matcher

SOURCE = Path(__file__).parents[2] / "src/llm_research_lab/storage/timeseries"
POINTS = sorted(
    name
    for file in SOURCE.glob("*.py")
    for name in re.findall(r'crash_point\("(timeseries[^"]+)"\)', file.read_text(encoding="utf-8"))
)
WRITER = Path(__file__).with_name("timeseries_writer.py")


@pytest.fixture(params=["memory", "files"])
def store(request, tmp_path):
    made = MemorySeries() if request.param == "memory" else FileSeries.open(tmp_path / "m", SHAPE)
    yield made
    made.close()


@pytest.fixture
def files(tmp_path):
    made = FileSeries.open(tmp_path / "m", SHAPE)
    yield made
    made.close()


def test_samples_are_given_between_both_ends_included(store):
    for tick in range(1, 6):
        assert store.append(scrape(tick)).taken == 5
    (columns,) = store.select([], 20_000, 40_000)
    assert columns.times.tolist() == [20_000, 30_000, 40_000]
    assert set(columns.labels) == set(LABELS)
    only = told(store, Matcher("s", "=~", "1|2"))
    assert set(only) == set(LABELS[1:3])
    assert store.series([Matcher("s", "=", "4")], 0, 60_000) == [LABELS[4]]


def test_equal_samples_are_taken_once_and_others_refused(store):
    a = named("a")
    assert store.append(batch((a, 1, 1.0))).taken == 1
    assert store.append(batch((a, 1, 1.0), (a, 2, None))).duplicate == 1
    done = store.append(batch((a, 1, 2.0), (a, 2, None), (a, 3, np.nan)))
    assert (done.taken, done.duplicate, done.conflicting) == (1, 1, 1)
    assert told(store)[a][:2] == [(1, 1.0), (2, None)]


def test_late_samples_stand_in_their_place(store):
    a, b = named("a"), named("b")
    store.append(batch((a, 1_000, 1.0), (b, 1_000, 2.0)))
    store.append(batch((a, 3_000, 3.0)))
    store.append(batch((a, 2_000, 2.0), (b, 500, 0.5)))
    assert told(store) == {
        a: [(1_000, 1.0), (2_000, 2.0), (3_000, 3.0)],
        b: [(500, 0.5), (1_000, 2.0)],
    }


SAMPLES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from([named("a", instance=i) for i in "xyz"] + [named("b", instance="x")]),
            st.integers(0, 12).map(lambda tick: tick * 1_000),
            st.sampled_from([0.0, -0.0, 1.0, 1.5, 1e300, np.inf, None]),
        ),
        min_size=1,
        max_size=8,
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(SAMPLES, st.integers(0, 3))
def test_files_answer_as_memory_does_and_again_after_opening(
    tmp_path_factory, given_batches, moment
):
    root = tmp_path_factory.mktemp("series")
    shape = Shape(block_ms=4_000, late_ms=100_000, retention_ms=None)
    files, memory = FileSeries.open(root, shape), MemorySeries()
    for one in given_batches:
        assert files.append(batch(*one)) == memory.append(batch(*one))
    asks = [[], [Matcher("instance", "=", "x")]]
    expected = [told(memory, *ask) for ask in asks]
    if moment == 1:
        files.flush()
    if moment == 2:
        files.flush()
        files.compact()
    assert [told(files, *ask) for ask in asks] == expected
    if moment != 3:
        files.close()
    reader = FileSeries.open(root, shape, read_only=True)
    assert [told(reader, *ask) for ask in asks] == expected
    assert reader.verify() == []
    files.close()


def test_full_ranges_become_blocks_and_blocks_are_joined(files):
    for tick in range(200):
        files.append(scrape(tick))
        files.maintain()
    status = files.status()
    assert 0 < status.blocks < 12
    assert status.head_samples < 5 * 40
    assert {len(rows) for rows in told(files).values()} == {200}
    assert len(files.select([], *EVER)) == 1


def test_retention_drops_the_oldest(tmp_path):
    shape = Shape(block_ms=100_000, late_ms=0, retention_ms=500_000, levels=())
    store = FileSeries.open(tmp_path / "m", shape)
    for tick in range(200):
        store.append(scrape(tick))
    store.maintain()
    first = told(store)[LABELS[0]][0][0]
    assert 1_300_000 <= first <= 1_500_000
    store.close()


def test_what_is_older_than_the_window_is_refused_and_counted(files):
    files.append(scrape(100))
    assert files.append(scrape(10)).too_old == 5
    assert len(told(files)[LABELS[0]]) == 1


def test_deleted_samples_are_gone_and_new_ones_are_not(files, tmp_path):
    for tick in range(30):
        files.append(scrape(tick))
    files.maintain()
    files.delete([Matcher("s", "=", "1")], 0, 290_000)
    files.append(scrape(30))
    for store in (files, FileSeries.open(tmp_path / "m", SHAPE, read_only=True)):
        found = told(store)
        assert [t for t, _ in found[LABELS[1]]] == [300_000]
        assert len(found[LABELS[2]]) == 31
    files.compact()
    assert len(told(files)[LABELS[1]]) == 1


def test_a_snapshot_is_of_its_moment(files, tmp_path):
    for tick in range(30):
        files.append(scrape(tick))
    files.maintain()
    files.snapshot(tmp_path / "copy")
    files.append(scrape(30))
    with_copy = FileSeries.open(tmp_path / "copy", SHAPE)
    assert len(told(with_copy)[LABELS[0]]) == 30
    with_copy.close()
    assert len(told(files)[LABELS[0]]) == 31


def test_history_is_added_beside_what_is_there(files):
    for tick in range(50, 60):
        files.append(scrape(tick))
    files.add_history(scrape(tick) for tick in range(55))
    assert [t for t, _ in told(files)[LABELS[3]]] == [tick * 10_000 for tick in range(60)]


def test_there_is_one_writer_and_readers_follow_it(files, tmp_path):
    with pytest.raises(ConflictError):
        FileSeries.open(tmp_path / "m", SHAPE)
    reader = FileSeries.open(tmp_path / "m", SHAPE, read_only=True)
    with pytest.raises(ConflictError):
        reader.append(scrape(1))
    for tick in range(60):
        files.append(scrape(tick))
        if tick % 7 == 0:
            files.maintain()
            assert len(told(reader)[LABELS[0]]) == tick + 1


def run_writer(root, first, count, *, at=None, after=None):
    env = {**os.environ, "LAB_CRASH_AT": at or "", "PYTHONUNBUFFERED": "1"}
    env["PYTHONPATH"] = str(SOURCE.parents[2])
    asked = [sys.executable, str(WRITER), str(root), str(first), str(count)]
    with subprocess.Popen(asked, env=env, stdout=subprocess.PIPE, text=True) as process:
        if after is not None:
            process.stdout.readline()
            time.sleep(after)
            process.kill()
        said = process.stdout.read().split()
    if after is not None:
        said = [*range(first, int(said[-1]) + 1)] if said else [first]
    return [int(one) for one in said], process.returncode


def check(root, said):
    store = FileSeries.open(root, SHAPE)
    held = told(store)
    for i, labels in enumerate(LABELS):
        have = dict(held.get(labels, []))
        assert all(have.get(tick * 10_000) == tick + i for tick in said)
    assert store.verify() == []
    store.close()
    return max((t // 10_000 for t, _ in held.get(LABELS[0], [])), default=-1)


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_any_point_loses_nothing_acknowledged(tmp_path, point):
    root = tmp_path / "m"
    said, code = run_writer(root, 1, 80, at=f"{point}:2")
    assert code == -9
    last = check(root, said)
    more, code = run_writer(root, last + 100, 20)
    assert code == 0
    check(root, more)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.long)])
def test_kills_at_random_times_lose_nothing_acknowledged(tmp_path, count):
    root, chance, first, said = tmp_path / "m", random.Random(count), 1, []
    for _ in range(count):
        new, _ = run_writer(root, first, 1_000, after=chance.random() * 0.4)
        said += new
        first = check(root, said) + 1
