"""An id sorts by its creation, whatever the clock does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.service.ids import ALPHABET, Ulids, new_id, written

MILLISECONDS = st.integers(min_value=0, max_value=2**48 - 2)


@given(st.lists(MILLISECONDS, min_size=1, max_size=20), st.sampled_from([b"\0", b"\x7f", b"\xff"]))
def test_each_is_greater_than_the_one_before_even_when_the_clock_is_set_back(times, byte):
    left = iter(times)
    ulids = Ulids(lambda: next(left), lambda n: byte * n)
    made = [ulids.new() for _ in times]
    assert made == sorted(set(made))
    assert all(len(one) == 26 and set(one) <= set(ALPHABET) for one in made)


def test_the_time_is_the_specifications_first_ten_characters():
    ulid = Ulids(lambda: 1469918176385, lambda n: b"\0" * n).new()
    assert ulid == "01ARYZ6S41" + "0" * 16  # Source: github.com/ulid/spec, its example's time


def test_the_greatest_number_is_the_specifications_greatest():
    assert written(2**128 - 1) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


def test_an_id_has_its_prefix():
    one, other = new_id("exp"), new_id("exp")
    assert one.startswith("exp_")
    assert len(one) == 30
    assert one < other
