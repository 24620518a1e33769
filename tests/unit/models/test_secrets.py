"""A reference gives its secret or a final error that repeats neither secret nor mistake."""

from __future__ import annotations

import os

import pytest

from llm_research_lab.models import ProviderError
from llm_research_lab.models.secrets import resolve


def refusal(reference):
    with pytest.raises(ProviderError) as caught:
        resolve(reference)
    assert (caught.value.kind, caught.value.final) == ("missing_secret", True)
    return str(caught.value)


def test_a_variable_gives_its_text_without_white_space(monkeypatch):
    monkeypatch.setenv("D_KEY", " sk-1 \n")
    assert resolve("env:D_KEY") == "sk-1"


def test_a_file_gives_its_text_without_white_space(tmp_path):
    (tmp_path / "key").write_text("sk-2\n")
    assert resolve(f"file:{tmp_path}/key") == "sk-2"


def test_what_is_not_there_is_named(tmp_path):
    assert "env:D_NONE" in refusal("env:D_NONE")
    assert "no such file" in refusal(f"file:{tmp_path}/none")
    assert "is a directory" in refusal(f"file:{tmp_path}")
    refusal("file:/a\0b")


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "an empty text" in refusal(f"file:{tmp_path}/pipe")


@pytest.mark.parametrize("content", ["", " \n", "sk 3", "sk-3\nX-Evil: 1", "schlüssel", "sk\0"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(tmp_path, content):
    (tmp_path / "key").write_text(content)
    said = refusal(f"file:{tmp_path}/key")
    assert content.strip() not in said or not content.strip()


def test_a_long_file_is_another_file(tmp_path):
    (tmp_path / "key").write_text("k" * 20_000)
    assert "16384 bytes" in refusal(f"file:{tmp_path}/key")


@pytest.mark.parametrize("secret", ["sk-pasted-by-mistake", "env:", "vault:sk-x", "file:"])
def test_what_is_no_reference_may_be_the_secret_and_is_not_repeated(secret):
    said = refusal(secret)
    assert "sk-" not in said
    assert "write env:NAME or file:/absolute/path" in said
