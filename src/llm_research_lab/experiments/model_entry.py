"""A model entry says which model is called, how, at what price and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from llm_research_lab.vocabulary.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limits", "ModelEntry", "Price", "ProviderName"]

ProviderName = Literal["bundled", "openai", "echo"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What all runners together may ask of one entry's provider; None is no limit."""

    concurrency: int = 4
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    timeout_seconds: float = 60.0
    attempts: int = 5


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """An immutable version of a model entry, without its name.

    `secret` is a reference, ``env:NAME`` or ``file:PATH``, never the secret. `parameters` are the
    defaults that an experiment may override: ``temperature``, ``top_p``, ``max_tokens``, ``seed``,
    ``stop``, ``json_schema``, ``grammar``. `script` is read by the provider ``echo`` alone.
    `insecure` was said by whoever accepts that prompts and keys travel to `base_url` unencrypted.
    """

    provider: ProviderName
    id: str
    base_url: str | None = None
    secret: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = None
    limits: Limits = field(default_factory=Limits)
    script: Mapping[str, Any] = field(default_factory=dict)
    insecure: bool = False
