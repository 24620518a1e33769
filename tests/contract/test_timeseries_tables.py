"""Answers are the samples, whatever was asked before, deleted, written as blocks or joined."""

import shutil
import threading
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.timeseries_samples import EVER, batch, named, scrape, told
from tests.contract.timeseries_writer import LABELS, SHAPE

from llm_research_lab.storage.timeseries import FileSeries, Shape
from llm_research_lab.vocabulary.matchers import Matcher, accepts

SERIES = [named(n, instance=i, s=s) for n in "ab" for i in "xy" for s in "12"]
ASKED = [
    (),
    (Matcher("__name__", "=", "a"),),
    (Matcher("__name__", "=", "b"), Matcher("s", "=", "1")),
    (Matcher("instance", "!=", "x"),),
    (Matcher("s", "=~", "2|3"),),
]
SPANS = st.tuples(st.integers(-1, 13), st.integers(-1, 13)).map(sorted)
ASKS = st.tuples(st.sampled_from(ASKED), SPANS)
VALUES = st.sampled_from([0.0, 1.0, 1.5, None])


@st.composite
def samples(draw):
    """A batch: of one instant, as a scrape, or of many."""
    ones = draw(st.lists(st.sampled_from(SERIES), min_size=1, max_size=8, unique=True))
    ticks = st.integers(0, 12)
    if draw(st.booleans()):
        ticks = st.just(draw(ticks))
    return [(one, draw(ticks) * 1_000, draw(VALUES)) for one in ones]


ACTIONS = st.one_of(
    st.tuples(st.just("append"), samples()),
    st.tuples(st.just("history"), samples()),
    st.tuples(st.just("delete"), ASKS),
    st.tuples(st.sampled_from(["flush", "maintain", "compact", "nothing"]), st.none()),
)
STEPS = st.lists(st.tuples(ACTIONS, ASKS), min_size=4, max_size=16)


class Model:
    """What the store must hold: where a sample is, it stays; nothing comes before the floor."""

    def __init__(self):
        self.held, self.floor = defaultdict(dict), -1

    def add(self, ones, *, from_ms=0):
        for labels, time, value in ones:
            if time >= from_ms:
                self.held[labels].setdefault(time, value)

    def delete(self, matchers, low, high):
        for labels, own in self.held.items():
            if accepts(matchers, labels):
                for time in [time for time in own if low <= time <= high]:
                    del own[time]

    def told(self, matchers, low, high):
        found = {
            labels: [(time, value) for time, value in sorted(own.items()) if low <= time <= high]
            for labels, own in self.held.items()
            if accepts(matchers, labels)
        }
        return {labels: rows for labels, rows in found.items() if rows}


def carry_out(store, model, action, given_):
    match action:
        case "append":
            store.append(batch(*given_))
            model.add(given_, from_ms=model.floor)
        case "history":
            store.add_history([batch(*given_)])
            model.add(given_)
        case "delete":
            matchers, (low, high) = given_
            store.delete(matchers, low * 1_000, high * 1_000)
            model.delete(matchers, low * 1_000, high * 1_000)
        case "flush" | "maintain" | "compact":
            getattr(store, action)()
            model.floor = max(model.floor, store._held.view.floor_ms or -1)


def check(store, model, asked):
    matchers, (low, high) = asked
    low, high = low * 1_000, high * 1_000
    assert told(store, *matchers, span=(low, high)) == model.told(matchers, low, high)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.sampled_from([0, 600, 1 << 20]))
def test_answers_are_the_samples_whatever_was_done_before(tmp_path_factory, steps, cache_bytes):
    shape = Shape(
        block_ms=3_000, late_ms=100_000, retention_ms=None, levels=(2,), cache_bytes=cache_bytes
    )
    store, model = FileSeries.open(tmp_path_factory.mktemp("series"), shape), Model()
    scrapes = [("append", [(one, tick * 1_000, 1.0) for one in SERIES[:6]]) for tick in range(7)]
    for action in [*scrapes[:4], ("flush", None), *scrapes[4:], ("maintain", None)]:
        carry_out(store, model, *action)
    for action, asked in steps:
        carry_out(store, model, *action)
        check(store, model, asked)
        check(store, model, (asked[0], (-1, 13)))
        assert store._held.cache.bytes <= cache_bytes
    assert store.findings == ()
    store.close()


@pytest.fixture
def store(tmp_path):
    made = FileSeries.open(tmp_path / "m", SHAPE)
    yield made
    made.close()


def test_an_answer_of_blocks_is_not_copied(store):
    for tick in range(30):
        store.append(scrape(tick))
    store.flush()
    (first,) = store.select([], *EVER)
    (again,) = store.select([], 10_000, 280_000)
    assert np.shares_memory(first.values, again.values)
    assert again.cut_from is first
    side_by_side = Matcher("s", "=~", "[1-3]")
    (some,) = store.select([side_by_side], 20_000, 290_000)
    assert some.labels == LABELS[1:4]
    assert np.shares_memory(first.values, some.values)
    apart = Matcher("s", "=~", "0|2")
    (others,) = store.select([apart], 20_000, 290_000)
    assert not np.shares_memory(first.values, others.values)
    (same,) = store.select([apart], 0, 280_000)
    assert np.shares_memory(same.values, others.values)


