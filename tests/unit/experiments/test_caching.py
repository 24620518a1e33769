"""A cached answer stands for a call only when the call would give it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.caching import cache_key, deterministic
from llm_research_lab.experiments.result import Message

MODEL = "a" * 64
messages = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=5)),
    max_size=3,
).map(tuple)


@pytest.mark.parametrize(
    ("parameters", "outcome", "reason"),
    [
        ({"temperature": 0}, True, "the temperature is 0"),
        ({"temperature": 0.0, "seed": None}, True, "the temperature is 0"),
        ({"temperature": 1.0, "seed": 0}, True, "a seed is fixed"),
        ({}, False, "the temperature is not 0 and no seed is fixed"),
        ({"temperature": 0.1}, False, "the temperature is not 0 and no seed is fixed"),
        ({"top_p": 0.0}, False, "the temperature is not 0 and no seed is fixed"),
    ],
)
def test_only_temperature_0_or_a_seed_repeats_an_answer(parameters, outcome, reason):
    assert deterministic(parameters) == (outcome, reason)


@given(messages, messages)
def test_two_calls_share_a_key_exactly_when_they_are_the_same(one, other):
    assert (cache_key(MODEL, {}, one) == cache_key(MODEL, {}, other)) == (one == other)


def test_the_model_and_each_parameter_count_and_their_order_does_not():
    ask = (Message("user", "x"),)
    key = cache_key(MODEL, {"seed": 1, "temperature": 0.0}, ask)
    assert len(key) == 64
    assert key == cache_key(MODEL, {"temperature": 0.0, "seed": 1}, iter(ask))
    assert key != cache_key("b" * 64, {"seed": 1, "temperature": 0.0}, ask)
    assert key != cache_key(MODEL, {"seed": 2, "temperature": 0.0}, ask)
    assert key != cache_key(MODEL, {"seed": 1}, ask)
