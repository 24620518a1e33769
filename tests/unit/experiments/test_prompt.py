"""A prompt is a template over a row, text or chat messages, and says which columns it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Source
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.experiments.prompt import (
    NAMED,
    Prompt,
    compile_prompt,
    missing_columns,
    prompt_from_json,
    prompt_to_json,
    read_prompt,
)
from llm_research_lab.experiments.result import Message
from llm_research_lab.experiments.schema import Column, Schema
from llm_research_lab.vocabulary import InvalidError

ROLES = st.sampled_from(["system", "user", "assistant"])
WORDS = st.text(st.characters(exclude_characters="{}#%", exclude_categories=["Cs"]), max_size=20)
CHAT = st.lists(st.builds(Message, ROLES, WORDS), min_size=1, max_size=4).map(
    lambda messages: Prompt(tuple(messages))
)
TEXT = WORDS.filter(bool).map(lambda text: Prompt((Message("user", text),), is_text=True))


def laws(value):
    prompt, findings = read_prompt(Source(value))
    assert prompt is None
    return [(finding.where, finding.law) for finding in findings]


@given(CHAT | TEXT)
def test_a_prompt_comes_back_from_its_json_trusted_or_not(prompt):
    written = prompt_to_json(prompt)
    assert prompt_from_json(written) == prompt
    assert read_prompt(Source(written)) == (prompt, ())


def test_a_text_is_the_message_of_a_user():
    prompt, _ = read_prompt(Source({"name": "ask", "text": "{{ q }}?"}))
    assert prompt == Prompt((Message("user", "{{ q }}?"),), is_text=True)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, [("/", "one-of")]),
        ({"text": "a", "messages": [{"role": "user", "content": "a"}]}, [("/", "one-of")]),
        ({"text": ""}, [("/text", "length")]),
        ({"text": "{{ a"}, [("/text", "template")]),
        ({"messages": []}, [("/messages", "length")]),
        ({"messages": [{"role": "usr", "content": "a"}]}, [("/messages/0/role", "unknown-role")]),
        ({"messages": [{"role": "user"}]}, [("/messages/0", "missing-key")]),
        ({"text": "a", "name": "A"}, [("/name", "form")]),
        ({"text": "a", "role": "user"}, [("/role", "unknown-key")]),
        ("a", [("/", "type")]),
        (
            {"messages": [{"role": 1, "content": "{% x %}"}, 5]},
            [
                ("/messages/0/role", "type"),
                ("/messages/0/content", "template"),
                ("/messages/1", "type"),
            ],
        ),
    ],
)
def test_every_mistake_is_found_at_its_place(value, found):
    assert laws(value) == found


def test_a_place_in_yaml_is_its_line_and_column():
    source, _ = read_yaml("messages:\n  - role: user\n    content: '{{ a'\n")
    (finding,) = read_prompt(source)[1]
    assert finding.where == "3:14"


def test_messages_are_rendered_in_order_with_their_roles():
    prompt = Prompt((Message("system", "Be {{ mood }}."), Message("user", "{{ row['the q'] }}")))
    compiled = compile_prompt(prompt)
    assert compiled.variables == {"mood", "the q"}
    assert compiled.render({"mood": "kind", "the q": "why?"}) == (
        Message("system", "Be kind."),
        Message("user", "why?"),
    )


def test_an_error_of_rendering_names_the_message():
    compiled = compile_prompt(Prompt((Message("user", "a"), Message("user", "{{ q }}"))))
    with pytest.raises(InvalidError, match=r"prompt\.messages\[1\]\.content, line 1"):
        compiled.render({})
    with pytest.raises(InvalidError, match="prompt, line 1"):
        compile_prompt(Prompt((Message("user", "{{ q }}"),), is_text=True)).render({})


def test_a_missing_column_is_found_with_the_nearest():
    schema = Schema((Column("country", "string"), Column("capital", "string")))
    assert missing_columns({"capital"}, schema) == ()
    first, second = missing_columns({"zzz", "countri", "capital"}, schema, "/evaluators/0")
    assert (first.message, first.fix) == (
        "the dataset has no column 'countri'",
        "did you mean country?",
    )
    assert (second.where, second.law) == ("/evaluators/0", "unknown-column")
    assert second.fix == "columns are country, capital"


def test_of_many_columns_a_finding_lists_a_few():
    schema = Schema(tuple(Column(f"c{n}", "string") for n in range(2000)))
    (finding,) = missing_columns({"zzz"}, schema)
    assert finding.fix.endswith(f"c9 and {2000 - NAMED} more")