def test_a_small_part_does_not_hold_the_whole(store):
    for tick in range(30):
        store.append(scrape(tick))
    store.flush()
    (whole,) = store.select([], *EVER)
    (part,) = store.select([], 0, 50_000)
    assert part.cut_from is None
    assert not np.shares_memory(whole.values, part.values)


def test_nobody_writes_into_what_is_shared(store):
    store.append(scrape(1))
    store.flush()
    (columns,) = store.select([], *EVER)
    with pytest.raises(ValueError, match="read-only"):
        columns.values[0, 0] = 7.0


def test_what_was_read_is_not_read_again_when_blocks_come(store):
    for tick in range(30):
        store.append(scrape(tick))
    store.flush()
    before = told(store)
    for file in store._held.view.blocks[0].path.glob("*.parquet"):
        file.rename(file.with_suffix(".away"))
    for tick in range(30, 40):
        store.append(scrape(tick))
    store.flush()
    after = told(store)
    assert store.findings == ()
    assert all(after[one][:30] == rows and len(after[one]) == 40 for one, rows in before.items())
    held = list(store._held.cache._tables)
    assert [len(table.sources) for table in held] == [2]


def test_tables_of_blocks_that_are_gone_are_let_go(store):
    for tick in range(100):
        store.append(scrape(tick))
        if tick % 10 == 9:
            store.maintain()
            told(store)
    store.flush()
    store.compact()
    told(store)
    (table,) = store._held.cache._tables
    assert store._held.cache.bytes == table.size
    assert {one.path.parent for one in table.sources} == {
        block.path for block in store._held.view.blocks
    }


def test_a_file_that_vanishes_is_said_and_the_rest_is_served(store):
    for tick in range(30):
        store.append(scrape(tick))
    store.flush()
    for tick in range(30, 40):
        store.append(scrape(tick))
    store.flush()
    (file,) = store._held.view.blocks[0].path.glob("*.parquet")
    shutil.copy(file, file.with_suffix(".kept"))
    file.unlink()
    assert {len(rows) for rows in told(store).values()} == {10}
    assert [finding.where for finding in store.findings] == [f"file {file}"]
    assert {len(rows) for rows in told(store).values()} == {10}


def test_series_that_come_later_are_found_by_questions_asked_before(store):
    first, second = named("up", instance="1"), named("up", instance="2")
    store.append(batch((first, 1_000, 1.0)))
    asked = Matcher("__name__", "=", "up")
    assert set(told(store, asked)) == {first}
    store.append(batch((second, 1_000, 1.0), (named("down"), 1_000, 1.0)))
    assert set(told(store, asked)) == {first, second}
    assert set(told(store, Matcher("__name__", "=", ""))) == set()
    assert len(told(store, Matcher("instance", "=", ""))) == 1


def test_readers_see_whole_scrapes_while_blocks_come_and_go(store):
    done, wrong = threading.Event(), []

    def read():
        while not done.is_set():
            times = {tuple(one.times.tolist()) for one in store.select([], *EVER)}
            if len(times) > 1 or any(np.diff(one).max(initial=10_000) > 10_000 for one in times):
                wrong.append(times)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for one in threads:
        one.start()
    for tick in range(150):
        store.append(scrape(tick))
        store.maintain()
    store.flush()
    store.compact()
    done.set()
    for one in threads:
        one.join()
    assert wrong == []
    assert {len(rows) for rows in told(store).values()} == {150}


def test_blocks_of_one_time_are_laid_into_each_other_and_kept_so(store):
    one = named("n", job="j", instance="i")
    for tick in range(0, 20, 2):
        store.append(batch((one, tick * 1_000, float(tick))))
    store.flush()
    store.add_history([batch(*((one, tick * 1_000, float(tick)) for tick in range(1, 18, 2)))])
    expected = [(tick * 1_000, float(tick)) for tick in range(19)]
    assert len(store._held.view.blocks) == 2
    assert told(store)[one] == expected
    store.append(batch((one, 19_000, 19.0)))
    store.flush()
    assert told(store)[one] == [*expected, (19_000, 19.0)]


def test_a_reader_lets_go_of_the_blocks_that_the_writer_joined(store, tmp_path):
    reader = FileSeries.open(tmp_path / "m", SHAPE, read_only=True)
    for tick in range(100):
        store.append(scrape(tick))
        if tick % 10 == 9:
            store.maintain()
            assert {len(rows) for rows in told(reader).values()} == {tick + 1}
    store.flush()
    store.compact()
    told(reader)
    (table,) = reader._held.cache._tables
    assert {one.path.parent for one in table.sources} == {
        block.path for block in reader._held.view.blocks
    }
