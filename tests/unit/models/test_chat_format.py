"""A call becomes the format's request; a body becomes an answer, or is garbage and said to be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.result import Message, Usage
from llm_research_lab.models import Call
from llm_research_lab.models.chat_format import GarbageError, answer_in, limit_name, request_of

CALL = Call("m", (Message("system", "short"), Message("user", "hi")))
COUNTED = {"prompt_tokens": 3, "completion_tokens": 2}


def test_a_request_always_bounds_the_answer():
    assert request_of(CALL, openai_itself=False) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "short"},
            {"role": "user", "content": "hi"},
        ],
        "max_tokens": 1024,
    }


def test_each_parameter_is_put_where_the_format_has_it():
    parameters = {
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": 1, "stop": ["x"],
        "json_schema": {"type": "object"},
    }  # fmt: skip
    body = request_of(Call("m", (), parameters), openai_itself=True)
    assert body == {
        "model": "m",
        "messages": [],
        "max_completion_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 1,
        "stop": ["x"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    }


@pytest.mark.parametrize("model", ["o1", "o3-mini", "gpt-5", "gpt-5.1-nano", "openai/o4-mini"])
def test_a_model_that_reasons_has_the_new_name_of_the_limit_everywhere(model):
    assert limit_name(model, openai_itself=False) == "max_completion_tokens"


@pytest.mark.parametrize("model", ["gpt-4o", "llama-3", "olmo", "o", "gpt-oss-20b", "my-o1"])
def test_another_model_has_it_at_openai_alone(model):
    assert limit_name(model, openai_itself=False) == "max_tokens"
    assert limit_name(model, openai_itself=True) == "max_completion_tokens"


def response(message, usage=COUNTED):
    return json.dumps({"choices": [{"message": message}], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Paris"}, "Paris"),
        ({"content": ""}, ""),
        ({"content": None}, ""),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        ({"content": [{"type": "text", "text": "a"}, {"type": "x"}, {"text": "b"}]}, "ab"),
    ],
)
def test_the_text_is_found_in_each_form_of_a_message(message, text):
    assert answer_in(response(message), CALL) == (text, Usage(3, 2))


def test_tokens_that_nobody_counted_are_taken_to_be_as_many_as_there_can_be():
    text, usage = answer_in(response({"content": "héllo"}, None), CALL)
    assert text == "héllo"
    assert usage.output_tokens == 6
    assert usage.input_tokens >= len("short") + len("hi")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty body"),
        (b"<html>", "not JSON"),
        (b'{"choices": [{"message": {"content": "\\ud800"}}]}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "without choices"),
        (b'{"choices": []}', "without choices"),
        (b'{"choices": [1]}', "without choices"),
        (b'{"choices": [{}]}', "without a message"),
        (b'{"choices": [{"message": {}}]}', "without a message"),
        (response({"content": 3}), "is not text"),
        (response({"content": [3]}), "is not text"),
        (response({"content": [{"text": 3}]}), "is not text"),
        (response({"content": "x"}, [1]), "usage that is not"),
        (response({"content": "x"}, {"prompt_tokens": 1}), "completion_tokens"),
        (response({"content": "x"}, {**COUNTED, "prompt_tokens": -1}), "prompt_tokens"),
        (response({"content": "x"}, {**COUNTED, "prompt_tokens": True}), "prompt_tokens"),
        (response({"content": "x"}, {**COUNTED, "prompt_tokens": 2**60}), "prompt_tokens"),
    ],
)
def test_what_is_not_the_format_is_garbage(body, what):
    with pytest.raises(GarbageError, match=what):
        answer_in(body, CALL)


@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["choices", "message", "content", "usage", "prompt_tokens"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_body_is_an_answer_or_garbage(body):
    try:
        text, usage = answer_in(body, CALL)
    except GarbageError:
        return
    assert isinstance(text, str)
    assert usage.input_tokens >= 0
