"""A parameter of a call is known by name, has one type, and only some providers have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_research_lab.documents.fields import Field, Place, Reader, read_fields
from llm_research_lab.documents.readers import list_of, number, plain, text, whole

BUNDLED, OPENAI, ECHO = "bundled", "openai", "echo"
EVERY = frozenset({BUNDLED, OPENAI, ECHO})

MAX_TOKENS = 1_000_000
"""More than any model writes in one answer."""

STOPS = 4
"""Source: OpenAI's API reference, chat completions, ``stop``: up to four sequences."""

SEED = 2**32 - 2
"""The largest seed: llama.cpp takes 2^32 - 1 for "draw one". Source: llama.h,
``LLAMA_DEFAULT_SEED``."""

GRAMMAR_CHARACTERS = 65_536
"""The longest grammar."""

CONSTRAINTS = ("json_schema", "grammar")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: how it is read, and the providers that have it."""

    name: str
    read: Reader
    providers: frozenset[str] = EVERY


def _stop(value: Any, place: Place) -> Any:
    """Read one text or a list of them; a list in the end."""
    if isinstance(value, str):
        return [text(1000)(value, place)]
    return list(list_of(text(1000), 1, STOPS)(value, place))


PARAMETERS = (
    Parameter("temperature", number(0, 2)),
    Parameter("top_p", number(0, 1)),
    Parameter("max_tokens", whole(1, MAX_TOKENS)),
    Parameter("seed", whole(0, SEED)),
    Parameter("stop", _stop),
    Parameter("json_schema", plain),
    # A GBNF grammar is llama.cpp's: OpenAI's own API has none.
    Parameter("grammar", text(GRAMMAR_CHARACTERS), frozenset({BUNDLED, ECHO})),
)
"""All that are known. Bounds: OpenAI's API reference, chat completions."""

_FIELDS = tuple(Field(parameter.name, parameter.read) for parameter in PARAMETERS)
_PROVIDERS = {parameter.name: parameter.providers for parameter in PARAMETERS}


def parameters(value: Any, place: Place) -> dict[str, Any]:
    """Read a mapping of parameters; a call is held by one constraint at most."""
    found = read_fields(value, place, _FIELDS)
    conflicting(found, place)
    return found


def conflicting(found: Mapping[str, Any], place: Place) -> None:
    """Find a second constraint. llama.cpp refuses it: "Cannot use both json_schema and grammar"."""
    if all(word in found for word in CONSTRAINTS):
        place.find("one-of", "json_schema and grammar exclude each other", "keep one of the two")


def unsupported(found: Mapping[str, Any], provider: str, place: Place) -> None:
    """Find each parameter that the provider does not have."""
    for name in found:
        having = _PROVIDERS.get(name, EVERY)
        if provider not in having:
            words = " and ".join(sorted(having))
            message = f"the provider {provider} has no {name}"
            place.at(name).find("unsupported", message, f"leave it out; {words} have it", key=True)
