"""What has a key's form or a secret's name is hidden; a word that only looks near one is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.telemetry.masking import HIDDEN, conceal, hidden, is_secret, masked

KEY = "lab_" + "a" * 43
_CHARACTERS = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(st.text(), st.text())
def test_a_key_is_hidden_wherever_it_stands(before, after):
    assert KEY not in masked(f"{before} {KEY} {after}")


def test_a_word_that_only_looks_near_a_secret_is_shown():
    text = "task-12 took sk-1, lab_notes, Bearer"
    assert masked(text) == text


@given(st.text(_CHARACTERS, min_size=20, max_size=40))
def test_what_was_told_to_be_secret_is_hidden_as_it_is_and_as_json_has_it(secret):
    conceal(f"!{secret}!")
    assert secret not in masked(f"said !{secret}!")
    assert HIDDEN in masked(json.dumps({"said": f"so !{secret}! it was"}))


def test_a_told_secret_that_is_a_common_word_hides_nothing():
    conceal("the")
    assert masked("the words") == "the words"


@pytest.mark.parametrize(
    "name", ["key", "api_key", "Authorization", "client_secret", "set_cookie", "PASSWORD", "token"]
)
def test_a_secrets_name_is_known(name):
    assert is_secret(name)
    assert hidden({"a": {"b": {name: "x"}}, "c": 1}) == {"a": {"b": {name: HIDDEN}}, "c": 1}


@pytest.mark.parametrize("name", ["key_id", "keys", "monkey", "input_tokens", "secretary"])
def test_another_name_is_not(name):
    assert not is_secret(name)
