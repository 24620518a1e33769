"""Who is served next, and what becomes of a portion whose runner died."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.queueing import (
    CHUNK_MAX,
    CHUNK_MIN,
    LOSSES_UNTIL_CAREFUL,
    Candidate,
    Losses,
    after_loss,
    choose,
    chunk_size,
)

candidates = st.builds(
    Candidate,
    experiment_id=st.text("abc", min_size=1, max_size=3),
    owner=st.sampled_from(["ann", "ben", "cy"]),
    priority=st.integers(0, 9),
    owner_leased=st.integers(0, 100),
    served_at=st.integers(0, 1000),
)


def test_nothing_waiting_chooses_nothing():
    assert choose([]) is None


@given(st.lists(candidates, min_size=1))
def test_nobody_with_fewer_samples_under_lease_is_passed_over(waiting):
    chosen = choose(waiting)
    assert chosen is not None
    assert chosen.candidate.owner_leased == min(c.owner_leased for c in waiting)
    assert chosen.candidate.owner in chosen.reason


def test_a_priority_never_takes_another_users_turn():
    mine = Candidate("e1", "ann", 9, 50, 0)
    theirs = Candidate("e2", "ben", 0, 0, 0)
    assert choose([mine, theirs]).candidate is theirs


def test_a_users_own_experiments_go_by_priority_then_by_who_waited_longest():
    low, high, waited = (
        Candidate(i, "ann", p, 0, s) for i, p, s in (("a", 1, 0), ("b", 7, 9), ("c", 7, 5))
    )
    assert choose([low, high, waited]).candidate is waited


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_a_chunk_is_ten_to_fifty_and_never_more_than_there_is(samples, concurrency):
    size = chunk_size(samples, concurrency)
    assert 1 <= size <= CHUNK_MAX
    assert size <= max(samples, 1)
    assert size >= min(CHUNK_MIN, max(samples, 1))


def test_three_losses_prove_nothing_and_the_fourth_is_run_alone():
    history = Losses()
    modes = []
    for _ in range(LOSSES_UNTIL_CAREFUL):
        verdict = after_loss(history, [4, 5])
        history = verdict.history
        modes.append(verdict.mode)
        assert verdict.poison is None
    assert modes == ["together", "together", "alone"]


def test_a_sample_alone_in_flight_at_two_losses_in_a_row_is_poison():
    first = after_loss(Losses(LOSSES_UNTIL_CAREFUL), [7])
    assert (first.poison, first.history.suspect) == (None, 7)
    second = after_loss(first.history, [7])
    assert second.poison == 7
    assert "sample 7" in second.reason
    assert second.history.suspect is None


def test_another_sample_in_between_clears_the_suspect():
    first = after_loss(Losses(LOSSES_UNTIL_CAREFUL), [7])
    other = after_loss(first.history, [8])
    assert (other.poison, other.history.suspect, other.history.suspect_losses) == (None, 8, 1)


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=12))
def test_no_sample_is_poison_unless_it_was_alone_twice_in_a_row(losses):
    history, previous = Losses(), None
    for in_flight in losses:
        verdict = after_loss(history, in_flight)
        if verdict.poison is not None:
            assert in_flight == [verdict.poison]
            assert previous == in_flight
        previous = in_flight if history.losses >= LOSSES_UNTIL_CAREFUL else None
        history = verdict.history
