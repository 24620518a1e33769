"""A call is asked again only when that can help, after a wait that is bounded and spread."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.result import FailureKind
from llm_research_lab.experiments.retrying import (
    ASKED_MS,
    BASE_MS,
    CEILING_MS,
    RETRYABLE,
    Again,
    Asked,
    Backoff,
    Final,
    GiveUp,
    Spent,
    decide,
)

KINDS = get_args(FailureKind)
draws = st.floats(0, 1, exclude_max=True)


def after(attempt=1, *, kind="timeout", final=False, wish=None, attempts=5, draw=0.0):
    return decide(
        attempt, kind=kind, final=final, retry_after_ms=wish, attempts=attempts, draw=draw
    )


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_may_pass_by_itself_is_asked_again(kind):
    passes = kind in {"rate_limited", "timeout", "unavailable", "garbage"}
    assert isinstance(after(kind=kind), Again if passes else GiveUp)
    assert (kind in RETRYABLE) == passes


@pytest.mark.parametrize("kind", KINDS)
def test_a_final_refusal_is_never_asked_again(kind):
    assert after(kind=kind, final=True, wish=10) == GiveUp(Final(kind))


@given(st.integers(1, 100), st.integers(1, 20), draws)
def test_there_are_never_more_calls_than_attempts(attempt, attempts, draw):
    decided = after(attempt, attempts=attempts, draw=draw)
    if attempt >= attempts:
        assert decided == GiveUp(Spent("timeout", attempt))
    else:
        assert isinstance(decided, Again)


@given(st.integers(1, 10_000), draws)
def test_a_backoff_is_drawn_from_nothing_up_to_a_ceiling_that_doubles(attempt, draw):
    decided = after(attempt, attempts=10_001, draw=draw)
    ceiling = min(BASE_MS * 2 ** min(attempt - 1, 30), CEILING_MS)
    assert decided.reason == Backoff("timeout", ceiling)
    assert 0 <= decided.wait_ms <= ceiling


def test_the_draw_reaches_both_ends_of_the_backoff():
    nearly_one = 1 - 2**-53
    assert [after(n, draw=nearly_one, attempts=9).wait_ms for n in (1, 2, 3, 8)] == [
        500,
        1_000,
        2_000,
        30_000,
    ]
    assert after(8, draw=0.0, attempts=9).wait_ms == 0
    assert after(2, draw=0.5).wait_ms == 500


@given(st.integers(1, 10**9), draws)
def test_a_providers_wish_is_honoured_within_a_bound_and_spread_upwards(wish, draw):
    decided = after(wish=wish, draw=draw)
    assert decided.reason == Asked("timeout", wish, wish > ASKED_MS)
    assert min(wish, ASKED_MS) <= decided.wait_ms < min(wish, ASKED_MS) + BASE_MS


@pytest.mark.parametrize("wish", [0, -5, None])
def test_a_wish_for_nothing_is_no_wish(wish):
    assert isinstance(after(wish=wish).reason, Backoff)


def test_each_decision_says_itself_to_a_person():
    assert str(Backoff("timeout", 500)) == "timeout: asked again within 0.5 s"
    assert str(Asked("rate_limited", 1_500, bounded=False)) == (
        "rate_limited: the provider asked for 1.5 s"
    )
    assert str(Asked("rate_limited", 90_000, bounded=True)).endswith(
        "90 s, more than the 60 s that are waited"
    )
    assert str(Final("refused")) == "refused: asking again cannot help"
    assert str(Spent("timeout", 5)) == "timeout: still so at attempt 5, the last"
