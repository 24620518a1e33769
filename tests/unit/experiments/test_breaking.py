"""A provider that is down is left alone, and asked by one probe whether it is back."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.breaking import (
    DOWN,
    FAILURES,
    LONGEST_OPEN_MS,
    OPEN_MS,
    PROBE_MS,
    Breaker,
    Hold,
    Pass,
    allow,
    step,
)
from llm_research_lab.experiments.result import FailureKind

EVENTS = ("success", *get_args(FailureKind))
UP = sorted(set(EVENTS) - DOWN)


def opened(now=0, openings=0):
    breaker = Breaker(openings=openings)
    for _ in range(FAILURES):
        breaker, _ = step(breaker, "timeout", now)
    return breaker


def test_five_failures_in_a_row_open_and_four_do_not():
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker, reason = step(breaker, "unavailable", 7)
        assert reason == "failed, but not often enough in a row"
        assert allow(breaker, 7) == (breaker, Pass())
    breaker, reason = step(breaker, "garbage", 7)
    assert reason == "opened: too many failures in a row"
    assert breaker == Breaker("open", 0, 1, 7, 7 + OPEN_MS)


@pytest.mark.parametrize("event", UP)
def test_whoever_says_no_is_there(event):
    breaker = Breaker(failures=FAILURES - 1)
    assert step(breaker, event, 0) == (Breaker(), "answered")


@pytest.mark.parametrize("event", EVENTS)
def test_while_open_a_late_echo_moves_nothing(event):
    breaker = opened()
    assert step(breaker, event, 5) == (breaker, "not counted: sent before the breaker opened")


def test_while_open_nothing_passes_until_its_end_and_then_one_probe():
    breaker = opened(now=100)
    same, hold = allow(breaker, 100 + OPEN_MS - 1)
    assert (same, hold) == (breaker, Hold(1, probing=False))
    probing, passed = allow(breaker, 100 + OPEN_MS)
    assert passed == Pass(probe=True)
    assert allow(probing, 100 + OPEN_MS) == (probing, Hold(PROBE_MS, probing=True))


def test_a_probe_that_is_answered_closes_and_forgets():
    probing, _ = allow(opened(), OPEN_MS)
    assert step(probing, "rate_limited", OPEN_MS) == (Breaker(), "closed: the probe was answered")


def test_a_probe_that_fails_opens_for_longer_each_time_up_to_a_bound():
    breaker, now, lasted = opened(), 0, []
    for _ in range(12):
        lasted.append(breaker.until - breaker.since)
        now = breaker.until
        breaker, passed = allow(breaker, now)
        assert passed.probe
        breaker, reason = step(breaker, "timeout", now)
        assert reason == "opened again: the probe failed"
    assert lasted == [min(OPEN_MS * n, LONGEST_OPEN_MS) for n in range(1, 13)]


def test_a_lost_probe_is_given_up_for_another():
    probing, _ = allow(opened(), OPEN_MS)
    again, passed = allow(probing, OPEN_MS + PROBE_MS)
    assert passed == Pass(probe=True)
    assert again.until == OPEN_MS + 2 * PROBE_MS


def test_a_clock_that_was_set_back_holds_no_longer_than_was_meant():
    breaker = opened(now=10_000_000)
    back, hold = allow(breaker, 0)
    assert hold == Hold(OPEN_MS, probing=False)
    assert allow(back, OPEN_MS)[1] == Pass(probe=True)


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(-60_000, 400_000)), max_size=40))
def test_every_hold_ends_and_never_two_probes_are_out(story):
    breaker, now, probes = Breaker(), 1_000_000, 0
    for event, passes in story:
        now += passes
        breaker, answer = allow(breaker, now)
        if isinstance(answer, Hold):
            assert 1 <= answer.wait_ms <= max(LONGEST_OPEN_MS, PROBE_MS)
            after, later = allow(breaker, now + answer.wait_ms)
            assert isinstance(later, Pass)
            assert later.probe
            assert isinstance(allow(after, now + answer.wait_ms)[1], Hold)
            continue
        probes += answer.probe
        assert answer.probe == (breaker.state == "half_open")
        breaker, _ = step(breaker, event, now)
        assert 0 <= breaker.failures < FAILURES
        assert (breaker.state == "closed") == (event not in DOWN or breaker.failures > 0)


def test_each_decision_says_itself_to_a_person():
    assert str(Pass()) == "closed"
    assert "asks whether the provider is back" in str(Pass(probe=True))
    assert "left alone for 1.5 s" in str(Hold(1500, probing=False))
    assert "a probe is on its way" in str(Hold(1500, probing=True))
    assert replace(Breaker(), failures=1) != Breaker()
