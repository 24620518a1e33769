"""A call's cost is its tokens times its price, exactly; its ceiling is known before it is made."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from llm_research_lab.cost.money import EXACT
from llm_research_lab.vocabulary import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llm_research_lab.vocabulary.price import Price

MILLION = Decimal(1_000_000)

OVERHEAD_TOKENS = 16
"""Tokens that a chat format may add for each message, and once for the reply. OpenAI's adds 3 and
1 for the role, then 3; ChatML as text spells them out in up to a dozen. Source: OpenAI Cookbook,
"How to count tokens with tiktoken", section 6."""

DEFAULT_MAX_TOKENS = 1024
"""What a call under a cap must send as ``max_tokens`` when its parameters name none: an answer
without a bound has a cost without one."""


class Tokens(Protocol):
    """What the provider counted (``experiments.Usage`` is one)."""

    @property
    def input_tokens(self) -> int:
        """Read, at least 0."""
        ...

    @property
    def output_tokens(self) -> int:
        """Written, at least 0."""
        ...


class Worded(Protocol):
    """A message as far as its length goes (``experiments.Message`` is one)."""

    @property
    def content(self) -> str:
        """The rendered text."""
        ...


def cost(usage: Tokens, price: Price) -> Decimal:
    """Tokens times price in US dollars, exact."""
    return _usd(usage.input_tokens, usage.output_tokens, price)


def ceiling(
    messages: Iterable[Worded],
    parameters: Mapping[str, Any],
    price: Price,
    default_max_tokens: int = DEFAULT_MAX_TOKENS,
) -> Decimal:
    """No answer to this call costs more, so what is reserved beforehand holds the cap.

    Holds for providers whose tokens are at least a byte of UTF-8 each (byte-level BPE) and that
    stop at ``max_tokens``; send `output_bound` as that when the parameters have none.
    """
    read = input_bound(messages, parameters)
    return _usd(read, output_bound(parameters, default_max_tokens), price)


def input_bound(messages: Iterable[Worded], parameters: Mapping[str, Any]) -> int:
    """Bytes of all that the model reads, plus the format's own tokens: never fewer than tokens.

    A grammar or JSON schema counts too: some providers put it into the prompt. A lone surrogate,
    which UTF-8 does not have, counts as the three bytes that replace it.
    """
    shapes = [parameters[name] for name in ("json_schema", "grammar") if name in parameters]
    sizes = [len(message.content.encode("utf-8", "surrogatepass")) for message in messages]
    constraint = sum(len(canonical(shape)) for shape in shapes)
    return sum(sizes) + constraint + OVERHEAD_TOKENS * (len(sizes) + 1)


def output_bound(parameters: Mapping[str, Any], default: int = DEFAULT_MAX_TOKENS) -> int:
    """The parameters' ``max_tokens``, or `default`."""
    return int(parameters.get("max_tokens") or default)


def token_bound(messages: Iterable[Worded], parameters: Mapping[str, Any]) -> int:
    """No call reads and writes more tokens together: what to ask of a limit by the minute."""
    return input_bound(messages, parameters) + output_bound(parameters)


def _usd(read: int, written: int, price: Price) -> Decimal:
    """Exact: sixty digits are more than any product here has."""
    paid_in = EXACT.multiply(Decimal(read), price.input_usd_per_million)
    paid_out = EXACT.multiply(Decimal(written), price.output_usd_per_million)
    return EXACT.divide(EXACT.add(paid_in, paid_out), MILLION)
