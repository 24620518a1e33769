"""A key is ``lab_`` and 256 random bits; only its SHA-256 is kept."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.security import KEY_BYTES, digest_of, is_key, key_of

bits = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(bits)
def test_a_key_holds_every_bit_and_needs_no_quoting(random):
    key = key_of(random)
    assert is_key(key)
    assert len(key) == 47
    assert base64.urlsafe_b64decode(key.removeprefix("lab_") + "=") == random


@pytest.mark.parametrize("size", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_of_fewer_or_more_bits_is_not_made(size):
    with pytest.raises(ValueError, match="32 random bytes"):
        key_of(bytes(size))


@pytest.mark.parametrize(
    "text",
    ["", "lab_", "lab_" + "a" * 42, "lab_" + "a" * 44, "LAB_" + "a" * 43, "x" + "lab_" + "a" * 43]
    + ["lab_" + "a" * 42 + bad for bad in ("=", "+", "/", "\n", "é", " ", "\0")]
    + ["lab_" + "a" * 43 + "\n"],
)
def test_what_has_not_the_form_of_a_key_is_none(text):
    assert not is_key(text)


@given(bits)
def test_what_is_stored_is_the_sha_256_and_not_the_key(random):
    key = key_of(random)
    assert digest_of(key) == hashlib.sha256(key.encode()).hexdigest()
    assert key not in digest_of(key)
