"""A provider turns a call into an answer, or says why not and whether to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_research_lab.experiments.result import FailureKind, Message, Usage
from llm_research_lab.vocabulary import LabError


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the model's id, the rendered messages, and the merged parameters."""

    model: str
    messages: tuple[Message, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    sample: int = 0
    """Which sample asks; only scripted providers look at it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text, the provider's count of tokens, and the time from send to last byte."""

    text: str
    usage: Usage
    latency_ms: float


class ProviderError(LabError):
    """A call that gave no answer.

    `kind` is the failure's kind; `final` says that asking again cannot help; `retry_after_ms` is
    the provider's own wish (``Retry-After``), None when it had none; `unbilled` says that nobody
    charges for the call: it never reached the provider, or was answered with an error's status.
    """

    def __init__(
        self,
        kind: FailureKind,
        where: str,
        expected: str,
        got: str,
        fix: str,
        *,
        final: bool = False,
        retry_after_ms: int | None = None,
        unbilled: bool = False,
    ) -> None:
        super().__init__(where, expected, got, fix)
        self.kind = kind
        self.final = final
        self.retry_after_ms = retry_after_ms
        self.unbilled = unbilled


class Provider(Protocol):
    """Calls one model entry. Safe to call from many tasks of one event loop."""

    async def complete(self, call: Call) -> Answer:
        """Answer the call, or raise ProviderError. Cancellation stops the work."""
        ...

    async def close(self) -> None:
        """Let go of connections and memory. A second call does nothing."""
        ...
