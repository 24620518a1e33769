"""A cached answer stands for a call only when the call would give it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llm_research_lab.experiments.result import Message
from llm_research_lab.vocabulary import digest


def deterministic(parameters: Mapping[str, Any]) -> tuple[bool, str]:
    """Say whether the same call gives the same answer, as far as a provider can promise, and why.

    Temperature 0 takes the likeliest token each time; a seed fixes the draws. A temperature that
    is not named is the provider's own, which is not 0. `parameters` are the merged ones.

    Source: OpenAI's API reference, chat completions, ``seed`` ("a best effort to sample
    deterministically") and ``temperature`` (its default is 1).
    """
    if parameters.get("temperature") == 0:
        return True, "the temperature is 0"
    if parameters.get("seed") is not None:
        return True, "a seed is fixed"
    return False, "the temperature is not 0 and no seed is fixed"


def cache_key(model_digest: str, parameters: Mapping[str, Any], messages: Iterable[Message]) -> str:
    """Address an answer by all that it depends on: 64 hex characters.

    Model version, merged parameters, rendered messages with their roles; nothing of who asks or
    when. The order of parameters does not count, that of messages does.
    """
    return digest(
        {
            "model": model_digest,
            "parameters": dict(parameters),
            "messages": [[message.role, message.content] for message in messages],
        }
    )
