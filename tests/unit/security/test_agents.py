"""A User-Agent has one of seven classes, whatever it says."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.security.agents import AgentClass, agent_class

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126 Safari/537.36"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (CHROME, "browser"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:127.0) Gecko/20100101 Firefox/127.0", "browser"),
        ("python-httpx/0.28.1", "sdk"),
        ("python-requests/2.32", "sdk"),
        ("llm-research-lab", "sdk"),
        ("Go-http-client/2.0", "sdk"),
        ("axios/1.7", "sdk"),
        ("curl/8.5.0", "cli"),
        ("Wget/1.21", "cli"),
        ("lab", "cli"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("GPTBot/1.0", "bot"),
        ("some bot", "bot"),
        ("Mozilla/5.0 (compatible; a web crawler)", "crawler"),
        ("Baiduspider/2.0", "crawler"),
        ("sqlmap/1.8", "scanner"),
        ("Mozilla/5.0 zgrab/0.x", "scanner"),
        ("port scanner bot", "scanner"),
        ("bottled water", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_known_client_has_its_class(said, found):
    assert agent_class(said) == found


@given(st.text())
def test_any_text_has_one_of_the_classes(said):
    assert agent_class(said) in get_args(AgentClass)


@given(st.sampled_from(["bot", "crawler", "scanner"]), st.text(alphabet="-/ .;()"))
def test_the_specs_three_words_are_found(word, around):
    assert agent_class(f"{around}{word}{around}") == word


def test_a_long_text_is_cut():
    assert agent_class("x" * 300 + " crawler") == "other"
