"""OpenAI's chat format: a call becomes a request's body, a response's body becomes an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from llm_research_lab.cost.counting import input_bound, output_bound
from llm_research_lab.experiments.result import Usage
from llm_research_lab.models.port import Call

KNOWN = frozenset({"temperature", "top_p", "max_tokens", "seed", "stop", "json_schema"})
"""The parameters that the format has; ``grammar`` is llama.cpp's alone."""

_PLAIN = ("temperature", "top_p", "seed", "stop")

_REASONING = re.compile(r"(?:.*/)?(?:o\d|gpt-[5-9])(?:[-.:].*)?")


class GarbageError(Exception):
    """The body is not the format's; the text says what it is instead, without repeating it."""


def limit_name(model: str, *, openai_itself: bool) -> str:
    """``max_completion_tokens`` where it is known, ``max_tokens`` elsewhere.

    OpenAI itself takes the new name for every model and refuses the old one for those that
    reason (o1, o3, gpt-5, …), which its relays do too. Other servers may ignore a name that they
    do not know, and an answer without a bound has a cost without one: they get the old name.

    Source: OpenAI's API reference, chat completions, ``max_completion_tokens``.
    """
    modern = openai_itself or _REASONING.fullmatch(model) is not None
    return "max_completion_tokens" if modern else "max_tokens"


def request_of(call: Call, *, openai_itself: bool) -> dict[str, Any]:
    """The body of the request, for parameters that are `KNOWN`; it always bounds the answer."""
    body: dict[str, Any] = {
        "model": call.model,
        "messages": messages_of(call),
        limit_name(call.model, openai_itself=openai_itself): output_bound(call.parameters),
    }
    body.update((name, call.parameters[name]) for name in _PLAIN if name in call.parameters)
    if "json_schema" in call.parameters:
        body["response_format"] = response_format(call.parameters["json_schema"])
    return body


def messages_of(call: Call) -> list[dict[str, str]]:
    """The messages as the format has them."""
    return [{"role": message.role, "content": message.content} for message in call.messages]


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that holds the answer, not one that the model may forget: ``strict``."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }


def answer_in(body: bytes, call: Call) -> tuple[str, Usage]:
    """The text and the count of tokens, or GarbageError.

    A model's own refusal is its answer. Content of null is an empty answer: a model that reasons
    may use up its tokens before it says anything. A server that counts no tokens is taken to have
    used as many as there can be, so that a cost is never understated.
    """
    response = _object(body)
    text = _text(_first_choice(response).get("message"))
    return text, _usage(response.get("usage"), call, text)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise GarbageError("a body that is not JSON" if body else "an empty body") from None
    if not isinstance(value, dict):
        raise GarbageError("JSON that is not an object")
    return value


def _first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise GarbageError("an object without choices")
    return choices[0]


def _text(message: Any) -> str:
    if not isinstance(message, dict) or "content" not in message:
        raise GarbageError("a choice without a message's content")
    content = message["content"]
    if content is None:
        content = message.get("refusal") or ""
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    if not isinstance(content, str):
        raise GarbageError("a message whose content is not text")
    return content


def _part(part: Any) -> str:
    """The text of one part of a content in parts; parts of other types say nothing."""
    text = part.get("text", "") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise GarbageError("a message whose content is not text")
    return text


def _usage(usage: Any, call: Call, text: str) -> Usage:
    if usage is None:
        most = len(text.encode("utf-8", "surrogatepass"))
        return Usage(input_bound(call.messages, call.parameters), most)
    if not isinstance(usage, dict):
        raise GarbageError("a usage that is not an object")
    return Usage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def _count(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 2**53:
        raise GarbageError(f"a usage whose {name} is no count")
    return count
