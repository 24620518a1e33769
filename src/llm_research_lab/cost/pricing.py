"""A model has a known price, or it is said why it has none; it is never free by omission."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from llm_research_lab.vocabulary.price import Price

if TYPE_CHECKING:
    from llm_research_lab.vocabulary.instants import Instant

DECIMALS = Decimal("0.000001")
"""Prices keep six decimals a million tokens, so that a token costs whole picodollars."""

FREE = Decimal(0)


class Priceable(Protocol):
    """What of a model entry decides its price (``experiments.ModelEntry`` is one)."""

    @property
    def provider(self) -> str:
        """``bundled``, ``openai`` or ``echo``."""
        ...

    @property
    def id(self) -> str:
        """The provider's name of the model."""
        ...

    @property
    def base_url(self) -> str | None:
        """Where it answers; None is OpenAI itself."""
        ...

    @property
    def price(self) -> Price | None:
        """The entry's own price; None when it names none."""
        ...


class PriceReason(StrEnum):
    """Why a model has the price it has, or none. The text is for a person."""

    ENTRY = "the entry names its price"
    LOCAL = "the model runs on this machine; tokens are not billed"
    LISTED = "genai-prices lists the model for the provider at this address"
    UNKNOWN_PROVIDER = "genai-prices knows no provider at this address; name a price in the entry"
    UNKNOWN_MODEL = "genai-prices does not list this model; name a price in the entry"
    TIERED = "the price depends on the length of the prompt; name the one to count in the entry"
    OTHER_UNIT = "the model is not billed by token alone; name a price in the entry"


def price_of(entry: Priceable, now: Instant) -> tuple[Price | None, PriceReason]:
    """The entry's own price wins, then "runs here", then genai-prices as of `now`; else None.

    An address that is nobody's known service has no price whatever the model's name: the same
    weights cost something else elsewhere. Offline: the list is the one that was installed. Prices
    that are listed with more than six decimals are rounded up.
    """
    if entry.price is not None:
        return entry.price, PriceReason.ENTRY
    if entry.provider != "openai":
        return Price(FREE, FREE, "local"), PriceReason.LOCAL
    return _listed(entry.id, entry.base_url, datetime.fromtimestamp(now / 1000, UTC))


def _listed(model: str, url: str | None, moment: datetime) -> tuple[Price | None, PriceReason]:
    """Look the model up. The import takes about 0.4 s, so it waits for the first question."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        provider = snapshot.find_provider(None, None if url else "openai", url)
    except LookupError:
        return None, PriceReason.UNKNOWN_PROVIDER
    try:
        found = snapshot.find_provider_model(model, provider, None, None)[1]
    except LookupError:
        return None, PriceReason.UNKNOWN_MODEL
    listed = found.get_prices(moment)
    return _flat(listed.input_mtok, listed.output_mtok, listed.requests_kcount)


def _flat(into: object, out: object, request: object) -> tuple[Price | None, PriceReason]:
    """Only a flat price for both directions, and none for the request itself, is one of ours."""
    if request is not None or into is None or out is None:
        return None, PriceReason.OTHER_UNIT
    if not (isinstance(into, Decimal) and isinstance(out, Decimal)):
        return None, PriceReason.TIERED
    return Price(_rounded(into), _rounded(out), "genai-prices"), PriceReason.LISTED


def _rounded(usd: Decimal) -> Decimal:
    """Six decimals, upwards, so that a cap counts no less than the provider does."""
    return usd.quantize(DECIMALS, ROUND_CEILING).normalize()
