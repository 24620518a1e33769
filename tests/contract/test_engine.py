"""The engine answers over any source, from many threads, and ends in time or says why not."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from llm_research_lab.commands.metrics.engine import (
    AT_ONCE,
    CancelledQueryError,
    Cancelling,
    Engine,
    FailedQueryError,
    SlowQueryError,
    parsed,
)
from llm_research_lab.promql.errors import ExpressionError, QueryLimitError
from llm_research_lab.promql.values import Grid, Limits, Options
from llm_research_lab.storage.timeseries import MemorySeries
from llm_research_lab.storage.timeseries.port import Batch

NOW = 1_767_225_600_000
AT_NOW = Grid(NOW, NOW, 0)
MANY = "a * on() a"


def series(count, samples=10):
    """A store with so many series of `a`, a sample each ten seconds, the last now."""
    store = MemorySeries()
    times = NOW - 10_000 * np.arange(samples, dtype=np.int64)[::-1]
    for one in range(count):
        labels = (("__name__", "a"), ("n", str(one)))
        store.append(Batch((labels,) * samples, times, np.arange(samples, dtype=np.float64) + one))
    return store


@pytest.fixture
def engine():
    return Engine(series(3))


def test_an_answer_comes_with_what_it_took(engine):
    told = engine.ask("sum(a)", AT_NOW)
    assert told.answer.value.values.tolist() == [[9.0 + 10 + 11]]
    assert told.answer.samples == 3
    assert told.prepare_seconds > 0
    assert told.evaluate_seconds > 0


def test_a_range_is_answered_at_each_step(engine):
    told = engine.ask("a{n='0'}", Grid(NOW - 20_000, NOW, 10_000))
    assert told.answer.value.values.tolist() == [[7.0, 8.0, 9.0]]


@pytest.mark.parametrize("text", ["a[1m]", '"text"'])
def test_a_range_takes_no_expression_without_a_value_at_each_step(engine, text):
    with pytest.raises(ExpressionError):
        engine.ask(text, Grid(NOW - 20_000, NOW, 10_000))
    engine.ask(text, AT_NOW)


def test_what_cannot_be_read_differs_from_what_cannot_be_evaluated(engine):
    with pytest.raises(ExpressionError):
        engine.ask("sum(", AT_NOW)
    with pytest.raises(FailedQueryError) as failed:
        engine.ask(MANY, AT_NOW)
    assert not isinstance(failed.value, ExpressionError)
    assert failed.value.status == 422


def test_experimental_functions_are_read_where_they_are_asked_for(engine):
    with pytest.raises(ExpressionError):
        engine.ask("limitk(1, a)", AT_NOW)
    asked = Engine(engine.source, Options(experimental=True)).ask("limitk(1, a)", AT_NOW)
    assert len(asked.answer.value.labels) == 1


def test_the_look_back_can_be_shortened(engine):
    later = Grid(NOW + 60_000, NOW + 60_000, 0)
    assert len(engine.ask("a", later).answer.value.labels) == 3
    assert len(engine.ask("a", later, lookback_ms=30_000).answer.value.labels) == 0


def test_a_question_that_nobody_waits_for_ends(engine):
    cancelling = Cancelling(10.0, asked=True)
    with pytest.raises(CancelledQueryError) as ended:
        engine.ask("a", AT_NOW, cancelling=cancelling)
    assert ended.value.status == 503


def test_a_question_that_takes_too_long_ends(engine):
    ticks = iter(range(1_000))
    cancelling = Cancelling(5.0, clock=lambda: next(ticks))
    text = " + ".join(["sum(a)"] * 20)
    with pytest.raises(SlowQueryError) as ended:
        engine.ask(text, AT_NOW, cancelling=cancelling)
    assert "5 s" in str(ended.value)


def test_more_than_may_be_evaluated_is_refused_before_it_is(engine):
    for bound in (Limits(memory_bytes=100), Limits(steps=2)):
        bounded = Engine(engine.source, Options(limits=bound))
        with pytest.raises(QueryLimitError):
            bounded.ask("sum_over_time(a[1m:1s])", AT_NOW)
        assert bounded.ask("1", AT_NOW).answer.value.values.tolist() == [1.0]


def test_more_samples_than_may_be_held_are_refused(engine):
    bounded = Engine(engine.source, Options(limits=Limits(memory_bytes=150)))
    assert bounded.ask("count_over_time(a{n='1'}[50s])", AT_NOW).answer.samples > 0
    with pytest.raises(QueryLimitError) as refused:
        bounded.ask("count_over_time(a[1m])", AT_NOW)
    assert "150 bytes" in str(refused.value)


def test_an_expression_is_read_once():
    assert parsed("sum(a)", False) is parsed("sum(a)", False)


class Waiting:
    """A source that answers when it may, and knows how many ask."""

    def __init__(self):
        self.now, self.most, self.guard = 0, 0, threading.Lock()
        self.may, self.full = threading.Event(), threading.Event()

    def select(self, *_):
        with self.guard:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == AT_ONCE:
                self.full.set()
        assert self.may.wait(20)
        with self.guard:
            self.now -= 1
        return []


def test_no_more_than_so_many_are_evaluated_at_once():
    source = Waiting()
    engine = Engine(source)
    threads = [threading.Thread(target=engine.ask, args=("a", AT_NOW)) for _ in range(AT_ONCE + 10)]
    for one in threads:
        one.start()
    assert source.full.wait(20)
    source.may.set()
    for one in threads:
        one.join(20)
    assert source.most == AT_ONCE


def test_who_waits_for_a_place_waits_no_longer_than_it_may():
    source = Waiting()
    engine = Engine(source)
    threads = [threading.Thread(target=engine.ask, args=("a", AT_NOW)) for _ in range(AT_ONCE)]
    for one in threads:
        one.start()
    assert source.full.wait(20)
    with pytest.raises(SlowQueryError):
        engine.ask("1", AT_NOW, cancelling=Cancelling(0.01))
    with pytest.raises(CancelledQueryError):
        engine.ask("1", AT_NOW, cancelling=Cancelling(10, asked=True))
    source.may.set()
    for one in threads:
        one.join(20)
    assert engine.ask("1", AT_NOW).answer.value.values.tolist() == [1.0]


def test_a_failed_question_gives_its_place_back(engine):
    for _ in range(AT_ONCE + 5):
        with pytest.raises(FailedQueryError):
            engine.ask(MANY, AT_NOW)
    assert len(engine.ask("a", AT_NOW).answer.value.labels) == 3
