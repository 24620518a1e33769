"""Within any minute no more is granted than the limit and one burst."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.pacing import MINUTE_MS, Bucket, burst, give_back, take

limits = st.integers(1, 100_000)


def test_a_bucket_never_used_is_full_and_holds_a_second():
    assert burst(60) == 1
    assert burst(6_000) == 100
    assert burst(1) == 1
    assert take(None, 5, 100, 6_000) == (Bucket(0, 5), 0)


def test_what_is_short_says_when_it_will_be_there():
    bucket, wait = take(None, 0, 1, 60)
    assert (bucket.tokens, wait) == (0, 0)
    assert take(bucket, 0, 1, 60) == (bucket, 1_000)
    assert take(bucket, 500, 1, 60)[1] == 500
    assert 1 <= take(bucket, 999, 1, 60)[1] <= 2
    assert take(bucket, 1_000, 1, 60) == (Bucket(0, 1_000), 0)


def test_an_amount_larger_than_a_burst_is_granted_and_paid_by_those_that_follow():
    bucket, wait = take(None, 0, 500, 600)  # a burst of 10
    assert (bucket.tokens, wait) == (-490, 0)
    assert take(bucket, 0, 1, 600)[1] == 49_100


@given(
    limits,
    st.lists(st.tuples(st.integers(0, 20_000), st.floats(0.01, 5_000)), min_size=1, max_size=60),
)
def test_in_any_minute_at_most_the_limit_and_a_burst_is_granted(per_minute, asked):
    now, bucket, granted = 0, None, []
    for passes, amount in asked:
        now += passes
        bucket, wait = take(bucket, now, amount, per_minute)
        if wait == 0:
            granted.append((now, amount))
    for start, _ in granted:
        window = [amount for at, amount in granted if start <= at <= start + MINUTE_MS]
        most = per_minute + max(burst(per_minute), *window)
        assert sum(window) <= most * (1 + 1e-9)


@given(limits, st.floats(0.01, 10_000), st.integers(0, 10**13), st.floats(0.01, 10_000))
def test_after_the_wait_it_is_granted_or_a_rounding_later(per_minute, first, now, amount):
    bucket, _ = take(None, now, first, per_minute)
    bucket, wait = take(bucket, now, amount, per_minute)
    if wait:
        bucket, again = take(bucket, now + wait, amount, per_minute)
        assert again <= 1
        assert not again or take(bucket, now + wait + again, amount, per_minute)[1] == 0


@given(limits, st.floats(0.01, 10_000), st.integers(0, 1_000_000), st.floats(0.01, 10_000))
def test_a_refusal_grants_nothing_and_waits_at_least_a_millisecond(
    per_minute, first, passes, amount
):
    bucket, _ = take(None, 0, first, per_minute)
    after, wait = take(bucket, passes, amount, per_minute)
    if wait:
        assert wait >= 1
        assert after.tokens >= bucket.tokens
    else:
        assert after.tokens <= burst(per_minute) - amount


@given(limits, st.integers(1, 10**13), st.integers(1, 10**9))
def test_a_clock_that_goes_back_refills_nothing_and_refilling_goes_on_from_there(
    per_minute, now, back
):
    bucket, _ = take(None, now, burst(per_minute), per_minute)
    after, wait = take(bucket, now - back, 1, per_minute)
    assert after == Bucket(0, now - back)
    assert wait == -(-MINUTE_MS // per_minute)
    assert take(after, now - back + wait, 1, per_minute)[1] <= 1


@given(limits, st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_what_is_given_back_never_overfills_and_what_was_overused_is_taken(
    per_minute, held, amount
):
    after = give_back(Bucket(held, 7), amount, per_minute)
    assert after.updated_at == 7
    assert after.tokens == pytest.approx(min(burst(per_minute), held + amount))
