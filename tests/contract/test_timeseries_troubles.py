"""Full disks, failed syncs and clocks that are wrong cost what they must, and are said."""

import os
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from tests.contract.timeseries_samples import batch, named, scrape, told
from tests.contract.timeseries_writer import LABELS, SHAPE

from llm_research_lab.storage.timeseries import Batch, FileSeries, Shape
from llm_research_lab.storage.timeseries.log import Log
from llm_research_lab.vocabulary import UnavailableError
from llm_research_lab.vocabulary.matchers import Matcher

HOUR = 3_600_000
T0 = 1_700_000_000_000


@pytest.fixture
def files(tmp_path):
    made = FileSeries.open(tmp_path / "m", SHAPE)
    yield made
    made.close()


@contextmanager
def full(size):
    """Files take so many bytes; the kernel refuses the rest, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def device(store, path):
    """The log's file is another device meanwhile."""
    own = store._held.log._descriptor
    kept, other = os.dup(own), os.open(path, os.O_WRONLY)
    os.dup2(other, own)
    os.close(other)
    yield
    os.dup2(kept, own)
    os.close(kept)


def again(tmp_path):
    return FileSeries.open(tmp_path / "m", SHAPE, read_only=True)


def ticks(store, labels=LABELS[0]):
    return [time // 10_000 for time, _ in told(store).get(labels, [])]


def test_a_full_disk_refuses_a_batch_whole_and_the_store_goes_on(files, tmp_path):
    files.append(scrape(1))
    size = files._held.log.path.stat().st_size
    for room in (0, 10, 60):
        with full(size + room), pytest.raises(UnavailableError):
            files.append(scrape(2))
        assert files._held.log.path.stat().st_size == size, "no half of a record stays"
    assert files.append(scrape(3)).taken == 5
    assert ticks(files) == ticks(again(tmp_path)) == [1, 3]
    assert files.verify() == []


def test_a_full_disk_refuses_a_block_and_keeps_head_and_log(files, tmp_path):
    chance = np.random.default_rng(1)
    for tick in range(1, 40):
        times = np.full(5, tick * 10_000, dtype=np.int64)
        files.append(Batch(LABELS, times, chance.random(5)))
    with full(300), pytest.raises(UnavailableError):
        files.maintain()
    assert list((tmp_path / "m/blocks").iterdir()) == []
    assert ticks(files) == ticks(again(tmp_path)) == [*range(1, 40)]
    assert files.append(scrape(38)).too_old == 0
    files.maintain()
    assert list((tmp_path / "m/blocks").iterdir())
    assert ticks(files) == ticks(again(tmp_path)) == [*range(1, 40)]


def test_a_full_disk_at_a_rotation_keeps_all_and_another_segment_is_begun_later(files, tmp_path):
    for tick in range(1, 30):
        files.append(scrape(tick))
    files.maintain()
    with full(8), pytest.raises(UnavailableError):
        files.snapshot(tmp_path / "copy")
    with full(8), pytest.raises(UnavailableError):
        files.append(scrape(30))
    assert files.append(scrape(31)).taken == 5
    assert ticks(files) == ticks(again(tmp_path)) == [*range(1, 30), 31]
    assert files.verify() == []


def test_a_full_disk_refuses_a_delete_which_may_be_asked_again(files, tmp_path):
    for tick in range(1, 30):
        files.append(scrape(tick))
    files.maintain()
    with full(8), pytest.raises(UnavailableError):
        files.delete([Matcher("s", "=", "0")], 0, 1 << 50)
    assert not list((tmp_path / "m").glob(".tombstones*"))
    assert ticks(files) == ticks(again(tmp_path)) == [*range(1, 30)]
    files.delete([Matcher("s", "=", "0")], 0, 1 << 50)
    assert ticks(files) == ticks(again(tmp_path)) == []


def test_a_full_disk_refuses_a_history(files):
    with full(100), pytest.raises(UnavailableError):
        files.add_history(scrape(tick) for tick in range(20))
    assert files.add_history(scrape(tick) for tick in range(20)).taken == 100
    assert ticks(files) == [*range(20)]


def test_after_a_failed_sync_nothing_of_it_is_promised_and_the_segment_is_given_up(files, tmp_path):
    files.append(scrape(1))
    before = files._held.log.path
    with device(files, "/dev/null"), pytest.raises(UnavailableError):  # takes all, syncs nothing
        files.append(scrape(2))
    assert files.append(scrape(3)).taken == 5
    assert files._held.log.path != before
    assert files.append(scrape(2)).duplicate == 5, "sent again, it is safe"
    assert ticks(again(tmp_path)) == [1, 2, 3]
    assert files.verify() == []


def test_who_waited_for_a_failed_sync_is_refused_though_the_next_one_succeeds(tmp_path):
    log = Log(tmp_path, 0, None)
    own = log._descriptor
    first = log.write(scrape(1))
    log.sync(first)
    kept, null = os.dup(own), os.open("/dev/null", os.O_WRONLY)
    second, third = log.write(scrape(2)), log.write(scrape(3))
    os.dup2(null, own)
    with pytest.raises(UnavailableError):
        log.sync(second)
    os.dup2(kept, own)
    os.close(kept)
    os.close(null)
    with pytest.raises(UnavailableError):
        log.sync(third)
    fourth = log.write(scrape(4))
    log.sync(fourth)
    for position in (second, third):
        with pytest.raises(UnavailableError):
            log.sync(position)
    log.sync(first)
    log.close()


def store_at(tmp_path, now, **options):
    return FileSeries.open(tmp_path / "m", Shape(**options), clock=lambda: now[0])


def one(time, value=1.0):
    return batch((named("a"), time, value))


def test_a_sample_far_ahead_is_refused_said_once_and_makes_nothing_too_late(tmp_path):
    now = [T0]
    store = store_at(tmp_path, now)
    assert store.append(one(T0)).taken == 1
    for more in (HOUR + 1, 1 << 45):
        done = store.append(batch((named("a"), T0 + more, 1.0), (named("b"), T0 + more // 8, 1.0)))
        assert (done.taken, done.too_new) == ((1, 1) if more < 1 << 40 else (0, 2))
    assert store.append(one(T0 + HOUR)).taken == 1, "an hour ahead is taken"
    assert store.append(one(T0 - HOUR + 1)).taken == 1, "and makes nothing late"
    (finding,) = store.findings
    assert "3 were refused" in finding.message
    assert store.add_history([one(T0 + 3 * HOUR)]).too_new == 1
    assert store.verify() == []
    store.close()


@pytest.mark.parametrize("reopened", [False, True])
def test_a_clock_that_goes_back_is_said_once_and_samples_are_taken_by_it(tmp_path, reopened):
    now = [T0 + 400 * 24 * HOUR]
    store = store_at(tmp_path, now)
    store.append(one(now[0]))
    now[0] = T0
    if reopened:
        store.close()
        store = store_at(tmp_path, now)
    for step in range(3):
        assert store.append(one(T0 + step)).taken == 1
    (finding,) = store.findings
    assert "goes forward" in finding.law
    store.maintain()
    assert len(told(store)[named("a")]) >= 4, "what was written ahead stays"
    store.close()


def test_a_history_is_written_a_part_at_a_time(tmp_path):
    shape = Shape(block_ms=100_000, late_ms=20_000, history_samples=40)
    store = FileSeries.open(tmp_path / "m", shape)
    order = np.random.default_rng(3).permutation(60).tolist()
    assert store.add_history(scrape(tick) for tick in order).taken == 300
    assert store.status().blocks > 6
    assert store.status().head_samples == 0
    store.maintain()
    assert store.status().blocks < 7
    assert ticks(store) == [*range(60)]
    store.close()


def test_a_history_yields_to_what_is_there(files):
    files.append(scrape(5))
    files.flush()
    files.add_history([Batch(LABELS, np.full(5, 50_000, dtype=np.int64), np.zeros(5))])
    assert told(files)[LABELS[3]] == [(50_000, 8.0)]


def test_parts_of_a_history_that_say_the_same_time_twice_keep_the_first(tmp_path):
    store = FileSeries.open(tmp_path / "m", Shape(history_samples=1))
    store.add_history([one(1_000, 1.0), one(1_000, 2.0)])
    store.compact()
    assert told(store)[named("a")] == [(1_000, 1.0)]
    store.close()


def test_files_that_vanish_under_a_reader_are_looked_for_again(files, tmp_path):
    for tick in range(30):
        files.append(scrape(tick))
    files.maintain()
    reader = again(tmp_path)
    view = reader._held.view
    for tick in range(30, 70):
        files.append(scrape(tick))
    files.maintain()
    assert len(view.blocks) > 0
    assert ticks(reader) == [*range(70)]
    assert set(reader.series([], 0, 1 << 50)) == set(LABELS)
