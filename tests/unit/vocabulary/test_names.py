"""A name is a path-safe word; a reference is ``[owner/]name[@vN]``."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_research_lab.vocabulary import InvalidError, Reference, checked_name, parse_reference
from llm_research_lab.vocabulary.names import NAME_LENGTH

names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,99}", fullmatch=True)
references = st.builds(Reference, st.none() | names, names, st.none() | st.integers(1, 999_999_999))


@given(names)
@example("a" * NAME_LENGTH)
def test_a_name_is_one_step_of_a_path_and_no_option(name):
    assert checked_name(name, "name") == name
    assert PurePosixPath(name).parts == (name,)
    assert not name.startswith(("-", "."))


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "-a",
        ".a",
        "_a",
        "A",
        "é",
        "a b",
        "a\n",
        "a\x00",
        "a@v1",
        "a" * (NAME_LENGTH + 1),
        "x" * 10000,
    ],
)
def test_anything_else_is_refused_in_few_words(name):
    with pytest.raises(InvalidError) as caught:
        checked_name(name, "body.name")
    assert caught.value.where == "body.name"
    assert len(caught.value.got) <= 130


@given(references)
def test_a_reference_is_read_as_it_is_written(reference):
    owner = "" if reference.owner is None else f"{reference.owner}/"
    version = "" if reference.ordinal is None else f"@v{reference.ordinal}"
    assert parse_reference(f"{owner}{reference.name}{version}", "dataset") == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "a/b/c",
        "a@",
        "a@v",
        "a@v0",
        "a@v01",
        "a@1",
        "a@v1@v2",
        "a@v-1",
        "a@v1234567890",
        "../a",
        "a/..",
        "A/b",
        "a/B",
        "a\x00",
        "a@v1\n",
        "x" * 10000,
    ],
)
def test_a_reference_to_nothing_is_refused(text):
    with pytest.raises(InvalidError) as caught:
        parse_reference(text, "dataset")
    assert caught.value.where == "dataset"
    assert len(caught.value.got) <= 130


@given(st.text(max_size=30))
def test_whatever_is_read_holds_only_names(text):
    try:
        reference = parse_reference(text, "dataset")
    except InvalidError:
        return
    assert checked_name(reference.name, "x") == reference.name
    assert reference.owner is None or checked_name(reference.owner, "x") == reference.owner
