"""A value has one canonical text, and its SHA-256 is its address."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.vocabulary import canonical, digest

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
)


def turned(value):
    """The same value, with the keys of every object in the other order."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in reversed(list(value.items()))}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def test_keys_are_sorted_and_nothing_is_spaced_or_escaped():
    assert canonical({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'.encode()


@given(values)
def test_it_is_read_back_as_the_same_value(value):
    assert json.loads(canonical(value)) == value


@given(values)
def test_the_order_of_keys_does_not_matter(value):
    assert canonical(turned(value)) == canonical(value)


@given(values)
def test_the_address_is_the_sha_256_of_the_text(value):
    assert digest(value) == hashlib.sha256(canonical(value)).hexdigest()
    assert len(digest(value)) == 64
