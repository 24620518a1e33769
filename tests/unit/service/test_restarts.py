"""A child that ends is started again after a growing wait; one that cannot start is given up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.service.restarts import (
    FAILED_STARTS,
    Again,
    GiveUp,
    Life,
    Policy,
    Streak,
    after,
)
from llm_research_lab.vocabulary import InvalidError, UnavailableError

POLICY = Policy(first_seconds=0.5, longest_seconds=30, stable_seconds=60)
CRASH = Life("api", 1.0, served=True, refusal=None, status=-9)
REFUSAL = UnavailableError("port 1", "free", "taken", "another")
REFUSED = replace(CRASH, served=False, refusal=REFUSAL, status=1)
SILENT = replace(CRASH, served=False, status=-11)


def play(*lives, streak=Streak()):  # noqa: B008 - frozen
    told = []
    for life in lives:
        streak, then = after(streak, life, POLICY)
        told.append(then)
    return told


def test_the_wait_doubles_up_to_the_longest():
    waits = [then.wait_seconds for then in play(*[CRASH] * 9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_long_life_forgets_the_waits_before_it():
    *_, last = play(CRASH, CRASH, CRASH, replace(CRASH, seconds=60))
    assert last == Again(0.5)


def test_five_refusals_in_a_row_end_with_the_childs_own_error():
    told = play(*[REFUSED] * FAILED_STARTS)
    assert told[-1] == GiveUp(REFUSAL)
    assert all(isinstance(then, Again) for then in told[:-1])


def test_a_life_that_served_starts_the_count_anew():
    told = play(*[REFUSED] * 4, CRASH, *[REFUSED] * 4)
    assert all(isinstance(then, Again) for then in told)


def test_a_start_that_breaks_without_a_word_is_given_up_with_its_status():
    last = play(*[SILENT] * FAILED_STARTS)[-1]
    assert isinstance(last, GiveUp)
    assert "signal 11" in last.error.got
    assert "status 3" in play(*[replace(SILENT, status=3)] * FAILED_STARTS)[-1].error.got


@given(st.lists(st.sampled_from([CRASH, SILENT]), max_size=50))
def test_a_child_that_has_served_is_never_given_up_for_crashes(lives):
    assert all(isinstance(then, Again) for then in play(CRASH, *lives))


def test_a_users_mistake_at_the_first_start_ends_it_at_once_and_later_does_not():
    mistake = replace(REFUSED, refusal=InvalidError("file", "ours", "another's", "name another"))
    assert isinstance(play(mistake)[0], GiveUp)
    assert isinstance(play(CRASH, mistake)[-1], Again)
