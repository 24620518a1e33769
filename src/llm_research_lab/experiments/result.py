"""A sample has one result: an answer with its scores, or a failure with its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

FailureKind = Literal[
    "refused",  # the provider said no for good: 400, 401, 403, 404
    "rate_limited",  # 429 until the attempts ran out
    "timeout",
    "unavailable",  # 5xx, refused connections, cut answers, an open breaker
    "garbage",  # an answer that is not the provider's format
    "template",  # the prompt could not be rendered
    "too_long",  # the prompt does not fit the model's context
    "missing_secret",
    "cost_cap",  # the next call could have overshot the experiment's cap
    "evaluator",  # the answer could not be scored
    "poison",  # the sample that kills the runner
]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `content` is text (a template in a prompt, rendered in a call)."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the provider counted; both are at least 0."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sample has no answer or no score; `message` is for a person, without secrets."""

    kind: FailureKind
    message: str


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What one sample gave.

    `sample` counts from 0 in the dataset's order. `cost_usd` is None when the model has no price
    (said, never free) and 0 for a cached answer. `scores` maps metric to value; empty on failure.
    `latency_ms` is the call that answered, retries and waits apart; None when none did.
    """

    sample: int
    messages: tuple[Message, ...]
    answer: str | None
    usage: Usage | None
    latency_ms: float | None
    cost_usd: Decimal | None
    scores: Mapping[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    cached: bool = False
    attempts: int = 0
