"""A prompt is a template over a row, text or chat messages, and says which columns it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from llm_research_lab.documents.fields import SHOWN, Field, Place, Source, read_fields
from llm_research_lab.documents.readers import list_of, mapping_of, name, one_of
from llm_research_lab.experiments.result import Message
from llm_research_lab.experiments.sandbox import compile_text, template, variables_of
from llm_research_lab.experiments.schema import Schema
from llm_research_lab.vocabulary import Finding

MESSAGES = 100
"""Messages of one prompt."""

NAMED = 10
"""Columns that a finding lists."""

FORMS = ("text", "messages")

_MESSAGE = (
    Field("role", one_of("system", "user", "assistant"), required=True),
    Field("content", template(least=0), required=True),
)
_FIELDS = (
    Field("name", name),
    Field("text", template()),
    Field("messages", list_of(mapping_of(_MESSAGE), 1, MESSAGES)),
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages whose contents are templates; `is_text` was written as the text of one user's."""

    messages: tuple[Message, ...]
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """`render` gives a row's messages or raises InvalidError; `variables` are needed columns."""

    render: Callable[[Mapping[str, Any]], tuple[Message, ...]]
    variables: frozenset[str]


def read_prompt(source: Source) -> tuple[Prompt | None, tuple[Finding, ...]]:
    """Read a prompt, or say all that is wrong with it; one of the two is empty.

    ``text``, or ``messages`` of ``role`` and ``content``. A ``name`` is checked and left to the
    caller: a prompt is the same under every name.
    """
    place = Place(source, [])
    found = read_fields(source.value, place, _FIELDS)
    given = [form for form in FORMS if form in found]
    if isinstance(source.value, Mapping) and len(given) != 1:
        got = "both" if given else "neither"
        place.find("one-of", f"expected text or messages, got {got}", "write one of the two")
    if place.findings:
        return None, tuple(place.findings)
    return prompt_from_json(found), ()


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """Give the form in which it was written; `read_prompt` reads it back."""
    if prompt.is_text:
        return {"text": prompt.messages[0].content}
    return {
        "messages": [
            {"role": message.role, "content": message.content} for message in prompt.messages
        ]
    }


def prompt_from_json(value: Mapping[str, Any]) -> Prompt:
    """Undo `prompt_to_json`; the value is trusted."""
    if "text" in value:
        return Prompt((Message("user", value["text"]),), is_text=True)
    return Prompt(tuple(Message(one["role"], one["content"]) for one in value["messages"]))


def compile_prompt(prompt: Prompt) -> Compiled:
    """Compile every message once. Raises InvalidError for what is no template."""
    renders = [
        (message.role, compile_text(message.content, where)) for message, where in _placed(prompt)
    ]

    def render(row: Mapping[str, Any]) -> tuple[Message, ...]:
        return tuple(Message(role, content(row)) for role, content in renders)

    needed = (variables_of(message.content, where) for message, where in _placed(prompt))
    return Compiled(render, frozenset().union(*needed))


def _placed(prompt: Prompt) -> Iterable[tuple[Message, str]]:
    """Give each message, and what errors call it."""
    if prompt.is_text:
        return [(prompt.messages[0], "prompt")]
    return [
        (message, f"prompt.messages[{index}].content")
        for index, message in enumerate(prompt.messages)
    ]


def missing_columns(
    variables: Iterable[str], schema: Schema, where: str = "prompt"
) -> tuple[Finding, ...]:
    """Find each variable that is no column, in the order of the alphabet, with the nearest."""
    return tuple(
        Finding(
            where,
            "unknown-column",
            f"the dataset has no column {variable[:SHOWN]!r}",
            _mend(variable, schema.names),
        )
        for variable in sorted(set(variables) - set(schema.names))
    )


def _mend(variable: str, columns: tuple[str, ...]) -> str:
    near = get_close_matches(variable[:SHOWN], columns, 1)
    if near:
        return f"did you mean {near[0]}?"
    rest = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
    return f"columns are {', '.join(columns[:NAMED])}{rest}"
